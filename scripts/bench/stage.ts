/** The bench's node, daemon and networks, and pods that wait for their ADD. */
import { mkdir } from 'node:fs/promises';
import { Cluster, type NicPlan, type SubnetPlan } from '../../test/lab/cluster.ts';
import { Daemon, type DaemonOptions } from '../../test/lab/daemon.ts';
import { DAEMON, FakeApiServer } from '../../test/lab/kubernetes/api.ts';
import { OvnNode } from '../../test/lab/ovn-node.ts';
import {
  createSandbox,
  deleteSandbox,
  type NetworkConfig,
  type Sandbox,
} from '../../test/lab/runtime.ts';

export interface Bench {
  readonly node: OvnNode;
  readonly cluster: Cluster;
  readonly daemon: Daemon;
  /** To start it again. */
  readonly daemonOptions: DaemonOptions;
  readonly subnet: SubnetPlan;
  readonly macvlan: SubnetPlan;
  stop(): Promise<void>;
}

const PROVIDER = 'attachnet.default.ovn';
const SOCKET = { server_socket: '/run/openvswitch/kube-ovn-daemon.sock' };
export const OVN_CONFIG: NetworkConfig = {
  cniVersion: '1.0.0',
  type: 'kube-ovn',
  ...SOCKET,
  provider: PROVIDER,
};
export const IPAM_CONFIG: NetworkConfig = {
  cniVersion: '1.0.0',
  type: 'macvlan',
  ipam: { type: 'kube-ovn', ...SOCKET, provider: 'macvlan.default' },
};
const GATEWAY = '172.17.0.1';

export async function startBench(): Promise<Bench> {
  const node = await OvnNode.start();
  const api = await FakeApiServer.start();
  const cluster = new Cluster(api, node, node.chassis);
  await cluster.prepare();
  const network = { cidrBlock: '172.17.0.0/16', gateway: GATEWAY };
  const subnet = await cluster.createSubnet({ name: 'attachnet', provider: PROVIDER, ...network });
  const macvlan = await cluster.createSubnet({
    name: 'macvlan',
    provider: 'macvlan.default',
    ...network,
  });
  await mkdir('/run/kube', { recursive: true });
  await api.writeKubeconfig('/run/kube/config', DAEMON);
  const daemonOptions = { kubeconfig: '/run/kube/config', nodeName: node.chassis };
  const daemon = await Daemon.start(daemonOptions);
  const stop = async () => {
    await daemon.stop();
    await node.stop();
    await api.close();
  };
  return { node, cluster, daemon, daemonOptions, subnet, macvlan, stop };
}

/** A pod with an address and a sandbox, but without an interface. */
export interface WaitingPod {
  readonly nics: readonly NicPlan[];
  readonly sandbox: Sandbox;
  readonly mac: string;
  readonly ip: string;
  readonly logicalPort: string;
}

let podCount = 0;

/** Makes pods, and waits until OVN has digested their ports. */
export async function preparePods(bench: Bench, count: number): Promise<WaitingPod[]> {
  const pods: WaitingPod[] = [];
  for (let made = 0; made < count; made += 1) {
    podCount += 1;
    const name = `pod-${podCount}`;
    const pod = bench.cluster.createPod(name);
    const [high, low] = [Math.floor(podCount / 200) + 1, (podCount % 200) + 1];
    const ip = `172.17.${high}.${low}`;
    const mac = `00:00:00:01:${hex(high)}:${hex(low)}`;
    const nic: NicPlan = { provider: PROVIDER, subnet: bench.subnet, ip, mac };
    const nics = [nic, { provider: 'macvlan.default', subnet: bench.macvlan, ip }];
    for (const each of nics) await bench.cluster.allocate(pod, each);
    pods.push({
      nics,
      sandbox: await createSandbox(pod),
      mac,
      ip,
      logicalPort: `${name}.default.${PROVIDER}`,
    });
  }
  await settle(bench);
  return pods;
}

/** Removes pods with their sandboxes. */
export async function removePods(bench: Bench, pods: readonly WaitingPod[]): Promise<void> {
  for (const { sandbox, nics } of pods) {
    await deleteSandbox(sandbox);
    await bench.cluster.deletePod(sandbox.pod, nics);
  }
}

/** Waits until OVN and OVS have done all that they were told. */
export async function settle({ node }: Bench): Promise<void> {
  await node.nbctl('--wait=hv', 'sync');
}

export const floorGateway = GATEWAY;

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}
