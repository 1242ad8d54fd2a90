import { expect, it, onTestFinished } from 'vitest';
import { OvsdbError } from '../../../../src/common/ovsdb/error.ts';
import { parseFlags } from '../../../../src/daemon/flags.ts';
import { AddressMonitor } from '../../../../src/daemon/node/address-monitor.ts';
import { Tunnels } from '../../../../src/daemon/node/tunnels.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

it('an outage of the database of OVS is one line of the log of tunnels, whatever is said of it meanwhile', async () => {
  const log = new RecordingLog();
  const reasons = ['it closed the connection', 'connect ECONNREFUSED', 'it said nothing for 25 s'];
  let looks = 0;
  const tunnels = new Tunnels({
    settings: parseFlags([], { NODE_NAME: 'node-1' }).tunnel,
    nodeName: 'node-1',
    node: {
      get: () => undefined,
      isSynced: true,
      onChange: () => () => {},
      synced: Promise.resolve(),
    },
    ovs: {
      fresh: async () => {
        looks += 1;
        throw new OvsdbError('unreachable', reasons[looks % reasons.length] ?? '');
      },
    },
    bridges: { synced: async () => {} },
    root: { onRow: () => {} },
    vsctl: async () => '',
    addresses: new AddressMonitor(log),
    log,
  });
  onTestFinished(() => tunnels.stop());
  tunnels.start();
  await expect.poll(() => looks, { timeout: 30_000 }).toBeGreaterThan(2);
  expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
});
