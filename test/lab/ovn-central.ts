/**
 * Nodes with OVN's databases, as the Deployment ovn-central has them: each a network namespace with
 * an address of its own on one bridge, and the three containers' scripts with folders of their own.
 */
import { mkdir, rm } from 'node:fs/promises';
import { command, outcomeOf } from './command.ts';
import { Script } from './script.ts';

const BRIDGE = 'central';
const FOLDER = '/run/central';

/** What the pods of all members have in their environment. */
export interface CentralOptions {
  /** How many nodes; 1 for a database alone. */
  readonly members: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** One node, with what its pod runs. */
export class CentralNode {
  readonly address: string;
  readonly folder: string;
  readonly #netns: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #scripts = new Map<string, Script>();

  constructor(number: number, environment: Readonly<Record<string, string>>) {
    this.address = addressOf(number);
    this.folder = `${FOLDER}/${number}`;
    this.#netns = `central${number}`;
    this.#environment = {
      POD_IP: this.address,
      OVN_RUNDIR: `${this.folder}/run`,
      OVN_DBDIR: `${this.folder}/db`,
      ...environment,
    };
  }

  /** Makes its namespace, with an address on the bridge. */
  async plug(): Promise<void> {
    await mkdir(`${this.folder}/run`, { recursive: true });
    await command('ip', ['netns', 'add', this.#netns]);
    const [host, inside] = [`${this.#netns}h`, `${this.#netns}n`];
    const commands = [
      `link add ${host} master ${BRIDGE} up type veth peer name ${inside} netns ${this.#netns}`,
      `-n ${this.#netns} link set lo up`,
      `-n ${this.#netns} link set ${inside} up`,
      `-n ${this.#netns} address add ${this.address}/24 dev ${inside}`,
    ];
    for (const words of commands) await command('ip', words.split(' '));
  }

  /** Ends what runs, and removes the namespace. */
  async unplug(): Promise<void> {
    await this.stop('SIGKILL');
    await outcomeOf('ip', ['link', 'delete', `${this.#netns}h`]);
    await outcomeOf('ip', ['netns', 'delete', this.#netns]);
  }

  /** Starts a container's script. @param part nb, sb or northd */
  start(part: string, more: Readonly<Record<string, string>> = {}): Script {
    const [name, args] = part === 'northd' ? ['northd.sh', []] : ['database.sh', [part]];
    const environment = { ...this.#environment, ...more };
    const script = Script.start(name, { args, environment, netns: this.#netns });
    this.#scripts.set(part, script);
    return script;
  }

  /** Starts all three, as the kubelet does. */
  startAll(more: Readonly<Record<string, string>> = {}): void {
    for (const part of PARTS) this.start(part, more);
  }

  /** Resolves when all works: the databases take clients, and ovn-northd answers. */
  async works(): Promise<void> {
    for (const [part, name] of DATABASES) {
      const socket = `unix:${this.folder}/run/ovn${part}_db.sock`;
      await command('ovsdb-client', ['--timeout=50', 'wait', socket, name, 'connected']);
    }
    await this.script('northd').logged('OVN NB IDL reconnected');
  }

  script(part: string): Script {
    const script = this.#scripts.get(part);
    if (script === undefined) throw new Error(`${part} was not started`);
    return script;
  }

  /** Ends what runs, as the end of the pod or of the node does. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await Promise.all([...this.#scripts.values()].map((script) => script.stop(signal)));
    this.#scripts.clear();
  }

  /** Answers of a database's control socket. */
  control(part: string, ...words: readonly string[]): Promise<string> {
    return command('ovn-appctl', ['-t', `${this.folder}/run/ovn${part}_db.ctl`, ...words]);
  }

  /** Runs a script of the pod that ends. */
  run(name: string, args: readonly string[]): Promise<{ code: number; log: string }> {
    return Script.run(name, { args, environment: this.#environment, netns: this.#netns });
  }
}

const PARTS = ['nb', 'sb', 'northd'];
const DATABASES = [
  ['nb', 'OVN_Northbound'],
  ['sb', 'OVN_Southbound'],
] as const;

function addressOf(number: number): string {
  return `10.9.0.${number}`;
}

/** The founder founds when the others are there: as often as the kubelet starts it again. */
async function startFounder(node: CentralNode, part: string): Promise<void> {
  for (;;) {
    const script = node.start(part);
    const outcome = await Promise.race([
      script.ended(),
      script.logged('founding a cluster').then(() => 'founds'),
    ]);
    // Its log says why it did not.
    if (outcome !== 1) return;
  }
}

/** All nodes. */
export class Central implements AsyncDisposable {
  readonly nodes: readonly CentralNode[];

  private constructor(nodes: readonly CentralNode[]) {
    this.nodes = nodes;
  }

  /** Makes the nodes, and starts nothing on them. */
  static async create({ members, environment = {} }: CentralOptions): Promise<Central> {
    await command('ip', ['link', 'set', 'lo', 'up']);
    await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    await mkdir('/run/netns');
    await mkdir(FOLDER);
    await command('ip', ['link', 'add', BRIDGE, 'up', 'type', 'bridge']);
    await command('ip', ['address', 'add', '10.9.0.254/24', 'dev', BRIDGE]);
    const numbers = Array.from({ length: members }, (_, index) => index + 1);
    const all = numbers.map(addressOf).join(',');
    const raft = members === 1 ? {} : { RAFT_IPS: all };
    const nodes = numbers.map(
      (number) => new CentralNode(number, { OVN_DB_IPS: all, ...raft, ...environment }),
    );
    for (const node of nodes) await node.plug();
    return new Central(nodes);
  }

  /** @throws Error where there is none of that number, counted from 1 */
  node(number: number): CentralNode {
    const found = this.nodes[number - 1];
    if (found === undefined) throw new Error(`there is no node ${number}`);
    return found;
  }

  /** Starts a cluster's members, and resolves when all of them work. */
  async found(): Promise<void> {
    const [founder, ...others] = this.nodes;
    for (const node of others) node.startAll();
    const parts = DATABASES.map(([part]) => part);
    await Promise.all(
      others.flatMap((node) =>
        parts.map((part) => node.script(part).logged('joining the cluster')),
      ),
    );
    if (founder === undefined) throw new Error('a cluster has members');
    for (const part of parts) await startFounder(founder, part);
    founder.start('northd');
    for (const node of this.nodes) await node.works();
  }

  /** Of all databases of a kind, comma-separated, as every client has it. */
  remotes(port: number): string {
    return this.nodes.map(({ address }) => `tcp:[${address}]:${port}`).join(',');
  }

  /**
   * ovn-nbctl of a client elsewhere, which finds the leader by itself. It asks each database once, and
   * fails while there is no leader.
   */
  nbctl(...words: readonly string[]): Promise<string> {
    return command('ovn-nbctl', [`--db=${this.remotes(6641)}`, '--timeout=50', ...words]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.unplug();
    await rm(FOLDER, { recursive: true });
    await outcomeOf('ip', ['link', 'delete', BRIDGE]);
  }
}
