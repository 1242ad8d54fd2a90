/** Limits and mirroring of a pod that runs follow its annotations. */
import { join } from 'node:path';
import { outcomeOf } from '../../test/lab/command.ts';
import { tcpThroughput } from '../../test/lab/iperf3.ts';
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { keyOf } from '../../test/lab/kubernetes/object.ts';
import { inSandbox, type Sandbox } from '../../test/lab/runtime.ts';
import { keyOnAttachnet } from './manifests.ts';
import { addressOf, podNamed } from './pods.ts';
import type { Report } from './report.ts';
import { KUBECONFIG, type Stage } from './stage.ts';

const DAEMON = join(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');
const NEW_RATE_MBPS = 50;
const ECHOES = 5;

export async function proveLimits(
  stage: Stage,
  pods: readonly RunningPod[],
  report: Report,
): Promise<void> {
  report.section('Limits of a running pod follow its annotations');
  const { sandbox: client } = podNamed(pods, 'samplepod');
  const limitedPod = podNamed(pods, 'limited');
  const { sandbox: limited, pod } = limitedPod;
  const address = addressOf(limitedPod);
  const annotate = (values: Readonly<Record<string, string | null>>) => {
    const entries = Object.entries(values).map(([name, value]) => [keyOnAttachnet(name), value]);
    const annotations = Object.fromEntries(entries);
    stage.api.patch('Pod', keyOf(pod), { metadata: { annotations } });
  };
  const throughput = () => tcpThroughput(client, limited, address, 3, 1);

  const ms = await timeToOvs(stage, limited, () => annotate({ ingress_rate: `${NEW_RATE_MBPS}` }));
  const limitedMbps = await throughput();
  const title = `from 10 to ${NEW_RATE_MBPS} Mbit/s`;
  report.check(
    title,
    isNear(limitedMbps),
    `in OVS after ${ms} ms, ${limitedMbps.toFixed(1)} Mbit/s`,
  );

  annotate({ ingress_rate: 'fast' });
  const event = await stage.api.untilSome('Event', ({ reason }) => {
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
  await proveMirror({ client, address, annotate }, report);
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
  const args = [DAEMON, 'limits', name, `--kubeconfig=${KUBECONFIG}`];
  return (await outcomeOf(process.execPath, args)).stdout;
}

/** The limited pod, and who pings it. */
interface MirrorScene {
  readonly client: Sandbox;
  readonly address: string;
  readonly annotate: (values: Readonly<Record<string, string | null>>) => void;
}

async function proveMirror(
  { client, address, annotate }: MirrorScene,
  report: Report,
): Promise<void> {
  const seen = async () => {
    const filter = `icmp[icmptype] == icmp-echo and dst host ${address}`;
    const options = ['-i', 'mirror0', '-n', '-l', '-c', `${ECHOES}`, filter];
    const capture = outcomeOf('tcpdump', options, { timeoutMs: 4000 });
    await inSandbox(client, 'ping', '-c', `${ECHOES + 3}`, '-i', '0.2', address);
    return (await capture).stdout.split('\n').filter(Boolean).length;
  };
  const before = await seen();
  annotate({ mirror: 'true' });
  const echoes = await seen();
  annotate({ mirror: null });
  const counts = `${before} echo requests seen before, ${echoes} with it`;
  report.check('a mirrored pod is seen on mirror0', before === 0 && echoes === ECHOES, counts);
}
