/**
 * Learns at once when somebody else removes or changes rows of ours in the northbound database, so
 * that the objects concerned can be brought back. Nothing is asked for: ovsdb-client(1) follows each
 * table that we write to, with a connection of its own, since it can follow no more than one.
 *
 * Told are, of rows with `external_ids:vendor=kube-ovn` before or after the change:
 * - the end of a switch, port, router, router port, route, policy, ACL, DHCP options, port group or
 *   address set, whether it was deleted itself or with what held it;
 * - a change of a column in drift-tables.ts, which includes names and marks; and routes and policies
 *   that are put on a router of ours.
 *
 * Changes by ourselves are among them. Whoever is told compares, and finds nothing to do.
 *
 * Not told are:
 * - rows that come, since ours do so: a pod that is made tells nothing. What somebody adds under our
 *   mark stays until its object is looked at for another reason;
 * - a port that is moved to another switch or router without ending; that ports are taken out of a
 *   group or put into it, or addresses out of a set; a port's DHCP options, its `tag` (also where
 *   it is a provider network's VLAN) and `up`: drift-tables.ts says why;
 * - columns that no planner compares, as `enabled` or a router port's MAC;
 * - what happens while there is no connection: `onReconnect` tells that;
 * - anything while ovsdb-server hangs, its machine has vanished without closing connections, or it
 *   has lost its cluster: ovsdb-client looks for the leader when it starts, and never again.
 *
 * Cost, with 10,000 ports: 3 MB are read when the watch begins, and 3 MB of memory remember whose
 * each row is; ovsdb-client takes 30 MB for the ports, and 2 MB for each other table. After that
 * it is a line per transaction and table.
 */
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { startLineMonitor } from '../../common/process/line-monitor.ts';
import { followRows } from './drift-rows.ts';
import { DRIFT_TABLES, type DriftChange, type DriftTable } from './drift-tables.ts';
import type { NbctlOptions } from './nbctl.ts';

export interface DriftOptions extends NbctlOptions {
  readonly log: Logger;
  /** Called once per object and table that a transaction concerns. */
  readonly onChange: (change: DriftChange) => void;
  /** Changes may have been missed; from now on they are told again. */
  readonly onReconnect: () => void;
}

export interface DriftWatch {
  /**
   * Resolves when changes are told for the first time, and never fails. Of what happened before that
   * nothing is told, so that the database is to be read after it.
   */
  readonly ready: Promise<void>;
  /** Ends the watch with its processes; nothing is told after that. */
  stop(): void;
}

const RESTART_PAUSE_MIN_MS = 100;
const RESTART_PAUSE_MAX_MS = 5000;

/** Starts to watch. Without a database it is tried again, with growing pauses, until there is one. */
export function watchDrift(options: DriftOptions): DriftWatch {
  const { log, onChange, onReconnect } = options;
  const outage = new Outage(log, {
    fields: {},
    lost: "changes of OVN's northbound database by others are not noticed: lost touch with it, trying again",
    back: "changes of OVN's northbound database by others are noticed again: back in touch with it",
  });
  const ready = Promise.withResolvers<void>();
  let stops: (() => void)[] = [];
  let restart: NodeJS.Timeout | undefined;
  let pauseMs = RESTART_PAUSE_MIN_MS;
  let hasBeenLost = false;
  let isStopped = false;

  function start(): void {
    const [first, ...others] = DRIFT_TABLES;
    let unsynced = DRIFT_TABLES.length;
    const follow = (table: DriftTable | undefined) => {
      if (table !== undefined) stops.push(monitor(table, options, { synced, changed, lost }));
    };
    const synced = () => {
      unsynced -= 1;
      // While there is no database, one process finds out, and not one per table.
      if (unsynced === others.length) others.forEach(follow);
      if (unsynced === 0) regain();
    };
    follow(first);
  }

  /** Whoever is told may stop the watch, and a transaction may have more to tell. */
  function changed(change: DriftChange): void {
    if (!isStopped) onChange(change);
  }

  function regain(): void {
    pauseMs = RESTART_PAUSE_MIN_MS;
    ready.resolve();
    outage.end(performance.now());
    if (hasBeenLost) onReconnect();
  }

  /** One lost table is as good as all: what it missed is found by looking at everything. */
  function lost(reason: string): void {
    stopMonitors();
    hasBeenLost = true;
    outage.begin(reason);
    restart = setTimeout(start, pauseMs);
    pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MAX_MS);
  }

  function stopMonitors(): void {
    for (const stop of stops) stop();
    stops = [];
  }

  start();
  return {
    ready: ready.promise,
    stop() {
      isStopped = true;
      clearTimeout(restart);
      stopMonitors();
    },
  };
}

/** Follows one table, until it is stopped or lost. */
function monitor(
  table: DriftTable,
  { database, tls }: NbctlOptions,
  tell: {
    synced(): void;
    changed(change: DriftChange): void;
    lost(reason: string): void;
  },
): () => void {
  const args = ['--format=json'];
  if (tls !== undefined) {
    args.push(`--private-key=${tls.privateKey}`, `--certificate=${tls.certificate}`);
    args.push(`--ca-cert=${tls.caCertificate}`);
  }
  // Of the ways to monitor, this one alone says that it has begun when a table is empty.
  args.push('monitor-cond-since', database, 'OVN_Northbound', '[]', table.table);
  if (table.columns.length > 0) args.push(table.columns.join(','));
  const rows = followRows(table);
  return startLineMonitor('ovsdb-client', args, {
    line(line) {
      const taken = rows.take(line);
      if (taken === 'synced') tell.synced();
      else for (const change of taken) tell.changed(change);
    },
    end: tell.lost,
  });
}
