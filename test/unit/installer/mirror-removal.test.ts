/** Which mirror goes when the daemon is taken off a node. */
import { expect, it } from 'vitest';
import type { MirrorRows } from '../../../src/daemon/ovs/mirror-plan.ts';
import { mirrorRemoval } from '../../../src/installer/ovs-leftovers.ts';

const bridge = (ports: string[], mirrors: string[], name = 'br-int') => ({
  name,
  ports: new Set(ports),
  mirrors,
});

const ROWS: MirrorRows = {
  bridges: [bridge(['port-m', 'port-x'], ['mirror-m'])],
  ports: [
    { uuid: 'port-m', name: 'mirror0', protected: false },
    { uuid: 'port-x', name: 'mirror9', protected: false },
  ],
  mirrors: [{ uuid: 'mirror-m', name: 'm0', select_all: false, output_port: 'port-m' }],
  interfaces: [{ name: 'mirror0', type: 'internal', external_ids: {} }],
};

it('that by whose port, of our making, copies leave', () => {
  expect(mirrorRemoval(ROWS).join(' ')).toBe(
    '-- remove Bridge br-int mirrors mirror-m -- remove Bridge br-int ports port-m',
  );
});

it("none, where an operator's own mirror leaves by that port", () => {
  const own = { uuid: 'mirror-o', name: 'operator', select_all: false, output_port: 'port-m' };
  const bridges = [bridge(['port-m', 'port-x'], ['mirror-m', 'mirror-o'])];
  expect(mirrorRemoval({ ...ROWS, bridges, mirrors: [...ROWS.mirrors, own] })).toEqual([]);
});

it('none, where the port was not made by us, or is on another bridge', () => {
  expect(mirrorRemoval({ ...ROWS, interfaces: [] })).toEqual([]);
  const bridges = [bridge(['port-x'], []), bridge(['port-m'], ['mirror-m'], 'br-other')];
  expect(mirrorRemoval({ ...ROWS, bridges })).toEqual([]);
});

it('the port alone, where its mirror is gone', () => {
  const bridges = [bridge(['port-m'], [])];
  const commands = mirrorRemoval({ ...ROWS, bridges, mirrors: [] });
  expect(commands.join(' ')).toBe('-- remove Bridge br-int ports port-m');
});
