/** Which mirror goes when the daemon is taken off a node. */
import { expect, it } from 'vitest';
import type { MirrorRows } from '../../../src/daemon/ovs/mirror-plan.ts';
import { mirrorRemoval } from '../../../src/installer/ovs-leftovers.ts';

const ROWS: MirrorRows = {
  bridges: [{ name: 'br-int', ports: ['port-m', 'port-x'], mirrors: ['mirror-m'] }],
  ports: [
    { _uuid: 'port-m', name: 'mirror0' },
    { _uuid: 'port-x', name: 'mirror9' },
  ],
  mirrors: [{ _uuid: 'mirror-m', name: 'm0', output_port: 'port-m' }],
  interfaces: [{ name: 'mirror0', type: 'internal' }],
};

it('that by whose port, of our making, copies leave', () => {
  expect(mirrorRemoval(ROWS).join(' ')).toBe(
    '-- remove Bridge br-int mirrors mirror-m -- remove Bridge br-int ports port-m',
  );
});

it("none, where an operator's own mirror leaves by that port", () => {
  const own = { _uuid: 'mirror-o', name: 'operator', output_port: 'port-m' };
  const bridges = [{ ...ROWS.bridges[0], mirrors: ['mirror-m', 'mirror-o'] }];
  expect(mirrorRemoval({ ...ROWS, bridges, mirrors: [...ROWS.mirrors, own] })).toEqual([]);
});

it('none, where the port was not made by us, or is on another bridge', () => {
  expect(mirrorRemoval({ ...ROWS, interfaces: [] })).toEqual([]);
  const bridges = [
    { name: 'br-int', ports: ['port-x'], mirrors: [] },
    { name: 'br-other', ports: 'port-m', mirrors: 'mirror-m' },
  ];
  expect(mirrorRemoval({ ...ROWS, bridges })).toEqual([]);
});

it('the port alone, where its mirror is gone', () => {
  const bridges = [{ name: 'br-int', ports: 'port-m', mirrors: [] }];
  const commands = mirrorRemoval({ ...ROWS, bridges, mirrors: [] });
  expect(commands.join(' ')).toBe('-- remove Bridge br-int ports port-m');
});
