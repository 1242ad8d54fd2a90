import { expect, it, onTestFinished } from 'vitest';
import { Sweeper } from '../../../../src/daemon/garbage/sweeper.ts';
import { AttachmentQueue } from '../../../../src/daemon/ownership/attachment-queue.ts';
import { PortLocks } from '../../../../src/daemon/ownership/port-locks.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';
import type { OvsDatabase } from '../ovs/database.ts';
import { NO_PODS, setUp } from '../ovs/port-support.ts';

/** Limits with the marks of an attachment that no port has. */
const addLimits = (database: OvsDatabase) =>
  database.vsctl([
    ...['--', 'create', 'Queue', 'external_ids:container_id=c1', 'external_ids:if_name=net1'],
  ]);
const noLimits = async (database: OvsDatabase) => {
  const { queues } = await database.ovs.fresh();
  return queues.size === 0;
};

it('the node is swept when an outage of the database of OVS is over, also where no row has changed', async () => {
  const { database } = await setUp();
  const { ovs, vsctl } = database;
  const { interfaces, bridges } = ovs;
  const pods = { ...NO_PODS, onChange: () => () => {} };
  const parts = { ovs, vsctl, interfaces, bridges, pods, log: new RecordingLog() };
  const sweeper = new Sweeper({ ...parts, queue: new AttachmentQueue(), locks: new PortLocks() });
  onTestFinished(() => sweeper.stop());
  await addLimits(database);
  await ovs.fresh();
  sweeper.start();
  await expect.poll(() => noLimits(database)).toBe(true);

  // Nothing reports them.
  await addLimits(database);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await noLimits(database)).toBe(false);
  await database.stopServer();
  await expect.poll(() => ovs.isLive).toBe(false);
  await database.startServer();
  await expect.poll(() => noLimits(database), { timeout: 10_000 }).toBe(true);
});
