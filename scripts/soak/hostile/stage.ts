/** What the hostile soak runs on: a node, an API server, two controllers, a daemon and a kubelet. */
import { mkdir } from 'node:fs/promises';
import { apply } from '../../../test/lab/kubectl.ts';
import { Kubelet } from '../../../test/lab/kubelet.ts';
import {
  CONTROLLER,
  DAEMON,
  FakeApiServer,
  type KubernetesObject,
} from '../../../test/lab/kubernetes/api.ts';
import { makeNetworkCard } from '../../../test/lab/network-card.ts';
import { OvnNode } from '../../../test/lab/ovn-node.ts';
import { DaemonRuns, KUBECONFIG } from '../daemon-runs.ts';
import { FaultRecord } from '../fault-record.ts';
import { Journal } from '../journal.ts';
import { Tally } from '../tally.ts';
import { Candidates, CONTROLLER_KUBECONFIG } from './candidates.ts';
import { manifests, NETWORKS } from './networks.ts';

export const NAMESPACES = ['default', 'evil'] as const;
/** A virtual machine of the honest; its launcher pods may share its addresses. */
export const MACHINE = 'machine';

export interface Stage {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly kubelet: Kubelet;
  readonly daemon: DaemonRuns;
  readonly candidates: Candidates;
  readonly faults: FaultRecord;
  readonly tally: Tally;
  /** The virtual machine's instance, whose UID everybody in its namespace can read. */
  readonly machine: KubernetesObject;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const node = await OvnNode.start();
  const api = await FakeApiServer.start();
  api.create({
    kind: 'Node',
    metadata: { name: node.chassis },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  });
  for (const name of [...NAMESPACES, 'kube-system']) {
    api.create({ kind: 'Namespace', metadata: { name } });
  }
  const machine = api.create({
    kind: 'VirtualMachineInstance',
    metadata: { name: MACHINE, namespace: 'default' },
    status: { activePods: {} },
  });
  await mkdir('/run/kube', { recursive: true });
  await api.writeKubeconfig(KUBECONFIG, DAEMON);
  await api.writeKubeconfig(CONTROLLER_KUBECONFIG, CONTROLLER);
  await makeNetworkCard();
  for (const manifest of manifests()) apply(api, manifest);
  const books = { faults: new FaultRecord(), journal: new Journal(), tally: new Tally() };
  const daemon = new DaemonRuns({ nodeName: node.chassis, ...books });
  const [candidates] = await Promise.all([Candidates.start(), daemon.start()]);
  await node.vsctl('wait-until', 'Interface', 'mirror0', 'ifindex>0');
  for (const { name } of NETWORKS) await api.until('Subnet', name, isReady);
  const stop = async () => {
    await daemon.stop();
    await candidates.stop();
    await node.stop();
    await api.close();
  };
  return { node, api, kubelet: new Kubelet(api), daemon, candidates, machine, ...books, stop };
}

function isReady({ status }: KubernetesObject): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
}
