/** Packets that prove what ADD promised of Kube-OVN's NICs. */
import { tcpThroughput } from '../../test/lab/iperf3.ts';
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { provePings } from './pings.ts';
import { addressOf, podNamed } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const LIMIT_MBPS = 10;

export async function proveTraffic(
  stage: Stage,
  pods: readonly RunningPod[],
  report: Report,
): Promise<void> {
  report.section('Traffic');
  const sample = podNamed(pods, 'samplepod');
  const two = podNamed(pods, 'two-nics');
  const dual = podNamed(pods, 'dual-stack');
  const toSample = { to: addressOf(sample), what: 'samplepod' };
  const echoes = [
    { from: sample, by: 'eth0', to: '10.244.0.1', what: "the other plugin's gateway" },
    { from: sample, by: 'net1', to: '172.17.0.1', what: 'gateway of attachnet' },
    { from: sample, by: 'net1', to: '172.17.0.100', what: 'fixed' },
    { from: two, by: 'net1', ...toSample },
    { from: two, by: 'net2', ...toSample },
    { from: dual, by: 'net1', to: '10.20.0.1', what: 'gateway of dual, IPv4' },
    { from: dual, by: 'net1', to: 'fd00:10:20::1', what: 'gateway of dual, IPv6' },
  ];
  await provePings(echoes, report);
  await proveLimit(sample, podNamed(pods, 'limited'), report);
  await provePolicing(stage, report);
}

/** TCP to the limited pod. */
async function proveLimit(client: RunningPod, limited: RunningPod, report: Report): Promise<void> {
  const address = addressOf(limited);
  const mbps = await tcpThroughput(client.sandbox, limited.sandbox, address, 4, 1);
  const holds = mbps > LIMIT_MBPS * 0.8 && mbps < LIMIT_MBPS * 1.1;
  const title = `iperf3 to the pod limited to ${LIMIT_MBPS} Mbit/s`;
  report.check(title, holds, `${mbps.toFixed(2)} Mbit/s`);
}

/** This kernel may lack policing (act_police): what OVS was told is checked. */
async function provePolicing(stage: Stage, report: Report): Promise<void> {
  const rate = await stage.node.vsctl(
    ...['--bare', '--columns=ingress_policing_rate', 'find', 'Interface'],
    'external_ids:pod_name=limited',
  );
  const title = 'OVS polices what comes from the limited pod';
  report.check(title, rate.trim() === '10000', `${rate.trim()} kbit/s`);
}
