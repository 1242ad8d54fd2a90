/** A session that follows switches, ports and ACLs of a northbound database. */
import { column, mayLack } from '../../../../src/common/ovsdb/column.ts';
import type { Operation } from '../../../../src/common/ovsdb/operation.ts';
import { parseRemotes } from '../../../../src/common/ovsdb/remote.ts';
import { type Change, Replica } from '../../../../src/common/ovsdb/replica.ts';
import { OvsdbSession, type SessionOptions } from '../../../../src/common/ovsdb/session.ts';
import { LiveTable } from '../../../../src/common/ovsdb/table.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

/** The outage that a test waits out at most; ms. */
const GRACE_MS = 60_000;

export const SIGNAL = new AbortController().signal;

export class Followed {
  readonly switches = new LiveTable('Logical_Switch', {
    name: column.string,
    ports: column.manyUuids,
    external_ids: column.map,
  });
  readonly ports = new LiveTable('Logical_Switch_Port', {
    name: column.string,
    addresses: column.strings,
    external_ids: column.map,
  });
  readonly acls = new LiveTable('ACL', {
    match: column.string,
    tier: mayLack(column.integer),
  });
  readonly switchesNamed = this.switches.index(({ name }) => [name]);
  readonly changes: Change[] = [];
  readonly log = new RecordingLog();
  readonly replica = new Replica([this.switches, this.ports, this.acls]);
  readonly session: OvsdbSession;

  constructor(remotes: string, more: Partial<SessionOptions> = {}) {
    this.replica.onChange((changes) => void this.changes.push(...changes));
    this.session = new OvsdbSession({
      remotes: parseRemotes(remotes),
      database: 'OVN_Northbound',
      replica: this.replica,
      needsLeader: true,
      log: this.log,
      outage: { fields: {}, lost: 'lost', back: 'back' },
      ...more,
    });
    this.session.start();
  }

  live(graceMs = GRACE_MS): Promise<void> {
    return this.session.live(graceMs, SIGNAL);
  }

  transact(...operations: readonly Operation[]): Promise<void> {
    return this.session.transact(operations, SIGNAL);
  }

  /** Names of switches, when all is known that is there now. */
  async names(): Promise<string[]> {
    await this.live();
    await this.session.barrier(SIGNAL);
    return [...this.switches.rows.values()].map(({ name }) => name).sort();
  }
}
