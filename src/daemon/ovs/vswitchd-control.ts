/**
 * The control socket of ovs-vswitchd, which ovs-appctl(8) uses, too: JSON-RPC, a method for each command.
 * The connection is kept for as long as the program lives: its end is how we learn that all is gone which
 * the program keeps in its memory only, as static entries of MAC tables and flows of bridges
 * (docs/adr/0015-vswitchd-control.md).
 */
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { startDeadline } from '../../common/concurrency/deadline.ts';
import { CallError, Connection } from '../../common/ovsdb/connection.ts';
import { OvsdbError } from '../../common/ovsdb/error.ts';
import { connect } from '../../common/ovsdb/remote.ts';
import { controlSocket } from './liveness.ts';

/** It answers within milliseconds, unless it is busy with a large change of ports; ms. */
const ANSWER_MS = 10_000;
const CONNECT_MS = 5000;
/** It is on this node, and comes back within seconds. */
const PAUSES = { firstMs: 50, maxMs: 5000 };
/** No echo is asked for: the socket is a file of this node, and ends with the program. */
const NEVER_MS = 2 ** 31 - 1;

/** A command that ovs-vswitchd does not have, being older. */
export class UnknownCommand extends Error {
  constructor(command: string, options: ErrorOptions) {
    super(`this version of ovs-vswitchd has no command ${command}`, options);
    this.name = 'UnknownCommand';
  }
}

/**
 * One connection to the ovs-vswitchd of this node, made again whenever it has ended, with pauses of up to 5 s.
 */
export class VswitchdControl {
  readonly #directory: string | undefined;
  readonly #stopped = new AbortController();
  readonly #backoff = new Backoff(PAUSES);
  #onLive: () => void = () => {};
  #connection: Connection | undefined;
  #isStarted = false;

  /** @param database OVSDB remote: only beside a unix socket of it is ovs-vswitchd looked for */
  constructor(database: string) {
    const path = /^unix:([^,]+)/.exec(database)?.[1];
    this.#directory = path === undefined ? undefined : dirname(path);
  }

  /** Called each time that there is an ovs-vswitchd which has not been talked to before; one listener. */
  onLive(listener: () => void): void {
    this.#onLive = listener;
  }

  /** Begins to connect; nothing where it has begun. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#run();
  }

  stop(): void {
    this.#stopped.abort(new Error('the daemon is ending'));
  }

  get isLive(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * Runs a command.
   * @returns what it prints
   * @throws UnknownCommand; CallError with what it says where it fails; OvsdbError `unreachable` where it
   *   does not answer
   */
  async call(command: string, ...args: readonly string[]): Promise<string> {
    const connection = this.#connection;
    if (connection === undefined) throw new OvsdbError('unreachable', 'ovs-vswitchd is away');
    const late = new OvsdbError('unreachable', `ovs-vswitchd does not answer ${command}`);
    // Whoever hangs is connected to anew: nothing that it has been asked is left half done by that.
    const timer = setTimeout(() => connection.close(late), ANSWER_MS);
    try {
      return String((await connection.call(command, args)) ?? '');
    } catch (error) {
      if (error instanceof CallError && error.message.includes('is not a valid command')) {
        throw new UnknownCommand(command, { cause: error });
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#use(signal).catch(() => {});
      await this.#backoff.pause(signal).catch(() => {});
    }
  }

  /** Resolves when a connection has ended. @throws where there was none */
  async #use(signal: AbortSignal): Promise<void> {
    const socket = await this.#connect(signal);
    const silence = { probeAfterMs: NEVER_MS, deadAfterMs: NEVER_MS };
    const connection = new Connection(socket, silence, { row: () => {}, notification: () => {} });
    const end = () => connection.close(new OvsdbError('interrupted', 'the daemon is ending'));
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    this.#connection = connection;
    this.#backoff.reset();
    try {
      this.#onLive();
      await connection.closed;
    } finally {
      this.#connection = undefined;
      signal.removeEventListener('abort', end);
    }
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    using deadline = startDeadline(CONNECT_MS, signal);
    const path = await controlSocket('ovs-vswitchd', this.#directory ? [this.#directory] : []);
    return await connect({ kind: 'unix', path, text: `unix:${path}` }, undefined, deadline.signal);
  }
}
