/**
 * Opens the northbound database: one session, its replica, and what plans with them.
 */
import type { Logger } from '../../common/log.ts';
import { parseRemotes, type TlsFiles } from '../../common/ovsdb/remote.ts';
import { OvsdbSession } from '../../common/ovsdb/session.ts';
import { createNorthbound, type Northbound, type NorthboundOptions } from './northbound.ts';
import { NbState } from './state.ts';

/** Where the database is, and by which certificates it is reached. */
export interface NorthboundAddress {
  /** An OVSDB remote, or several, comma-separated: `unix:/run/ovn/ovnnb_db.sock`, `tcp:[::1]:6641`. */
  readonly database: string;
  /** PEM files, for `ssl:` remotes. */
  readonly tls?: TlsFiles;
}

/** As NorthboundOptions, with the address in the place of a session. */
export interface OpenOptions
  extends Pick<NorthboundOptions, 'guard' | 'observe' | 'graceMs' | 'signal'> {
  readonly address: NorthboundAddress;
  readonly log: Logger;
}

/** A northbound database with its session. */
export interface OpenNorthbound extends Northbound {
  /** Why the database is out of reach; undefined where it is not. */
  readonly failure: string | undefined;
  /** Calls back when the database is in reach again, and plans have failed since it was not. */
  onBack(listener: () => void): void;
  /** Resolves when the state is at least as new as the database is now. @throws OvsdbError */
  barrier(): Promise<void>;
  /** Ends the session. */
  close(): Promise<void>;
}

/** @param options.signal ends the session, and gives up what is under way */
export function openNorthbound(options: OpenOptions): OpenNorthbound {
  const { address, log, signal } = options;
  const { database: remotes, tls } = address;
  const state = new NbState();
  const listeners: (() => void)[] = [];
  let hasFailed = false;
  const session = new OvsdbSession({
    remotes: parseRemotes(remotes),
    ...(tls === undefined ? {} : { tls }),
    database: 'OVN_Northbound',
    replica: state.replica,
    needsLeader: true,
    log,
    outage: {
      fields: {},
      lost: "OVN's northbound database is out of reach: trying again",
      back: "OVN's northbound database is in reach again",
    },
    onLive: () => {
      if (hasFailed) for (const listener of listeners) listener();
      hasFailed = false;
    },
  });
  const northbound = createNorthbound({
    ...options,
    session,
    state,
    remotes,
    onUnreachable: () => {
      hasFailed = true;
    },
  });
  const close = () => session.stop();
  signal.addEventListener('abort', () => void close(), { once: true });
  session.start();
  return {
    state,
    ready: () => northbound.ready(),
    apply: (plan) => northbound.apply(plan),
    get failure() {
      return session.failure;
    },
    onBack: (listener) => void listeners.push(listener),
    barrier: () => session.barrier(signal),
    close,
  };
}
