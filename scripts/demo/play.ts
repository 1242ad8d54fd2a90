/**
 * The demo's pods: those of Kube-OVN's documentation and a few more. The controller's part
 * (annotations, OVN's ports) and the runtime's (one executable per interface) are played.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { NicPlan } from '../../test/lab/cluster.ts';
import { attachmentsOf, PRIMARY_CONFIG, play, type Request } from '../../test/lab/multus.ts';
import {
  type CniOutcome,
  createSandbox,
  deleteSandbox,
  inSandbox,
  type Sandbox,
} from '../../test/lab/runtime.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

/** A pod of the demo. */
interface PodPlan {
  readonly name: string;
  readonly shows: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nics: readonly NicPlan[];
  /** The runtime asks for eth0, too: Kube-OVN is the cluster's own network. */
  readonly hasPrimary?: boolean;
  /** The controller is this late; ms. */
  readonly lateMs?: number;
}

export interface PlayedPod {
  readonly plan: PodPlan;
  readonly pod: Sandbox['pod'];
  readonly sandbox: Sandbox;
  readonly requests: readonly Request[];
}

/** The sandbox of the pod of that name. */
export function sandboxOf(pods: readonly PlayedPod[], name: string): Sandbox {
  const found = pods.find(({ pod }) => pod.name === name);
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found.sandbox;
}

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const ATTACHNET = 'attachnet.default.ovn';
/** Kube-OVN's documentation, "Configure Custom Routes for Attached NICs". */
const ROUTES = '[{"dst": "192.168.0.101/24", "gw": "172.17.0.254"}, {"gw": "172.17.0.254"}]';

function podPlans({ subnets }: Stage): PodPlan[] {
  const { primary, attachnet, macvlan, dual } = subnets;
  const attached = (ip: string, mac: string, more: NicPlan['more'] = {}): NicPlan => ({
    provider: ATTACHNET,
    subnet: attachnet,
    ip,
    mac,
    more,
  });
  return [
    {
      name: 'samplepod',
      shows: 'eth0 on ovn, net1 on attachnet',
      annotations: { [NETWORKS]: 'default/attachnet' },
      hasPrimary: true,
      nics: [
        { provider: 'ovn', subnet: primary, ip: '10.16.0.2', mac: '00:00:00:53:6b:02' },
        attached('172.17.0.11', '00:00:00:53:6b:11'),
      ],
    },
    {
      name: 'custom-routes-attach',
      shows: 'routes by annotation',
      annotations: {
        [NETWORKS]: 'default/attachnet',
        [`${ATTACHNET}.kubernetes.io/routes`]: ROUTES,
      },
      nics: [attached('172.17.0.12', '00:00:00:53:6b:12')],
    },
    {
      name: 'samplepod-macvlan',
      shows: 'addresses for macvlan',
      annotations: { [NETWORKS]: 'default/macvlan' },
      nics: [{ provider: 'macvlan.default', subnet: macvlan, ip: '172.17.0.21' }],
    },
    {
      name: 'static-ip',
      shows: 'fixed address and MAC for macvlan',
      annotations: {
        [NETWORKS]: '[{"name": "macvlan", "namespace": "default", "mac": "00:00:00:53:6B:BB"}]',
        'macvlan.default.kubernetes.io/ip_address': '172.17.0.100',
        'macvlan.default.kubernetes.io/mac_address': '00:00:00:53:6B:BB',
      },
      nics: [
        {
          provider: 'macvlan.default',
          subnet: macvlan,
          ip: '172.17.0.100',
          mac: '00:00:00:53:6B:BB',
        },
      ],
    },
    {
      name: 'two-nics',
      shows: 'two NICs of one network',
      annotations: {
        [NETWORKS]:
          '[{"name": "attachnet", "interface": "net1"}, {"name": "attachnet", "interface": "net2"}]',
      },
      nics: [
        { ...attached('172.17.0.31', '00:00:00:53:6b:31'), ifName: 'net1' },
        { ...attached('172.17.0.32', '00:00:00:53:6b:32'), ifName: 'net2' },
      ],
    },
    {
      name: 'dual-stack',
      shows: 'IPv4 and IPv6',
      annotations: { [NETWORKS]: 'default/dual' },
      nics: [
        {
          provider: 'dual.default.ovn',
          subnet: dual,
          ip: '10.20.0.2,fd00:10:20::2',
          mac: '00:00:00:53:6b:41',
        },
      ],
    },
    {
      name: 'limited',
      shows: '10 Mbit/s both ways',
      annotations: { [NETWORKS]: 'default/attachnet' },
      nics: [
        attached('172.17.0.51', '00:00:00:53:6b:51', { ingress_rate: '10', egress_rate: '10' }),
      ],
    },
    {
      name: 'latecomer',
      shows: 'annotations 0.5 s after its ADD began',
      annotations: { [NETWORKS]: 'default/attachnet' },
      lateMs: 500,
      nics: [attached('172.17.0.61', '00:00:00:53:6b:61')],
    },
  ];
}

/** Creates the pods and runs an ADD for each of their interfaces. */
export async function addPods(stage: Stage, report: Report): Promise<PlayedPod[]> {
  report.section('Pods, as kubelet and Multus bring them up');
  const played: PlayedPod[] = [];
  const rows: string[][] = [];
  for (const plan of podPlans(stage)) {
    const pod = stage.cluster.createPod(plan.name, plan.annotations);
    const sandbox = await createSandbox(pod);
    const attachments = attachmentsOf(stage.cluster.api, pod);
    const primary = { ifName: 'eth0', network: 'ovn', config: PRIMARY_CONFIG };
    const requests = plan.hasPrimary ? [primary, ...attachments] : attachments;
    played.push({ plan, pod, sandbox, requests });
    const allocated = allocate(stage, plan, pod);
    if (plan.lateMs === undefined) await allocated;
    for (const request of requests) {
      const outcome = await play('ADD', sandbox, request);
      const title = `ADD of ${request.ifName} for ${plan.name} (${plan.shows})`;
      report.check(
        title,
        outcome.exitCode === 0,
        outcome.exitCode === 0 ? '' : outcome.stdout.trim(),
      );
      rows.push(await describe(sandbox, request, outcome));
    }
    await allocated;
  }
  console.log();
  report.table(['pod', 'interface', 'network', 'MAC', 'addresses', 'routes', 'ADD'], rows);
  return played;
}

async function allocate(stage: Stage, plan: PodPlan, pod: Sandbox['pod']): Promise<void> {
  if (plan.lateMs !== undefined) await pause(plan.lateMs);
  for (const nic of plan.nics) await stage.cluster.allocate(pod, nic);
}

/** What the kernel says of an interface, not what we asked for. */
async function describe(
  sandbox: Sandbox,
  request: Request,
  outcome: CniOutcome,
): Promise<string[]> {
  const { ifName, network } = request;
  const inPod = async (...args: string[]) =>
    JSON.parse((await inSandbox(sandbox, 'ip', '-j', ...args)) || '[]');
  if (outcome.exitCode !== 0) return [sandbox.pod.name, ifName, network, '-', '-', '-', '-'];
  const [link] = await inPod('address', 'show', 'dev', ifName);
  const addresses = link.addr_info
    .filter(({ scope }: { scope: string }) => scope === 'global')
    .map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`);
  const routes = [
    ...(await inPod('route', 'show', 'dev', ifName)),
    ...(await inPod('-6', 'route', 'show', 'dev', ifName)),
  ]
    .filter(({ protocol }) => protocol !== 'kernel')
    .map(({ dst, gateway }) => `${dst}${gateway ? ` via ${gateway}` : ''}`);
  return [
    sandbox.pod.name,
    ifName,
    network,
    link.address,
    addresses.join(' '),
    routes.join(', ') || '-',
    `${outcome.ms.toFixed(0)} ms`,
  ];
}

/** Runs the DELs, in the reverse order, and takes the pods away. */
export async function deletePods(
  stage: Stage,
  played: readonly PlayedPod[],
  report: Report,
): Promise<void> {
  report.section('DEL of everything');
  for (const { plan, pod, sandbox, requests } of [...played].reverse()) {
    for (const request of [...requests].reverse()) {
      const outcome = await play('DEL', sandbox, request);
      const title = `DEL of ${request.ifName} for ${plan.name}`;
      report.check(
        title,
        outcome.exitCode === 0,
        `${outcome.ms.toFixed(0)} ms ${outcome.stdout.trim()}`,
      );
    }
    await deleteSandbox(sandbox);
    await stage.cluster.deletePod(pod, plan.nics);
  }
}
