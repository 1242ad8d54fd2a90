/** What a soak runs on: a node, a cluster, its networks, the daemon, and the books that are kept. */
import { mkdir } from 'node:fs/promises';
import { Cluster } from '../../test/lab/cluster.ts';
import { DAEMON, FakeApiServer } from '../../test/lab/kubernetes/api.ts';
import { OvnNode } from '../../test/lab/ovn-node.ts';
import { DaemonRuns, KUBECONFIG } from './daemon-runs.ts';
import { FaultRecord } from './fault-record.ts';
import { Journal } from './journal.ts';
import { createNetworks, type Networks } from './networks.ts';
import { Tally } from './tally.ts';

export interface Stage {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly cluster: Cluster;
  readonly networks: Networks;
  readonly daemon: DaemonRuns;
  readonly faults: FaultRecord;
  readonly journal: Journal;
  readonly tally: Tally;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const node = await OvnNode.start();
  const api = await FakeApiServer.start();
  const cluster = new Cluster(api, node, node.chassis);
  await cluster.prepare();
  const networks = await createNetworks(cluster);
  await mkdir('/run/kube', { recursive: true });
  await api.writeKubeconfig(KUBECONFIG, DAEMON);
  const books = { faults: new FaultRecord(), journal: new Journal(), tally: new Tally() };
  const daemon = new DaemonRuns({ nodeName: node.chassis, ...books });
  await daemon.start();
  await node.vsctl('wait-until', 'Interface', 'mirror0', 'ifindex>0');
  const stop = async () => {
    await daemon.stop();
    await node.stop();
    await api.close();
  };
  return { node, api, cluster, networks, daemon, ...books, stop };
}
