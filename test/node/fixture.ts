/**
 * What every test on a real node starts with: OVS, OVN, a fake API server, Kube-OVN's
 * networks, and the built daemon. One per test file, since each file has its own namespaces.
 */
import { mkdir } from 'node:fs/promises';
import { Cluster, type NicPlan, type SubnetPlan } from '../lab/cluster.ts';
import { Daemon, SOCKET } from '../lab/daemon.ts';
import { DAEMON, FakeApiServer, type FakeApiServerOptions } from '../lab/kubernetes/api.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import { createSandbox, type NetworkConfig, type Sandbox } from '../lab/runtime.ts';

export const ATTACHNET = 'attachnet.default.ovn';
/** The daemon's. */
export const KUBECONFIG = '/run/kube/config';

/** The cluster's own network, for files that create it. */
export const PRIMARY: SubnetPlan = {
  name: 'ovn-default',
  provider: 'ovn',
  cidrBlock: '10.16.0.0/16,fd00:10:16::/64',
  gateway: '10.16.0.1,fd00:10:16::1',
};

/** Resolves when the daemon has set up its mirror; in non-primary mode it makes none before a pod asks for it. */
export async function mirrorIsThere(node: OvnNode, flags: readonly string[]): Promise<void> {
  const isPrimary = !flags.some((flag) => /^--non-primary-cni-mode(=true)?$/.test(flag));
  if (isPrimary) await node.vsctl('wait-until', 'Interface', 'mirror0', 'ifindex>0');
}

/** Configuration of a Kube-OVN NIC, as a NetworkAttachmentDefinition has it. */
export function ovnConfig(more: object = {}): NetworkConfig {
  return {
    cniVersion: '1.0.0',
    type: 'kube-ovn',
    server_socket: SOCKET,
    provider: ATTACHNET,
    ...more,
  };
}

export class Fixture implements AsyncDisposable {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly cluster: Cluster;
  daemon: Daemon;
  /** attachnet, 172.17.0.0/16 and fd00:172:17::/64, gateways .1 and ::1. */
  readonly attachnet: SubnetPlan;
  #podCount = 0;

  private constructor(parts: {
    node: OvnNode;
    api: FakeApiServer;
    cluster: Cluster;
    daemon: Daemon;
    attachnet: SubnetPlan;
  }) {
    this.node = parts.node;
    this.api = parts.api;
    this.cluster = parts.cluster;
    this.daemon = parts.daemon;
    this.attachnet = parts.attachnet;
  }

  /**
   * @param flags further flags of the daemon
   * @param datapath of br-int; `system` is the kernel's, which a guest has (test/lab/guest)
   */
  static async start(
    flags: readonly string[] = ['--add-timeout-seconds=10'],
    apiOptions: FakeApiServerOptions = {},
    datapath: 'netdev' | 'system' = 'netdev',
  ): Promise<Fixture> {
    const node = await OvnNode.start('node1', datapath);
    const api = await FakeApiServer.start(apiOptions);
    const cluster = new Cluster(api, node, node.chassis);
    await cluster.prepare();
    const attachnet = await cluster.createSubnet({
      name: 'attachnet',
      provider: ATTACHNET,
      cidrBlock: '172.17.0.0/16,fd00:172:17::/64',
      gateway: '172.17.0.1,fd00:172:17::1',
    });
    await mkdir('/run/kube', { recursive: true });
    await api.writeKubeconfig(KUBECONFIG, DAEMON);
    const daemon = await Daemon.start({ kubeconfig: KUBECONFIG, nodeName: node.chassis, flags });
    await mirrorIsThere(node, flags);
    return new Fixture({ node, api, cluster, daemon, attachnet });
  }

  /** Ends the daemon and starts it with other flags. */
  async restartDaemon(
    flags: readonly string[],
    signal: NodeJS.Signals = 'SIGTERM',
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.daemon.stop(signal);
    this.daemon = await Daemon.start({
      kubeconfig: KUBECONFIG,
      nodeName: this.node.chassis,
      flags,
      environment,
    });
  }

  /** A fresh name, address pair and MAC. */
  next(): { name: string; v4: string; v6: string; mac: string } {
    this.#podCount += 1;
    const number = this.#podCount;
    const [high, low] = [1 + (number >> 8), number & 255];
    const hex = (byte: number) => byte.toString(16).padStart(2, '0');
    return {
      name: `pod-${number}`,
      v4: `172.17.${high}.${low}`,
      v6: `fd00:172:17::1:${number.toString(16)}`,
      mac: `00:00:00:00:${hex(high)}:${hex(low)}`,
    };
  }

  /**
   * A pod with one NIC on attachnet that the controller has finished with, and its sandbox.
   * @param options.nic changes the NIC, or makes it undefined for a pod that nothing was allocated to;
   *   where it says `virtualmachine`, the pod runs that VM
   */
  async pod(
    options: {
      annotations?: Readonly<Record<string, string>>;
      nic?: (nic: NicPlan) => NicPlan | undefined;
    } = {},
  ): Promise<{ pod: Sandbox['pod']; sandbox: Sandbox; nic: NicPlan }> {
    const { name, v4, mac } = this.next();
    const plain: NicPlan = { provider: ATTACHNET, subnet: this.attachnet, ip: v4, mac };
    const nic = options.nic === undefined ? plain : options.nic(plain);
    const machine = nic?.more?.virtualmachine;
    const launcher = machine === undefined ? undefined : this.cluster.createMachine(machine);
    const pod = this.cluster.createPod(name, options.annotations, 'default', launcher);
    if (nic !== undefined) await this.cluster.allocate(pod, nic);
    return { pod, sandbox: await createSandbox(pod), nic: nic ?? plain };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.stop();
    await this.node.stop();
    await this.api.close();
  }
}
