/**
 * A node whose daemon is played, as Kube-OVN's: provider bridge, labels of the Node and pods' interfaces are
 * made by hand, and what the controller makes of them is real.
 */
import { mkdir } from 'node:fs/promises';
import { abortable, startDeadline } from '../../src/common/concurrency/deadline.ts';
import { command } from '../lab/command.ts';
import { Controller } from '../lab/controller.ts';
import { apply } from '../lab/kubectl.ts';
import {
  CONTROLLER,
  FakeApiServer,
  type KubernetesObject,
  type NewObject,
} from '../lab/kubernetes/api.ts';
import { NB_DATABASE, OVS_DATABASE, OvnNode } from '../lab/ovn-node.ts';
import { createSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { makeProviderBridge, readyCard, Wire } from '../lab/wire.ts';
import { bindPod, identityOf } from '../lab/workloads.ts';
import { podOf } from './controller-manifests.ts';

export const NETWORK = 'physnet';
const NIC = 'eth1';
const KUBECONFIG = '/run/kube/controller-config';
/** Far above what anything takes here that comes at all. */
const WAIT_MS = 60_000;
const LOG_LINES = 20;

/** A label or annotation about the network. */
export function keyOfNetwork(name: string): string {
  return `${NETWORK}.provider-network.kubernetes.io/${name}`;
}

/** What a pod's NIC got. */
export interface Nic {
  readonly port: string;
  /** By their names, like `ip_address`. */
  readonly annotations: Readonly<Record<string, string>>;
}

export class ProviderFixture implements AsyncDisposable {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly wire: Wire;
  controller: Controller;
  #count = 0;

  private constructor(parts: Pick<ProviderFixture, 'node' | 'api' | 'wire' | 'controller'>) {
    this.node = parts.node;
    this.api = parts.api;
    this.wire = parts.wire;
    this.controller = parts.controller;
  }

  /** @param before objects that are there when the controller starts */
  static async start(before: readonly NewObject[] = []): Promise<ProviderFixture> {
    const node = await OvnNode.start();
    const api = await FakeApiServer.start();
    const addresses = [{ type: 'InternalIP', address: '192.0.2.1' }];
    api.create({ kind: 'Node', metadata: { name: node.chassis }, status: { addresses } });
    for (const name of ['default', 'kube-system']) {
      api.create({ kind: 'Namespace', metadata: { name } });
    }
    for (const object of before) api.create(object);
    const wire = await Wire.start();
    await wire.card(NIC);
    await readyCard(NIC);
    await makeProviderBridge(node, { network: NETWORK, nic: NIC });
    await mkdir('/run/kube', { recursive: true });
    await api.writeKubeconfig(KUBECONFIG, CONTROLLER);
    const controller = await startController();
    return new ProviderFixture({ node, api, wire, controller });
  }

  /** Ends the controller, and starts it again. */
  async restartController(): Promise<void> {
    await this.controller.stop();
    this.controller = await startController();
  }

  apply(...manifests: readonly NewObject[]): void {
    for (const manifest of manifests) apply(this.api, manifest);
  }

  /**
   * Waits until an object is as `isWanted` wants it.
   * @throws Error with all that may say why, where that takes too long
   */
  async becomes(
    kind: string,
    name: string,
    isWanted: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject> {
    using deadline = startDeadline(WAIT_MS);
    try {
      return await abortable(this.api.until(kind, name, isWanted), deadline.signal);
    } catch (error) {
      const object = this.api.list(kind).find(({ metadata }) => metadata.name === name);
      const lines = this.controller.log.slice(-LOG_LINES);
      const what = `${kind} ${name} does not become what is expected: ${JSON.stringify(object)}`;
      throw new Error([what, ...lines].join('\n'), { cause: error });
    }
  }

  /** Waits until a Subnet is ready. */
  async subnetReady(name: string): Promise<void> {
    await this.becomes('Subnet', name, ({ status }) => {
      const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
      return conditions.some((each) => each.type === 'Ready' && each.status === 'True');
    });
  }

  /** Waits until a row of the northbound database is so: `Logical_Switch_Port web tag=7`. */
  async rowBecomes(...condition: readonly string[]): Promise<void> {
    await command('ovn-nbctl', [
      ...[`--db=${NB_DATABASE}`, '--timeout=60', 'wait-until'],
      ...condition,
    ]);
  }

  /** A pod that has what is allocated for its one network; nothing of it runs. */
  async allocated(name: string, network: string): Promise<Nic> {
    const pod = identityOf(apply(this.api, podOf(name, network)));
    bindPod(this.api, pod, this.node.chassis);
    const prefix = `${network}.default.ovn.kubernetes.io/`;
    const { metadata } = await this.becomes('Pod', `default/${name}`, (one) => {
      return one.metadata.annotations?.[`${prefix}routed`] === 'true';
    });
    const own = Object.entries(metadata.annotations ?? {}).filter(([key]) => {
      return key.startsWith(prefix);
    });
    const annotations = Object.fromEntries(
      own.map(([key, value]) => [key.slice(prefix.length), value]),
    );
    return { port: `${name}.default.${network}.default.ovn`, annotations };
  }

  /** Brings a pod up as a daemon does, with its default route by this gateway. */
  async run(name: string, network: string, gateway: string): Promise<Sandbox> {
    const nic = await this.allocated(name, network);
    const { mac_address: mac = '', ip_address: ip = '' } = nic.annotations;
    const sandbox = await createSandbox({ namespace: 'default', name, uid: name });
    await this.#plug(sandbox, nic.port, mac);
    await inSandbox(sandbox, 'ethtool', '-K', 'net1', 'tx', 'off');
    await inSandbox(sandbox, 'ip', 'link', 'set', 'net1', 'up');
    await inSandbox(sandbox, 'ip', 'address', 'add', `${ip}/24`, 'dev', 'net1');
    await inSandbox(sandbox, 'ip', 'route', 'replace', 'default', 'via', gateway);
    return sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.controller.stop();
    await this.wire.stop();
    await this.node.stop();
    await this.api.close();
  }

  async #plug({ netnsName }: Sandbox, port: string, mac: string): Promise<void> {
    this.#count += 1;
    const host = `pod${this.#count}`;
    const peer = ['peer', 'name', 'net1', 'netns', netnsName, 'address', mac];
    await command('ip', ['link', 'add', host, 'up', 'type', 'veth', ...peer]);
    const id = `external_ids:iface-id=${port}`;
    await this.node.vsctl('add-port', 'br-int', host, '--', 'set', 'Interface', host, id);
    const wait = ['wait-until', 'Interface', host, 'external_ids:ovn-installed=true'];
    await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, '--timeout=30', '--no-wait', ...wait]);
  }
}

function startController(): Promise<Controller> {
  return Controller.start({ kubeconfig: KUBECONFIG, flags: ['--non-primary-cni-mode=true'] });
}
