/**
 * A database, followed and written to over one connection at a time.
 *
 * Of several remotes the one is used whose server can be: in a cluster, its leader. Where a
 * connection ends, or its server stops being the leader, another is made, and the rows go on from the
 * last transaction that has come. Meanwhile they stay as they were.
 *
 * What a transaction has changed is in the rows when it resolves: a server sends updates before
 * the answer (RFC 7047, section 4.1.6).
 */
import type { Socket } from 'node:net';
import { Backoff } from '../concurrency/backoff.ts';
import { Condition } from '../concurrency/condition.ts';
import { abortable, DeadlinePassed, startDeadline } from '../concurrency/deadline.ts';
import type { Logger } from '../log.ts';
import { Outage, type OutageText } from '../outage.ts';
import { messageOf } from '../text.ts';
import { Connection, type SilenceLimits } from './connection.ts';
import { OvsdbError } from './error.ts';
import { commitRows, monitorRows, ROWS_MONITOR } from './monitor.ts';
import { checkResults, type Operation, refuseUnsendable } from './operation.ts';
import { connect, type Remote, type TlsFiles } from './remote.ts';
import type { Replica } from './replica.ts';
import { ServerStatus, STATUS_MONITOR, STATUS_TABLE } from './server-status.ts';

/** Which database is followed, at which servers, and what is said of outages. */
export interface SessionOptions {
  readonly remotes: readonly Remote[];
  readonly tls?: TlsFiles;
  /** Like `OVN_Northbound`. */
  readonly database: string;
  readonly replica: Replica;
  /** Whether a member of a cluster that does not lead it is of no use: who writes needs the leader. */
  readonly needsLeader: boolean;
  readonly log: Logger;
  /** What the log says when there is no connection, and when there is one again. */
  readonly outage: OutageText;
  readonly silence?: SilenceLimits;
  /** Between attempts; those of a cluster without. */
  readonly pauses?: typeof PAUSES;
  /** How long the first answers and the rows may take, however much the server says meanwhile; ms. */
  readonly followMs?: number;
  /** Called each time that the rows have become those of the database. */
  readonly onLive?: () => void;
}

/** A server is silent while it carries out a large transaction. */
const SILENCE: SilenceLimits = { probeAfterMs: 5000, deadAfterMs: 20_000 };
/** A server is silent while it writes the contents of a large database; ms. */
const CONTENTS_MS = 120_000;
/** 200,000 rows take some seconds. A server that answers nothing but echoes is left after this; ms. */
const FOLLOW_MS = 300_000;
/** To the server, with TLS; ms. */
const CONNECT_MS = 5000;
/** The election of a leader takes 1 s and more. */
const PAUSES = { firstMs: 50, maxMs: 4000 };
/** After a connection that lasted so long, the next pause is a short one again; ms. */
const LASTED_MS = 5000;

/** A session that outlives connections: it follows rows, carries out transactions, and connects again. */
export class OvsdbSession {
  readonly #options: SessionOptions;
  readonly #outage: Outage;
  readonly #ending = new AbortController();
  readonly #changed = new Condition();
  /** Why each remote could not be used when it was tried last. */
  readonly #failures = new Map<string, string>();
  #connection: Connection | undefined;
  /** The remote that has accepted a connection and has not sent all rows yet. */
  #accepted: Remote | undefined;
  /** When the outage began that there is, on the clock of `performance.now()`. */
  #lostAt: number | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#outage = new Outage(options.log, options.outage);
  }

  /** Connects, and goes on to do so until it is stopped. */
  start(): void {
    this.#done = this.#run(this.#ending.signal);
  }

  /** Ends the connection. Transactions under way fail. */
  async stop(): Promise<void> {
    this.#ending.abort(new OvsdbError('interrupted', 'the session has ended'));
    await this.#done;
  }

  /** Whether the rows are those of the database, as far as is known. */
  get isLive(): boolean {
    return this.#connection !== undefined;
  }

  /** Why there is no connection; undefined where there is one. */
  get failure(): string | undefined {
    return this.isLive ? undefined : this.#unreachable().message;
  }

  /** What ended the last connection, or kept the first from being made: the same words for a whole outage. */
  get outageReason(): string | undefined {
    return this.#outage.reason;
  }

  /**
   * Resolves when the rows are those of the database.
   * @param graceMs how long an outage may have lasted that is waited for
   * @throws OvsdbError `unreachable` where it lasts longer; the signal's reason
   */
  async live(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#liveWithin(graceMs, signal, this.#lostForMs);
  }

  /**
   * As `live`, for a caller whose own time is limited: the outage is waited for from this call on, however
   * long it has lasted, and a first connection that no attempt has failed to make has the caller's whole time.
   */
  async liveAgain(graceMs: number, signal: AbortSignal): Promise<void> {
    const isDecided = () => this.isLive || this.#lostAt !== undefined;
    await this.#changed.until(() => isDecided() || undefined, signal);
    await this.#liveWithin(graceMs, signal, 0);
  }

  /**
   * Carries out operations, all or none.
   * @throws TransactionError `changed` where a `wait` found other rows than it says; `refused`;
   *   OvsdbError `interrupted` where nobody knows what has become of it; `unreachable` where there is no
   *   connection; the signal's reason, after which it may be carried out nevertheless
   */
  async transact(operations: readonly Operation[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const connection = this.#connection;
    if (connection === undefined) throw this.#unreachable();
    const params = JSON.stringify([this.#options.database, ...operations]);
    refuseUnsendable(operations, params);
    const answer = connection.callWith('transact', params);
    checkResults(operations, await abortable(answer, signal));
  }

  /** Resolves when the rows are at least as new as the database is now. @throws as `transact` */
  barrier(signal: AbortSignal): Promise<void> {
    return this.transact([], signal);
  }

  async #liveWithin(graceMs: number, signal: AbortSignal, passedMs: number): Promise<void> {
    if (this.isLive) return;
    using deadline = startDeadline(graceMs, signal, passedMs);
    try {
      await this.#changed.until(() => this.isLive || undefined, deadline.signal);
    } catch (error) {
      throw error instanceof DeadlinePassed && !signal.aborted ? this.#unreachable() : error;
    }
  }

  get #lostForMs(): number {
    return this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { remotes, pauses = PAUSES } = this.#options;
    const backoff = new Backoff(pauses);
    try {
      for (let attempt = 0; !signal.aborted; attempt += 1) {
        const remote = remotes[attempt % remotes.length] as Remote;
        const lastedMs = await this.#use(remote, signal);
        if (lastedMs > LASTED_MS) backoff.reset();
        const hasTriedAll = attempt % remotes.length === remotes.length - 1;
        if (lastedMs > 0 || hasTriedAll) await backoff.pause(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Uses a remote for as long as it can be. @returns how long that was; 0 where it could not be; ms */
  async #use(remote: Remote, signal: AbortSignal): Promise<number> {
    let liveAt: number | undefined;
    try {
      using deadline = startDeadline(CONNECT_MS, signal);
      const socket = await connect(remote, this.#options.tls, deadline.signal);
      this.#accepted = remote;
      const status = new ServerStatus(this.#options.database, this.#options.needsLeader);
      const connection = connectionOf(socket, status, this.#options);
      const end = () => connection.close(new OvsdbError('interrupted', 'the session has ended'));
      signal.addEventListener('abort', end, { once: true });
      try {
        // The session may have been stopped in the moment in which the socket was connected.
        signal.throwIfAborted();
        await this.#followInTime(connection, status);
        liveAt = performance.now();
        this.#isLiveBy(connection);
        throw await connection.closed;
      } finally {
        signal.removeEventListener('abort', end);
        end();
      }
    } catch (error) {
      this.#lost(remote, error, liveAt !== undefined, signal);
    }
    return liveAt === undefined ? 0 : performance.now() - liveAt;
  }

  async #followInTime(connection: Connection, status: ServerStatus): Promise<void> {
    const { followMs = FOLLOW_MS } = this.#options;
    using deadline = startDeadline(followMs);
    try {
      await abortable(this.#follow(connection, status), deadline.signal);
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      const text = `the rows of the database have not come within ${followMs / 1000} s`;
      throw new OvsdbError('unreachable', text);
    }
  }

  async #follow(connection: Connection, status: ServerStatus): Promise<void> {
    const { database, replica, silence = SILENCE } = this.#options;
    // Both are asked for at once. What the second says is of no interest where the first fails.
    const schema = connection.call('get_schema', [database]);
    await status.follow(connection);
    connection.silence = { ...silence, deadAfterMs: Math.max(silence.deadAfterMs, CONTENTS_MS) };
    await monitorRows(connection, replica, database, await schema);
    connection.silence = silence;
  }

  #isLiveBy(connection: Connection): void {
    this.#connection = connection;
    this.#accepted = undefined;
    this.#lostAt = undefined;
    this.#failures.clear();
    this.#outage.end(performance.now());
    this.#changed.check();
    this.#options.onLive?.();
  }

  #lost(remote: Remote, error: unknown, wasLive: boolean, signal: AbortSignal): void {
    this.#connection = undefined;
    this.#accepted = undefined;
    this.#options.replica.abandon();
    if (signal.aborted) return;
    this.#lostAt ??= performance.now();
    const reason =
      error instanceof DeadlinePassed ? 'it did not accept a connection in time' : messageOf(error);
    this.#failures.set(remote.text, reason);
    const hasTriedAll = this.#failures.size === this.#options.remotes.length;
    if (wasLive || hasTriedAll) this.#outage.begin(this.#failureText());
    this.#changed.check();
  }

  #failureText(): string {
    return [...this.#failures].map(([remote, reason]) => `${remote}: ${reason}`).join('; ');
  }

  #unreachable(): OvsdbError {
    const { database, remotes } = this.#options;
    const tried =
      this.#failureText() || remotes.map((remote) => this.#progressOf(remote)).join('; ');
    return new OvsdbError('unreachable', `no connection to database ${database}: ${tried}`);
  }

  /** What has become of a first connection so far. */
  #progressOf(remote: Remote): string {
    const progress =
      remote === this.#accepted
        ? 'it has accepted the connection and not answered yet'
        : 'it has not accepted a connection yet';
    return `${remote.text}: ${progress}`;
  }
}

function connectionOf(
  socket: Socket,
  status: ServerStatus,
  { replica, silence = SILENCE }: SessionOptions,
): Connection {
  return new Connection(socket, silence, {
    row(table, uuid, update) {
      if (table === STATUS_TABLE) status.takeRow(uuid, update);
      else replica.takeRow(table, uuid, update);
    },
    notification(method, params) {
      if (method === 'monitor_canceled') {
        throw new OvsdbError('unreachable', 'it has removed the database');
      }
      if (!method.startsWith('update')) return;
      if (params[0] === STATUS_MONITOR) status.commit();
      else if (params[0] === ROWS_MONITOR) commitRows(replica, method, params);
    },
  });
}
