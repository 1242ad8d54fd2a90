import { describe, expect, it } from 'vitest';
import { giveBackCommands, unseatCommands } from '../../../../src/daemon/ovs/port-owner.ts';
import type { Row } from '../../../../src/daemon/ovs/table.ts';

/** A path at which the node that runs the tests has a network namespace. */
const LIVING = '/proc/self/ns/net';
const PORT = 'vm-1.shop';

const tableOf = (...rows: readonly (readonly [name: string, ids: Record<string, string>])[]) => ({
  rows: new Map<string, Row>(
    rows.map(([name, ids]) => [`uuid-${name}`, { name, external_ids: ids }]),
  ),
});
const lost = (netns = LIVING) => ({ 'lost-iface-id': PORT, pod_netns: netns });

describe('a logical switch port that is given up', () => {
  it('is that of the sandbox again which lost it and lives', () => {
    const table = tableOf(['new', { 'iface-id': PORT }], ['old', lost()]);
    expect(giveBackCommands(PORT, ['new'], table)).toEqual([
      ...['--', '--if-exists', 'set', 'Interface', 'uuid-old', `external_ids:iface-id="${PORT}"`],
      ...['--', '--if-exists', 'remove', 'Interface', 'uuid-old', 'external_ids', 'lost-iface-id'],
    ]);
  });

  it.each([
    ['has another holder', [['other', { 'iface-id': PORT }] as const]],
    ['was lost by a sandbox that is gone', [['old', lost('/run/netns/gone')] as const]],
    [
      'was lost by nobody',
      [['other', { 'lost-iface-id': 'vm-2.shop', pod_netns: LIVING }] as const],
    ],
    ['was lost by what goes, too', [['new', lost()] as const]],
  ])("stays nobody else's where it %s", (_, rows) => {
    expect(giveBackCommands(PORT, ['new'], tableOf(...rows))).toEqual([]);
  });
});

it('a row that loses a logical switch port remembers which', () => {
  expect(unseatCommands(['u1'], PORT)).toEqual([
    ...['--', '--if-exists', 'remove', 'Interface', 'u1', 'external_ids', 'iface-id'],
    ...['--', '--if-exists', 'set', 'Interface', 'u1', `external_ids:lost-iface-id="${PORT}"`],
  ]);
});
