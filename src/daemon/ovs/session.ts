/**
 * The daemon's session with OVS's database (docs/adr/0007-ovsdb-session.md): it follows the rows and
 * reads them. Ports are plugged and removed by ovs-vsctl (vsctl.ts).
 *
 * Where a look must see what was just written, by us or by a tool of ours, `fresh` is waited for: the
 * rows may be a moment behind otherwise.
 */
import { DeadlinePassed, startDeadline } from '../../common/concurrency/deadline.ts';
import type { Logger } from '../../common/log.ts';
import { OvsdbError } from '../../common/ovsdb/error.ts';
import { parseRemotes } from '../../common/ovsdb/remote.ts';
import type { Change } from '../../common/ovsdb/replica.ts';
import { OvsdbSession } from '../../common/ovsdb/session.ts';
import { toolTimeIsUp, toolTimeLeft } from '../../common/process/tool-time.ts';
import type { BridgeRow, InterfaceColumns, RootRow } from './rows.ts';
import { OvsState } from './state.ts';
import { OvsTable } from './table.ts';

/** As long as ovs-vsctl would try it (`VSCTL_TIMEOUT_S`). */
const FRESH_MS = 20_000;
/** How long a look waits for a server that is away: longer than a pause between attempts. */
const GRACE_MS = 2000;
/** The server is on this node, and an attempt costs little. */
const PAUSES = { firstMs: 50, maxMs: 1000 };

/** Which database the session is with. */
export interface OvsSessionOptions {
  /** An OVSDB remote, like `unix:/run/openvswitch/db.sock`. */
  readonly database: string;
  readonly log: Logger;
  /** How long a fresh look waits for a server that is away, and not only slow; ms. */
  readonly graceMs?: number;
}

/** Who looks at the rows as they are in the database now. */
export type FreshLook = Pick<OvsSession, 'fresh'>;

/** The daemon's session with the node's ovsdb-server: rows that are followed, and fresh looks at them. */
export class OvsSession {
  readonly #database: string;
  readonly #session: OvsdbSession;
  readonly #graceMs: number;
  readonly #state = new OvsState();
  /** OVS's own row. */
  readonly root: OvsTable<RootRow>;
  readonly interfaces: OvsTable<InterfaceColumns>;
  readonly bridges: OvsTable<BridgeRow>;

  constructor({ database, log, graceMs = GRACE_MS }: OvsSessionOptions) {
    this.#database = database;
    this.#graceMs = graceMs;
    const state = this.#state;
    const isLive = () => this.#session.isLive;
    this.root = new OvsTable({ rows: state.root, named: () => undefined, isLive });
    this.interfaces = new OvsTable({
      rows: state.interfaces,
      named: (name) => state.interfaceNamed(name),
      isLive,
    });
    this.bridges = new OvsTable({
      rows: state.bridges,
      named: (name) => state.bridgeNamed(name),
      isLive,
    });
    state.replica.onChange((changes) => this.#publish(changes));
    this.#session = new OvsdbSession({
      remotes: parseRemotes(database),
      database: 'Open_vSwitch',
      replica: state.replica,
      needsLeader: false,
      pauses: PAUSES,
      log,
      outage: {
        fields: {},
        lost: "rows of OVS may be out of date: lost touch with OVS's database, trying again",
        back: "rows of OVS are up to date again: back in touch with OVS's database",
      },
      onLive: () => {
        this.root.becameLive();
        this.interfaces.becameLive();
        this.bridges.becameLive();
      },
    });
  }

  start(): void {
    this.#session.start();
  }

  stop(): void {
    void this.#session.stop();
  }

  /** True while changes arrive. */
  get isLive(): boolean {
    return this.#session.isLive;
  }

  /** Why they do not arrive: the same words for a whole outage; undefined before a first attempt failed. */
  get outageReason(): string | undefined {
    return this.#session.outageReason;
  }

  /** The rows as far as they have come; see `fresh`. */
  get state(): OvsState {
    return this.#state;
  }

  /**
   * Resolves with the rows when they are at least as new as the database was when it was called. They
   * stay so for this turn of the event loop, and are newer afterwards.
   * Ends after 20 s, or with the time of the work's tools.
   * @throws OvsdbError `unreachable` where the database does not answer
   */
  async fresh(): Promise<OvsState> {
    const left = toolTimeLeft();
    using deadline = startDeadline(Math.min(FRESH_MS, left ?? FRESH_MS));
    try {
      await this.#barrier(deadline.signal);
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      if (left !== undefined && left <= FRESH_MS) toolTimeIsUp();
      throw new OvsdbError('unreachable', this.#silence(error.afterMs));
    }
    return this.#state;
  }

  /** A connection that ends meanwhile has said nothing: the next one is asked again. */
  async #barrier(signal: AbortSignal): Promise<void> {
    for (;;) {
      // From now on, and not from when the outage began: a server that is back is soon found.
      await this.#session.liveAgain(this.#graceMs, signal);
      try {
        await this.#session.barrier(signal);
        return;
      } catch (error) {
        if (!(error instanceof OvsdbError && error.reason === 'interrupted')) throw error;
      }
    }
  }

  /** Why a look had no answer within so long: there is no connection, or the server is silent. */
  #silence(afterMs: number): string {
    const seconds = Number((afterMs / 1000).toFixed(1));
    const silent = `OVS's database ${this.#database} has not answered within ${seconds} s`;
    return this.#session.failure ?? silent;
  }

  #publish(changes: readonly Change[]): void {
    const rowsOf = (table: string) =>
      changes.flatMap((change) =>
        change.table === table && change.kind !== 'delete' ? [change.row] : [],
      );
    this.root.changed(rowsOf('Open_vSwitch') as unknown as RootRow[]);
    this.interfaces.changed(rowsOf('Interface') as unknown as InterfaceColumns[]);
    this.bridges.changed(rowsOf('Bridge') as unknown as BridgeRow[]);
  }
}

/** Of a command that a person waits for; ms. */
const COMMAND_GRACE_MS = 1000;
/** What fails is in the error of who looks. */
const NO_LOG: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** Runs the task of a command that looks at OVS's rows and ends, with a session of its own. */
export async function withOvs<T>(
  database: string,
  task: (ovs: FreshLook) => Promise<T>,
): Promise<T> {
  const ovs = new OvsSession({ database, log: NO_LOG, graceMs: COMMAND_GRACE_MS });
  ovs.start();
  try {
    return await task(ovs);
  } finally {
    ovs.stop();
  }
}
