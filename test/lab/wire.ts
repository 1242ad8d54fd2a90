/**
 * The physical network between nodes of a lab: a switch that knows VLANs, in a namespace of its own. Nodes have
 * their network cards on trunk ports of it, and machines stand at access ports, each in its own namespace.
 *
 * The switch is Open vSwitch's userspace datapath, run by an ovs-vswitchd of its own: this kernel ends no
 * VLANs itself, and nothing of a node's Open vSwitch is to be part of the network that it is tested on.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { command } from './command.ts';
import type { OvnNode } from './ovn-node.ts';
import type { Sandbox } from './runtime.ts';

/** Name of the switch's namespace, and of its bridge. */
const SWITCH = 'wire';
const DIRECTORY = '/run/wire';
const DATABASE = `unix:${DIRECTORY}/db.sock`;
const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const PARTS = ['ovsdb-server', 'ovs-vswitchd'] as const;

/** A machine at an access port. */
export interface MachineOptions {
  /** Of its namespace, for ip(8); 10 characters at most. */
  readonly name: string;
  /** 0 for frames without a tag. */
  readonly vlan: number;
  /** Each with its prefix length. */
  readonly addresses: readonly string[];
}

/** A switch, and what stands at its ports. */
export class Wire {
  /** Starts a switch without ports. */
  static async start(): Promise<Wire> {
    const wire = new Wire();
    await command('ip', ['netns', 'add', SWITCH]);
    await mkdir(DIRECTORY, { recursive: true });
    await command('ovsdb-tool', ['create', `${DIRECTORY}/conf.db`, SCHEMA]);
    const remote = `--remote=p${DATABASE}`;
    await wire.#startPart('ovsdb-server', [`${DIRECTORY}/conf.db`, remote]);
    await wire.#startPart('ovs-vswitchd', [DATABASE]);
    await wire.#vsctl('add-br', SWITCH, '--', 'set', 'Bridge', SWITCH, 'datapath_type=netdev');
    return wire;
  }

  /**
   * Gives a node a network card: a link of this namespace whose other end is a trunk port.
   * @param nic its name, 11 characters at most; it is down
   */
  async card(nic: string): Promise<void> {
    await this.#port(nic, [], ['name', nic]);
  }

  /** Puts a machine at an access port. */
  async machine({ name, vlan, addresses }: MachineOptions): Promise<Machine> {
    await command('ip', ['netns', 'add', name]);
    const tag = vlan === 0 ? [] : [`tag=${vlan}`];
    await this.#port(name, tag, ['name', 'eth0', 'netns', name]);
    const machine = new Machine(name);
    await machine.run('ip', 'link', 'set', 'eth0', 'up');
    // What leaves without a checksum would be handed on so by a node's userspace datapath.
    await machine.run('ethtool', '-K', 'eth0', 'tx', 'off');
    for (const address of addresses) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      await machine.run('ip', 'address', 'add', address, 'dev', 'eth0', ...nodad);
    }
    return machine;
  }

  /** The VLANs and MACs that the switch has learnt, as ovs-appctl(8) shows them. */
  async learnt(): Promise<string> {
    return await command('ovs-appctl', ['-t', `${DIRECTORY}/ovs-vswitchd.ctl`, 'fdb/show', SWITCH]);
  }

  /** Has the switch send to a card what is for a MAC, wherever it hears that MAC from. */
  async pin(mac: string, vlan: number, card: string): Promise<void> {
    const control = `${DIRECTORY}/ovs-vswitchd.ctl`;
    const entry = [SWITCH, `sw-${card}`, String(vlan), mac];
    await command('ovs-appctl', ['-t', control, 'fdb/add', ...entry]);
  }

  /** Ends the switch, with the cards at its ports. Machines stay. */
  async stop(): Promise<void> {
    for (const name of [...PARTS].reverse()) {
      const pid = await readFile(`${DIRECTORY}/${name}.pid`, 'utf8').catch(() => undefined);
      if (pid !== undefined) process.kill(Number(pid), 'SIGTERM');
    }
    await command('ip', ['netns', 'delete', SWITCH]);
  }

  async #port(name: string, settings: readonly string[], peer: readonly string[]): Promise<void> {
    const port = `sw-${name}`;
    const end = ['netns', SWITCH, 'type', 'veth', 'peer', ...peer];
    await command('ip', ['link', 'add', port, ...end]);
    // The switch's own kernel has no word to say on the network.
    const quiet = `net.ipv6.conf.${port}.disable_ipv6=1`;
    await command('ip', ['netns', 'exec', SWITCH, 'sysctl', '-q', '-w', quiet]);
    await command('ip', ['-n', SWITCH, 'link', 'set', port, 'up']);
    await this.#vsctl('add-port', SWITCH, port, ...settings);
  }

  /** Waits until the switch has done it. */
  async #vsctl(...args: readonly string[]): Promise<void> {
    await command('ovs-vsctl', [`--db=${DATABASE}`, '--timeout=20', ...args]);
  }

  async #startPart(name: (typeof PARTS)[number], args: readonly string[]): Promise<void> {
    const names = ['RUNDIR', 'DBDIR', 'LOGDIR', 'SYSCONFDIR'];
    const paths = Object.fromEntries(names.map((path) => [`OVS_${path}`, DIRECTORY]));
    const control = `--unixctl=${DIRECTORY}/${name}.ctl`;
    const options = [`--pidfile=${DIRECTORY}/${name}.pid`, control, '--detach', '-vconsole:off'];
    const within = [`--net=/run/netns/${SWITCH}`, name, ...args, ...options];
    await command('nsenter', within, { env: { ...process.env, ...paths } });
  }
}

/** A machine at an access port of the switch. */
export class Machine {
  /** Name of its namespace, for ip(8). */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a command on it. */
  async run(file: string, ...args: readonly string[]): Promise<string> {
    return await command('ip', ['netns', 'exec', this.name, file, ...args]);
  }
}

/** A machine as one end of what is said between sandboxes. */
export function asSandbox({ name }: Machine): Sandbox {
  const pod = { namespace: '', name, uid: '' };
  return { containerId: '', netns: `/run/netns/${name}`, netnsName: name, pod };
}

/**
 * Readies a card for a bridge of the userspace datapath, which reads it by a packet socket: the kernel sees each
 * frame, too, and would answer what the bridge answers. So the kernel answers by this card only for
 * addresses that are on it, and takes nothing by it that it would not answer by it (ip-sysctl, `arp_ignore` and
 * `rp_filter`): both follow the node's addresses to the bridge and back.
 */
export async function readyCard(nic: string): Promise<void> {
  const keys = [`net.ipv4.conf.${nic}.arp_ignore=1`, `net.ipv4.conf.${nic}.rp_filter=1`];
  await command('sysctl', ['-q', '-w', ...keys]);
  await command('ethtool', ['-K', nic, 'tx', 'off']);
  await command('ip', ['link', 'set', nic, 'up']);
}

/**
 * Does by hand what the daemon does for a ProviderNetwork: a bridge with the card, whose MAC it gets, and
 * OVN's mapping to it. Addresses stay where they are.
 */
export async function makeProviderBridge(
  node: OvnNode,
  { network, nic }: { readonly network: string; readonly nic: string },
): Promise<void> {
  const bridge = `br-${network}`;
  const [link] = JSON.parse(await command('ip', ['-j', 'link', 'show', 'dev', nic]));
  await node.vsctl(
    ...['add-br', bridge, '--', 'set', 'Bridge', bridge, 'datapath_type=netdev'],
    ...[`other_config:hwaddr="${link.address}"`],
    ...['--', 'add-port', bridge, nic],
    ...['--', 'set', 'Open_vSwitch', '.', `external_ids:ovn-bridge-mappings=${network}:${bridge}`],
  );
  await node.switchDone();
  await command('ip', ['link', 'set', bridge, 'up']);
}
