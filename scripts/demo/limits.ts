/** Limits and mirroring of a pod that runs follow its annotations. */
import { join } from 'node:path';
import { outcomeOf } from '../../test/lab/command.ts';
import { tcpThroughput } from '../../test/lab/iperf3.ts';
import { inSandbox, type Sandbox } from '../../test/lab/runtime.ts';
import { type PlayedPod, sandboxOf } from './play.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const DAEMON = join(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');
const PREFIX = 'attachnet.default.ovn.kubernetes.io';
const NEW_RATE_MBPS = 50;
const ECHOES = 5;

export async function proveLimits(
  stage: Stage,
  pods: readonly PlayedPod[],
  report: Report,
): Promise<void> {
  report.section('Limits of a running pod follow its annotations');
  const [client, limited] = [sandboxOf(pods, 'samplepod'), sandboxOf(pods, 'limited')];
  const annotate = (values: Readonly<Record<string, string | null>>) => {
    const entries = Object.entries(values).map(([name, value]) => [`${PREFIX}/${name}`, value]);
    stage.cluster.annotate(limited.pod, Object.fromEntries(entries));
  };
  const throughput = () => tcpThroughput(client, limited, '172.17.0.51', 3, 1);

  const ms = await timeToOvs(stage, limited, () => annotate({ ingress_rate: `${NEW_RATE_MBPS}` }));
  const limitedMbps = await throughput();
  const title = `from 10 to ${NEW_RATE_MBPS} Mbit/s`;
  report.check(
    title,
    isNear(limitedMbps),
    `in OVS after ${ms} ms, ${limitedMbps.toFixed(1)} Mbit/s`,
  );

  annotate({ ingress_rate: 'fast' });
  const event = await stage.cluster.api.untilSome('Event', ({ reason }) => {
    return reason === 'PodQoSUpdateFailed';
  });
  report.check('a value that is wrong is told by an event', true, String(event.message));
  const command = await showLimits(limited);
  report.check('and the limit stays', command.includes(`${NEW_RATE_MBPS} Mbit/s`));
  for (const line of command.trimEnd().split('\n')) report.info(`     ${line}`);

  annotate({ ingress_rate: null, egress_rate: null });
  const freeMbps = await throughput();
  const isFree = freeMbps > 2 * NEW_RATE_MBPS;
  report.check('without annotation there is no limit', isFree, `${freeMbps.toFixed(0)} Mbit/s`);
  await proveMirror(client, annotate, report);
}

function isNear(mbps: number): boolean {
  return mbps > NEW_RATE_MBPS * 0.8 && mbps < NEW_RATE_MBPS * 1.1;
}

/** How long it takes from a patch at the API server to the row of the pod's queue; ms. */
async function timeToOvs({ node }: Stage, { containerId }: Sandbox, patch: () => void) {
  const ids = `external_ids:container_id=${containerId}`;
  const find = ['--bare', '--columns=_uuid', 'find', 'Queue', ids];
  const queue = (await node.vsctl(...find)).trim();
  const rate = `other_config:max-rate=${NEW_RATE_MBPS}000000`;
  const startedMs = performance.now();
  patch();
  await node.vsctl('wait-until', 'Queue', queue, rate);
  return Math.round(performance.now() - startedMs);
}

/** What `kube-ovn-cni limits` prints; it ends with 1 where not all is as annotated. */
async function showLimits({ pod }: Sandbox): Promise<string> {
  const name = `${pod.namespace}/${pod.name}`;
  const args = [DAEMON, 'limits', name, '--kubeconfig=/run/kube/config'];
  return (await outcomeOf(process.execPath, args)).stdout;
}

async function proveMirror(
  client: Sandbox,
  annotate: (values: Readonly<Record<string, string | null>>) => void,
  report: Report,
): Promise<void> {
  const seen = async () => {
    const filter = 'icmp[icmptype] == icmp-echo and dst host 172.17.0.51';
    const options = ['-i', 'mirror0', '-n', '-l', '-c', `${ECHOES}`, filter];
    const capture = outcomeOf('tcpdump', options, { timeoutMs: 4000 });
    await inSandbox(client, 'ping', '-c', `${ECHOES + 3}`, '-i', '0.2', '172.17.0.51');
    return (await capture).stdout.split('\n').filter(Boolean).length;
  };
  const before = await seen();
  annotate({ mirror: 'true' });
  const echoes = await seen();
  annotate({ mirror: null });
  const counts = `${before} echo requests seen before, ${echoes} with it`;
  report.check('a mirrored pod is seen on mirror0', before === 0 && echoes === ECHOES, counts);
}
