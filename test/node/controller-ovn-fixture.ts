/**
 * A node with OVN whose northbound database the controller's own code writes, and pods that are
 * plugged by hand: what packets do is then what the rows say.
 */

import { planPod } from '../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter } from '../../src/controller/kinds/vpc/router-plan.ts';
import type {
  DesiredPort,
  DesiredSecurityGroup,
  DesiredSwitch,
} from '../../src/controller/ovn/desired.ts';
import { type OpenNorthbound, openNorthbound } from '../../src/controller/ovn/open.ts';
import { command } from '../lab/command.ts';
import { NB_DATABASE, OVS_DATABASE, OvnNode } from '../lab/ovn-node.ts';
import { createSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { address, attachedSwitch, routerOf } from '../unit/controller/ovn/support.ts';
import { RecordingLog } from '../unit/daemon/recording-log.ts';

export interface Pod {
  readonly sandbox: Sandbox;
  readonly port: DesiredPort;
}

export class Fixture {
  readonly node: OvnNode;
  readonly northbound: OpenNorthbound;
  #count = 0;

  private constructor(node: OvnNode) {
    this.node = node;
    this.northbound = openNorthbound({
      address: { database: NB_DATABASE },
      log: new RecordingLog(),
      signal: new AbortController().signal,
    });
  }

  static async start(): Promise<Fixture> {
    return new Fixture(await OvnNode.start());
  }

  /** A Vpc with these Subnets, by their gateways with prefix lengths. */
  async vpc(name: string, gateways: Readonly<Record<string, string>>): Promise<void> {
    await this.northbound.apply((state) => planRouter(state, routerOf({ name })));
    for (const [subnet, gateway] of Object.entries(gateways)) {
      await this.subnet(attachedSwitch(gateway, { name: subnet, vpc: name, newMac: this.#mac() }));
    }
  }

  async subnet(desired: DesiredSwitch): Promise<void> {
    await this.northbound.apply((state) => planSwitch(state, desired));
    await this.settle();
  }

  async group(desired: DesiredSecurityGroup): Promise<void> {
    await this.northbound.apply((state) => planSecurityGroup(state, desired));
    await this.settle();
  }

  /** A pod on a Subnet, with its default routes by these gateways. */
  async pod(
    subnet: string,
    addresses: readonly string[],
    gateways: readonly string[],
    changes: Partial<DesiredPort> = {},
  ): Promise<Pod> {
    this.#count += 1;
    const name = `pod-${this.#count}`;
    const port: DesiredPort = {
      name: `${name}.default.net.default.ovn`,
      subnet,
      vpc: 'tenant',
      mac: this.#mac(),
      addresses: addresses.map(address),
      takesUnknown: false,
      isSecured: false,
      virtualAddresses: [],
      securityGroups: [],
      ...changes,
    };
    const sandbox = await createSandbox({ namespace: 'default', name, uid: name });
    await this.applyPort({ sandbox, port });
    await this.#plug(sandbox, port);
    await giveAddresses(sandbox, addresses, gateways);
    return { sandbox, port };
  }

  /** Applies to the port of a pod what is wanted of it now. */
  async applyPort({ sandbox, port }: Pod): Promise<void> {
    const key = `default/${sandbox.pod.name}`;
    await this.northbound.apply((state) => planPod(state, key, [port]));
    await this.settle();
  }

  /** Waits until the node does what the northbound database says. */
  async settle(): Promise<void> {
    await this.node.nbctl('--wait=hv', 'sync');
  }

  async #plug({ netnsName }: Sandbox, { name, mac }: DesiredPort): Promise<void> {
    const host = `veth${this.#count}`;
    const peer = ['peer', 'name', 'net1', 'netns', netnsName, 'address', mac];
    await command('ip', ['link', 'add', host, 'up', 'type', 'veth', ...peer]);
    const id = `external_ids:iface-id=${name}`;
    await this.node.vsctl('add-port', 'br-int', host, '--', 'set', 'Interface', host, id);
    const wait = ['wait-until', 'Interface', host, 'external_ids:ovn-installed=true'];
    await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, '--timeout=20', '--no-wait', ...wait]);
  }

  #mac(): string {
    this.#count += 1;
    return `02:00:00:00:02:${this.#count.toString(16).padStart(2, '0')}`;
  }
}

/** Gives net1 addresses, at once usable, and default routes. */
async function giveAddresses(
  sandbox: Sandbox,
  addresses: readonly string[],
  gateways: readonly string[],
): Promise<void> {
  await inSandbox(sandbox, 'sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=0');
  await inSandbox(sandbox, 'ip', 'link', 'set', 'net1', 'up');
  for (const text of addresses) {
    const isV6 = text.includes(':');
    const words = [`${text}/${isV6 ? 64 : 24}`, 'dev', 'net1', ...(isV6 ? ['nodad'] : [])];
    await inSandbox(sandbox, 'ip', 'address', 'add', ...words);
  }
  for (const gateway of gateways)
    await inSandbox(sandbox, 'ip', 'route', 'replace', 'default', 'via', gateway);
}
