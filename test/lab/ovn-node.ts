/**
 * A real OVS and OVN node in private namespaces, up in about a second: ovsdb-server (three
 * databases), ovs-vswitchd with its userspace datapath where no other is asked for, ovn-northd and ovn-controller.
 *
 * /run and /var/log are file systems of their own, so that every path is the documented one
 * (/run/openvswitch/db.sock, /run/netns) and none of it is the machine's.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from './command.ts';
import { isInside } from './namespaces.ts';

export const OVS_DIRECTORY = '/run/openvswitch';
export const OVS_DATABASE = `unix:${OVS_DIRECTORY}/db.sock`;
export const NB_DATABASE = `unix:${OVS_DIRECTORY}/nb.sock`;
export const SB_DATABASE = `unix:${OVS_DIRECTORY}/sb.sock`;

/** What one part of the node is started with. */
interface Part {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

export class OvnNode {
  readonly chassis: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(chassis: string) {
    this.chassis = chassis;
    const directories = ['RUNDIR', 'DBDIR', 'LOGDIR', 'SYSCONFDIR'];
    const variables = directories.flatMap((name) => [`OVS_${name}`, `OVN_${name}`]);
    const paths = Object.fromEntries(variables.map((name) => [name, OVS_DIRECTORY]));
    this.#environment = { ...process.env, ...paths };
  }

  /**
   * Boots a node and waits until ovn-controller has made br-int.
   * @param datapath of br-int: `netdev` is OVS's own, which runs everywhere, `system` the kernel's
   */
  static async start(
    chassis = 'node1',
    datapath: 'netdev' | 'system' = 'netdev',
  ): Promise<OvnNode> {
    if (!isInside()) throw new Error('an OVN node needs private namespaces: see namespaces.ts');
    const node = new OvnNode(chassis);
    await command('ip', ['link', 'set', 'lo', 'up']);
    for (const own of ['/run', '/var/log']) await command('mount', ['-t', 'tmpfs', 'tmpfs', own]);
    for (const directory of ['/run/netns', '/run/lock', OVS_DIRECTORY])
      await mkdir(directory, { recursive: true });
    await node.#createDatabases();
    for (const part of [...DATABASE_SERVERS, SWITCH, NORTHD]) await node.startPart(part.name);
    await node.vsctl(
      'set', 'open', '.',
      `external-ids:system-id=${chassis}`,
      `external-ids:ovn-remote=${SB_DATABASE}`,
      'external-ids:ovn-encap-type=geneve',
      'external-ids:ovn-encap-ip=127.0.0.1',
      `external-ids:ovn-bridge-datapath-type=${datapath}`,
    ); // biome-ignore format: a table
    await node.startPart('ovn-controller');
    await command('ovs-vsctl', [
      `--db=${OVS_DATABASE}`,
      '--timeout=20',
      'wait-until',
      'Bridge',
      'br-int',
    ]);
    return node;
  }

  /** Starts one part: ovsdb-server, nb, sb, ovs-vswitchd, ovn-northd or ovn-controller. */
  async startPart(name: string): Promise<void> {
    const part = PARTS.find((candidate) => candidate.name === name);
    if (part === undefined) throw new Error(`no part ${name}`);
    const [file, ...args] = part.argv;
    const log = `--log-file=${OVS_DIRECTORY}/${name}.log`;
    const options = [`--pidfile=${pidFile(name)}`, '--detach', log, '-vconsole:off'];
    await command(file, [...args, ...options], { env: this.#environment });
  }

  /**
   * Sends a signal to one part, by the pid that it wrote. Where that ends the part, it has ended when
   * this resolves: until then its pid file keeps another one from starting.
   */
  async killPart(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = Number((await readFile(pidFile(name), 'utf8')).trim());
    process.kill(pid, signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended(pid);
  }

  /** ovs-vsctl without waiting for ovs-vswitchd. */
  vsctl(...args: readonly string[]): Promise<string> {
    return command('ovs-vsctl', [`--db=${OVS_DATABASE}`, '--timeout=20', '--no-wait', ...args]);
  }

  /** Resolves when ovs-vswitchd has done all that the database says: ovs-vsctl waits for a change. */
  async switchDone(): Promise<void> {
    const change = ['set', 'Open_vSwitch', '.', `external_ids:lab=${randomUUID()}`];
    await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, '--timeout=20', ...change]);
  }

  nbctl(...args: readonly string[]): Promise<string> {
    return command('ovn-nbctl', [`--db=${NB_DATABASE}`, '--timeout=60', ...args]);
  }

  async stop(): Promise<void> {
    for (const { name } of [...PARTS].reverse())
      await this.killPart(name, 'SIGTERM').catch(() => {});
  }

  async #createDatabases(): Promise<void> {
    const schemas = [
      ['conf.db', '/usr/share/openvswitch/vswitch.ovsschema'],
      ['nb.db', '/usr/share/ovn/ovn-nb.ovsschema'],
      ['sb.db', '/usr/share/ovn/ovn-sb.ovsschema'],
    ] as const;
    for (const [file, schema] of schemas) {
      await command('ovsdb-tool', ['create', `${OVS_DIRECTORY}/${file}`, schema], {
        env: this.#environment,
      });
    }
  }
}

/** How long a part may take to end; ms. */
const END_MS_MAX = 30_000;

/** Resolves when a process has ended, whether or not somebody has asked what became of it. */
async function ended(pid: number): Promise<void> {
  const deadline = performance.now() + END_MS_MAX;
  while (await runs(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not end`);
    await sleep(5);
  }
}

/**
 * Of a process whose first thread has ended while others have not, proc(5) says that it is a zombie, and the
 * others keep what it has locked: its pid file.
 */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return false;
  // State and number of threads stand behind the name, which may have anything in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', threads] = [fields[0], Number(fields[17])];
  return !/^[ZX]/.test(state) || threads > 1;
}

function pidFile(name: string): string {
  return `${OVS_DIRECTORY}/${name}.pid`;
}

function databaseServer(name: string, file: string, socket: string): Part {
  const remote = `--remote=punix:${OVS_DIRECTORY}/${socket}`;
  const control = `--unixctl=${OVS_DIRECTORY}/${name}.ctl`;
  return { name, argv: ['ovsdb-server', `${OVS_DIRECTORY}/${file}`, remote, control] };
}

const DATABASE_SERVERS = [
  databaseServer('ovsdb-server', 'conf.db', 'db.sock'),
  databaseServer('nb', 'nb.db', 'nb.sock'),
  databaseServer('sb', 'sb.db', 'sb.sock'),
];
const SWITCH: Part = { name: 'ovs-vswitchd', argv: ['ovs-vswitchd', OVS_DATABASE] };
const NORTHD: Part = {
  name: 'ovn-northd',
  argv: ['ovn-northd', `--ovnnb-db=${NB_DATABASE}`, `--ovnsb-db=${SB_DATABASE}`],
};
const CONTROLLER: Part = { name: 'ovn-controller', argv: ['ovn-controller', OVS_DATABASE] };
const PARTS = [...DATABASE_SERVERS, SWITCH, NORTHD, CONTROLLER];
