/**
 * Who takes the lock of an `iface-id` sees what was written under it before, however late the rows come:
 * with namespaces of which the kernel tells which is older.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { releaseIfaceIdsOfOlderSandboxes } from '../../src/daemon/garbage/iface-id-owners.ts';
import { findPort } from '../../src/daemon/ovs/port-removal.ts';
import { unplugPort } from '../../src/daemon/ownership/iface-id-owner.ts';
import { PortLocks } from '../../src/daemon/ownership/port-locks.ts';
import { command } from '../lab/command.ts';
import { LateSession } from '../process/daemon/ovs/late-session.ts';
import { otherPlan, plugInto, setUp } from '../process/daemon/ovs/port-support.ts';
import { RecordingLog } from '../unit/daemon/recording-log.ts';

/** More than a tick of the clock of files, so that their births differ; ms. */
const APART_MS = 50;

const NAMESPACES = ['older', 'newer'];
beforeAll(async () => {
  for (const name of NAMESPACES) {
    await command('ip', ['netns', 'add', name]);
    await sleep(APART_MS);
  }
});
afterAll(async () => {
  for (const name of NAMESPACES) await command('ip', ['netns', 'delete', name]);
});

test('an older sandbox that loses its logical switch port has it again when the newer one goes at that moment', async () => {
  const { database } = await setUp();
  await using late = await LateSession.start(database.remote);
  const ifaceId = 'web-0.shop';
  const newer = otherPlan('newer');
  await plugInto(database, otherPlan('older', { ifaceId }));
  await plugInto(database, newer);
  // As a tool of a killed daemon does it late: two rows have it.
  const shared = `external_ids:iface-id=${ifaceId}`;
  await database.vsctl(['--', 'set', 'Interface', 'newer_h', shared]);
  const found = await findPort(late.ovs, newer.attachment, ['newer_h']);

  const { interfaces } = late.ovs;
  const pods = { isSynced: false, values: () => [].values() };
  const parts = { ovs: late.ovs, vsctl: database.vsctl, locks: new PortLocks(), interfaces, pods };
  const log = new RecordingLog();
  await Promise.all([releaseIfaceIdsOfOlderSandboxes({ ...parts, log }), unplugPort(found, parts)]);
  expect(log.lines.map(({ message }) => message)).toEqual([
    'older sandboxes lost a logical switch port',
  ]);
  const state = await late.ovs.fresh();
  expect(state.interfaceNamed('newer_h')).toBeUndefined();
  expect(state.interfaceNamed('older_h')?.external_ids['iface-id']).toBe(ifaceId);
});
