/** Packets that prove what ADD promised. */
import { tcpThroughput } from '../../test/lab/iperf3.ts';
import { inSandbox, outcomeInSandbox, type Sandbox } from '../../test/lab/runtime.ts';
import { type PlayedPod, sandboxOf } from './play.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const LIMIT_MBPS = 10;

export async function proveTraffic(
  stage: Stage,
  pods: readonly PlayedPod[],
  report: Report,
): Promise<void> {
  report.section('Traffic');
  const pings: [from: string, ifName: string, to: string, what: string][] = [
    ['samplepod', 'eth0', '10.16.0.1', 'gateway of ovn-default'],
    ['samplepod', 'net1', '172.17.0.1', 'gateway of attachnet'],
    ['samplepod', 'net1', '172.17.0.12', 'custom-routes-attach'],
    ['samplepod', 'net1', '172.17.0.61', 'latecomer'],
    ['samplepod-macvlan', 'net1', '172.17.0.100', 'static-ip, by macvlan'],
    ['static-ip', 'net1', '172.17.0.1', "gateway on the node's wire"],
    ['two-nics', 'net1', '172.17.0.11', 'samplepod'],
    ['two-nics', 'net2', '172.17.0.11', 'samplepod'],
    ['dual-stack', 'net1', '10.20.0.1', 'gateway of dual, IPv4'],
    ['dual-stack', 'net1', 'fd00:10:20::1', 'gateway of dual, IPv6'],
  ];
  for (const [from, ifName, to, what] of pings) {
    const outcome = await outcomeInSandbox(
      sandboxOf(pods, from),
      'ping',
      '-c',
      '2',
      '-i',
      '0.2',
      '-W',
      '2',
      '-I',
      ifName,
      to,
    );
    const time = /= [\d.]+\/([\d.]+)\//.exec(outcome.stdout)?.[1] ?? '?';
    report.check(
      `ping from ${from} (${ifName}) to ${to}, ${what}`,
      outcome.exitCode === 0,
      `${time} ms`,
    );
  }
  await proveRoutes(sandboxOf(pods, 'custom-routes-attach'), report);
  await proveLimit(sandboxOf(pods, 'samplepod'), sandboxOf(pods, 'limited'), report);
  await provePolicing(stage, report);
}

async function proveRoutes(sandbox: Sandbox, report: Report): Promise<void> {
  const routes = await inSandbox(sandbox, 'ip', 'route');
  const expected = [
    '192.168.0.0/24 via 172.17.0.254 dev net1',
    'default via 172.17.0.254 dev net1',
  ];
  report.check(
    'routes of the documentation',
    expected.every((route) => routes.includes(route)),
    expected.join(', '),
  );
}

/** TCP to the limited pod, beside TCP to a pod without a limit. */
async function proveLimit(client: Sandbox, limited: Sandbox, report: Report): Promise<void> {
  const mbps = await tcpThroughput(client, limited, '172.17.0.51', 4, 1);
  const holds = mbps > LIMIT_MBPS * 0.8 && mbps < LIMIT_MBPS * 1.1;
  report.check(
    `iperf3 to the pod limited to ${LIMIT_MBPS} Mbit/s`,
    holds,
    `${mbps.toFixed(2)} Mbit/s`,
  );
}

/** This kernel may lack policing (act_police): what OVS was told is checked. */
async function provePolicing(stage: Stage, report: Report): Promise<void> {
  const rate = await stage.node.vsctl(
    ...['--bare', '--columns=ingress_policing_rate', 'find', 'Interface'],
    'external_ids:pod_name=limited',
  );
  report.check(
    'OVS polices what comes from the limited pod',
    rate.trim() === '10000',
    `${rate.trim()} kbit/s`,
  );
}
