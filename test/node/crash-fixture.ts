/**
 * What the crash tests start with: a node whose daemon runs every tool through shims, a pod that
 * lives through all of it, and what must be true when somebody was killed and the runtime has
 * replayed its calls.
 */
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { expect } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { orphans, remainingOrphans } from '../lab/processes.ts';
import {
  type CniOutcome,
  cni,
  createSandbox,
  deleteSandbox,
  inSandbox,
  outcomeInSandbox,
  type Sandbox,
} from '../lab/runtime.ts';
import { podAddresses, podRoutes } from '../lab/snapshot.ts';
import { type Crash, ToolShims } from '../lab/tool-shims.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import {
  attachmentRow,
  type Census,
  census,
  hostName,
  interfaceRow,
  mustAdd,
  mustDelete,
  type RunningCall,
  rowsOf,
  startCall,
} from './observe.ts';

/** The one interface of every pod here. */
export const IF_NAME = 'net1';
const GATEWAYS = ['172.17.0.1', 'fd00:172:17::1'] as const;
/** Limits of both directions, which make the most rows. */
const LIMITS = { ingress_rate: '10', egress_rate: '20' };
const SHIMS = '/run/shims';
/** Where programs put temporary files. */
const TMPDIR = '/run/tmp';

export type Verb = 'ADD' | 'DEL';

/** A pod with a dual-stack NIC, and its first sandbox. */
export interface LabPod {
  readonly pod: Sandbox['pod'];
  readonly sandbox: Sandbox;
  readonly nic: NicPlan;
}

/** What there was on the node before a pod came. */
export interface Before {
  readonly node: Census;
  readonly files: readonly string[];
  /** Command lines. */
  readonly orphans: readonly string[];
}

export class CrashLab implements AsyncDisposable {
  readonly fixture: Fixture;
  readonly shims: ToolShims;
  #calls: Readonly<Record<Verb, readonly string[]>> = { ADD: [], DEL: [] };
  /** Has its interface all the time. */
  readonly #bystander: Sandbox;

  private constructor(fixture: Fixture, shims: ToolShims, bystander: Sandbox) {
    this.fixture = fixture;
    this.shims = shims;
    this.#bystander = bystander;
  }

  static async start(): Promise<CrashLab> {
    const fixture = await Fixture.start();
    const shims = await ToolShims.install(SHIMS);
    await mkdir(TMPDIR);
    const { sandbox } = await fixture.pod({ nic: limitedNic });
    const lab = new CrashLab(fixture, shims, sandbox);
    await lab.startDaemon();
    await mustAdd(sandbox, IF_NAME, ovnConfig());
    const { ADD, DEL } = await lab.#measure();
    // On a busy machine a probe is repeated: the next ADD may do with one.
    lab.#calls = { ADD: ADD.filter((call) => !/ping\.(?!1$)/.test(call)), DEL };
    return lab;
  }

  /** The calls of tools that every undisturbed ADD and DEL makes, by their names: see CrashPlan. */
  get calls(): Readonly<Record<Verb, readonly string[]>> {
    return this.#calls;
  }

  /** Starts the daemon with the shims, also after it was killed. */
  async startDaemon(): Promise<void> {
    const environment = { PATH: this.shims.path, TMPDIR };
    await this.fixture.restartDaemon(['--add-timeout-seconds=20'], 'SIGTERM', environment);
  }

  /** Goes on after a test that failed: the daemon runs, and runs tools as they are. */
  async repair(): Promise<void> {
    await this.shims.disarm();
    const { exitCode, signalCode } = this.fixture.daemon.process;
    if (exitCode !== null || signalCode !== null) await this.startDaemon();
  }

  /** A pod with limits that the controller has finished with. */
  pod(): Promise<LabPod> {
    return this.fixture.pod({ nic: limitedNic });
  }

  /** A pod with limits that the controller has not seen yet. */
  async newPod(): Promise<LabPod> {
    const made = await this.fixture.pod({ nic: () => undefined });
    return { ...made, nic: limitedNic(made.nic) };
  }

  async #measure(): Promise<Record<Verb, readonly string[]>> {
    const made = await this.pod();
    await this.shims.arm(await this.wordsOf(made.sandbox));
    await mustAdd(made.sandbox, IF_NAME, ovnConfig());
    const ADD = await this.shims.disarm();
    await this.shims.arm(await this.wordsOf(made.sandbox));
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    const DEL = await this.shims.disarm();
    await this.discard(made);
    return { ADD, DEL };
  }

  /**
   * Runs a call during which the daemon is killed at one call of a tool.
   * @returns how the executable ended, which it does by itself
   */
  async crash(
    verb: Verb,
    sandbox: Sandbox,
    { call, how }: { call: string; how: Crash },
  ): Promise<CniOutcome> {
    const { process } = this.fixture.daemon;
    const gone = once(process, 'exit');
    await this.shims.arm(await this.wordsOf(sandbox), { call, how, pid: process.pid as number });
    const outcome = await cni(verb, sandbox, IF_NAME, ovnConfig());
    const calls = await this.shims.disarm();
    expect(calls, `nobody was killed: ${outcome.stdout}`).toContain(call);
    const known = this.#calls[verb].map(kindOf);
    const unknown = calls.filter((one) => !known.includes(kindOf(one)));
    expect(unknown, 'calls of tools at which nobody is ever killed').toEqual([]);
    await gone;
    return outcome;
  }

  /** Starts a call; resolves when the daemon is about to run this tool for it, and holds it there. */
  async startHeld(verb: Verb, sandbox: Sandbox, call: string): Promise<RunningCall> {
    await this.shims.arm(await this.wordsOf(sandbox), { call, how: 'hold', pid: 0 });
    const running = await startCall(verb, sandbox, IF_NAME, ovnConfig());
    const ended = running.outcome.then(({ stdout }) => {
      throw new Error(`the ${verb} ended without ${call}: ${stdout}`);
    });
    await Promise.race([this.shims.held(), ended]);
    ended.catch(() => {});
    return running;
  }

  /** Words by which a call of a tool shows that it is for this attachment. */
  async wordsOf(sandbox: Sandbox): Promise<string[]> {
    const { node } = this.fixture;
    const name = hostName(sandbox, IF_NAME);
    const tables = ['Interface', 'Port', 'QoS', 'Queue'].map((table) => rowsOf(node, table));
    const isOwn = (row: { name?: string; external_ids: Readonly<Record<string, string>> }) =>
      row.name === name || row.external_ids.container_id === sandbox.containerId;
    const rows = (await Promise.all(tables)).flat().filter(isOwn);
    return [sandbox.containerId, sandbox.netns, name, ...rows.map(({ _uuid }) => _uuid)];
  }

  async census(): Promise<Before> {
    const node = await census(this.fixture.node);
    return { node: withoutOvnMarks(node), files: await files(), orphans: await orphans() };
  }

  /** Nothing is left on the node: no row, link, file or process; and the bystander works. */
  async expectAsBefore(before: Before): Promise<void> {
    await remainingOrphans(before.orphans.length);
    expect(await this.#censusLike(before)).toEqual(before);
    await expectPings(this.#bystander);
  }

  /** The same once the daemon is done: a call whose executable is gone tells nobody of its end. */
  async becomesAsBefore(before: Before): Promise<void> {
    await expect
      .poll(() => this.#censusLike(before), { timeout: 60_000, interval: 200 })
      .toEqual(before);
    await this.expectAsBefore(before);
  }

  async #censusLike({ node: { namespaces } }: Before) {
    const now = await this.census();
    // Sandboxes are the runtime's.
    return { ...now, node: { ...now.node, namespaces } };
  }

  /**
   * Another sandbox of the same pod gets its interface, which works and alone is the logical switch
   * port; returns the sandbox.
   */
  async addNewer({ pod }: LabPod): Promise<Sandbox> {
    const { node } = this.fixture;
    const newer = await createSandbox(pod);
    await mustAdd(newer, IF_NAME, ovnConfig());
    const ifaceId = (await attachmentRow(node, newer, IF_NAME)).external_ids['iface-id'];
    const rows = await rowsOf(node, 'Interface');
    const holders = rows.filter(({ external_ids: ids }) => ids['iface-id'] === ifaceId);
    expect(holders.map(({ name }) => name)).toEqual([hostName(newer, IF_NAME)]);
    await expectPings(newer);
    return newer;
  }

  /** A DEL of an older sandbox, which must not touch the newer one's interface. */
  async deleteOlder(older: Sandbox, newer: Sandbox): Promise<void> {
    const before = await this.stateOf(newer);
    await mustDelete(older, IF_NAME, ovnConfig());
    expect(await this.stateOf(newer)).toEqual(before);
    await expectPings(newer);
  }

  /** Of a pod's interface: what nobody but the daemon changes. */
  async stateOf(sandbox: Sandbox): Promise<object> {
    const row = await interfaceRow(this.fixture.node, hostName(sandbox, IF_NAME));
    return {
      ...{ uuid: row?._uuid, ids: row?.external_ids, policing: row?.ingress_policing_rate },
      addresses: await podAddresses(sandbox, IF_NAME),
      routes: [await podRoutes(sandbox, 4), await podRoutes(sandbox, 6)],
    };
  }

  /** The runtime removes a pod's sandboxes, and the pod goes. */
  async discard({ pod, nic, sandbox }: LabPod, ...newer: readonly Sandbox[]): Promise<void> {
    for (const each of [sandbox, ...newer]) await deleteSandbox(each);
    await this.fixture.cluster.deletePod(pod, [nic]);
  }

  /**
   * The bystander works again, after a daemon of OVS or OVN was started again: OVS forwards nothing
   * until it has its database back, and pauses longer before each attempt to reach it.
   */
  async expectRecovery(): Promise<void> {
    await inSandbox(this.#bystander, 'arping', '-f', '-w', '30', '-I', IF_NAME, GATEWAYS[0]);
    await expectPings(this.#bystander);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fixture[Symbol.asyncDispose]();
  }
}

type Replay = (lab: CrashLab, made: LabPod, before: Before) => Promise<void>;

/** What a runtime does when a call failed, or when it was restarted itself; nothing is left then. */
export const REPLAYS: readonly (readonly [title: string, replay: Replay])[] = [
  [
    'followed by a DEL and then a new sandbox',
    async (lab, made, before) => {
      await mustDelete(made.sandbox, IF_NAME, ovnConfig());
      await lab.expectAsBefore(before);
      const newer = await lab.addNewer(made);
      await mustDelete(newer, IF_NAME, ovnConfig());
      await lab.expectAsBefore(before);
      await lab.discard(made, newer);
    },
  ],
  [
    'followed by a new sandbox and then a DEL of the old one',
    async (lab, made, before) => {
      const newer = await lab.addNewer(made);
      await lab.deleteOlder(made.sandbox, newer);
      await mustDelete(newer, IF_NAME, ovnConfig());
      await lab.expectAsBefore(before);
      await lab.discard(made, newer);
    },
  ],
];

/** Every way to be killed at each of these calls of tools; titles first. */
export function crashPoints(calls: readonly string[]) {
  const ways = [
    ['before', 'before'],
    ['orphan', 'at the start of'],
    ['after', 'at the end of'],
  ] as const;
  return calls.flatMap((call) =>
    ways.map(([how, words]) => [`${words} ${call}`, { call, how }] as const),
  );
}

/** The controller's plan for a NIC, dual-stack and with limits. */
function limitedNic(plain: NicPlan): NicPlan {
  const last = Number(plain.ip.split('.').at(-1));
  return { ...plain, ip: `${plain.ip},fd00:172:17::1:${last.toString(16)}`, more: LIMITS };
}

/** `nsenter-ip` of `nsenter-ip.1`. */
function kindOf(call: string): string {
  return call.replace(/\.\d+$/, '');
}

/** Both gateways answer, within 10 s. */
export async function expectPings(sandbox: Sandbox): Promise<void> {
  for (const gateway of GATEWAYS) {
    const ping = ['ping', '-n', '-c', '1', '-w', '10', gateway] as const;
    const { exitCode, stdout } = await outcomeInSandbox(sandbox, ...ping);
    expect(exitCode, stdout).toBe(0);
  }
}

/** ovn-controller marks ports anew when it starts again. */
function withoutOvnMarks(node: Census): Census {
  const rows = node.Interface as readonly string[];
  const marks = /,\["ovn-installed(-ts)?","\w+"\]/g;
  return { ...node, Interface: rows.map((row) => row.replace(marks, '')).sort() };
}

/** Files where daemon and executable may write; not what a killed daemon of OVS leaves. */
async function files(): Promise<string[]> {
  const entries = await readdir('/run', { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .filter((path) => !/^\/run\/(netns|shims)\/|\.\d+\.ctl$/.test(path))
    .sort();
}
