import { describe, expect, it } from 'vitest';
import {
  type MirrorRequest,
  type MirrorRows,
  planMirror,
} from '../../../../src/daemon/ovs/mirror-plan.ts';

type MirrorRow = MirrorRows['mirrors'][number];

const REQUEST: MirrorRequest = { name: 'mirror0', all: false, hasLink: false };
const MARKS = { 'kube-ovn-mirror': 'true' };
const INTERFACE = { name: 'mirror0', type: 'internal', external_ids: MARKS };
const M0: MirrorRow = {
  uuid: 'm0-row',
  name: 'm0',
  select_all: false,
  output_port: 'mirror0-port',
};
const TUNNEL: MirrorRow = {
  uuid: 'tap-row',
  name: 'tap',
  select_all: true,
  output_port: 'gre-port',
};

/** A node whose mirror is right, on a bridge with an operator's own mirror beside it. */
function rowsOf(changes: Partial<MirrorRows> = {}): MirrorRows {
  return {
    bridges: [
      bridge(['br-int-port', 'mirror0-port', 'gre-port'], ['m0-row', 'tap-row']),
      bridge(['br-ex-port'], [], 'br-ex'),
    ],
    ports: ['br-int', 'mirror0', 'gre', 'br-ex'].map(port),
    mirrors: [M0, TUNNEL],
    interfaces: [INTERFACE],
    ...changes,
  };
}
function bridge(
  ports: string[],
  mirrors: string[],
  name = 'br-int',
): MirrorRows['bridges'][number] {
  return { name, ports: new Set(ports), mirrors };
}
function port(name: string): MirrorRows['ports'][number] {
  return { uuid: `${name}-port`, name, protected: false };
}
/** No more than the bridge itself. */
const BARE: MirrorRows = {
  bridges: [bridge(['br-int-port'], [])],
  ports: [port('br-int')],
  mirrors: [],
  interfaces: [],
};
const CREATE_PORT = [
  ...['--', '--id=@port', 'create', 'Port', 'name="mirror0"', 'interfaces=@interface'],
  ...['--', 'add', 'Bridge', 'br-int', 'ports', '@port'],
];
const CREATE_MIRROR = [
  ...['--', '--id=@mirror', 'create', 'Mirror', 'name=m0'],
  ...['output_port=@port', 'select_all=false'],
  ...['--', 'add', 'Bridge', 'br-int', 'mirrors', '@mirror'],
];
const removal = (name: string) => [
  ...['--', '--if-exists', 'remove', 'Bridge', 'br-int', 'ports', `${name}-port`],
];

/** Flows that are in use follow the mirror. */
const retranslation = (name: string) => ['--', 'set', 'Port', `${name}-port`, 'protected=true'];

const plan = (rows: MirrorRows, request: Partial<MirrorRequest> = {}) =>
  planMirror({ ...REQUEST, ...request }, rows);

describe("the node's mirror", () => {
  it('is made with an interface of OVS, where there is nothing', () => {
    expect(plan(BARE)).toEqual({
      mirrorRow: undefined,
      surplus: [],
      commands: [
        ...['--', '--id=@interface', 'create', 'Interface', 'name="mirror0"'],
        ...['type=internal', 'external_ids:kube-ovn-mirror=true'],
        ...CREATE_PORT,
        ...CREATE_MIRROR,
      ],
    });
  });

  it('is made with a link that the node has, as it is', () => {
    expect(plan(BARE, { hasLink: true }).commands).toEqual([
      ...['--', '--id=@interface', 'create', 'Interface', 'name="mirror0"'],
      ...CREATE_PORT,
      ...CREATE_MIRROR,
    ]);
  });

  it.each([
    ['', true],
    ['system', true],
    ['internal', true],
    ['internal', false],
    ['gre', false],
  ])('is left alone where it is right, with an interface of type "%s"', (type, hasLink) => {
    const rows = rowsOf({ interfaces: [{ ...INTERFACE, type }] });
    expect(plan(rows, { hasLink })).toEqual({ mirrorRow: 'm0-row', surplus: [], commands: [] });
  });

  it.each(['', 'system'])('gets an interface of OVS where a link (type "%s") is gone', (type) => {
    const rows = rowsOf({ interfaces: [{ name: 'mirror0', type, external_ids: {} }] });
    expect(plan(rows).commands).toEqual([
      ...['--', 'set', 'Interface', 'mirror0'],
      ...['type=internal', 'external_ids:kube-ovn-mirror=true'],
    ]);
  });

  it('may leave by several links that are one port', () => {
    expect(plan(rowsOf({ interfaces: [] })).commands).toEqual([]);
  });

  it.each<[string, MirrorRow, boolean, string[]]>([
    ['what is copied', M0, true, ['select_all=true']],
    ['what is no longer copied', { ...M0, select_all: true }, false, ['select_all=false']],
    ['where copies leave', { ...M0, output_port: undefined }, false, ['output_port=mirror0-port']],
    [
      'both',
      { ...M0, output_port: 'gre-port' },
      true,
      ['output_port=mirror0-port', 'select_all=true'],
    ],
  ])('changes in nothing but %s', (_, row, all, columns) => {
    expect(plan(rowsOf({ mirrors: [row, TUNNEL] }), { all }).commands).toEqual([
      ...['--', 'set', 'Mirror', 'm0-row'],
      ...columns,
      ...retranslation('mirror0'),
    ]);
  });

  it('is not the one of the same name on another bridge', () => {
    const bridges = [
      bridge(['br-int-port', 'mirror0-port'], []),
      bridge(['br-ex-port'], ['m0-row'], 'br-ex'),
    ];
    const { mirrorRow, commands } = plan(rowsOf({ bridges }));
    expect(mirrorRow).toBeUndefined();
    expect(commands).toEqual(CREATE_MIRROR.map((word) => word.replace('=@port', '=mirror0-port')));
  });
});

describe('of several mirrors with its name on the bridge', () => {
  const bridges = [bridge(['br-int-port', 'mirror0-port', 'gre-port'], ['other-row', 'm0-row'])];
  const other: MirrorRow = { ...M0, uuid: 'other-row', output_port: 'gre-port' };

  it('the one with the right port is taken', () => {
    const rows = rowsOf({ bridges, mirrors: [other, M0] });
    expect(plan(rows)).toEqual({ mirrorRow: 'm0-row', surplus: ['other-row'], commands: [] });
  });

  it('the first is taken where none has it', () => {
    const rows = rowsOf({ bridges, mirrors: [other, { ...M0, output_port: undefined }] });
    expect(plan(rows)).toEqual({
      mirrorRow: 'other-row',
      surplus: ['m0-row'],
      commands: [
        ...['--', 'set', 'Mirror', 'other-row', 'output_port=mirror0-port'],
        ...retranslation('mirror0'),
      ],
    });
  });
});

describe('the port of a mirror that gets another one', () => {
  const bridges = [bridge(['br-int-port', 'mirror0-port', 'tap1-port'], ['m0-row', 'tap-row'])];
  const ports = ['br-int', 'mirror0', 'tap1'].map(port);
  const renamed = (changes: Partial<MirrorRows>) =>
    plan(rowsOf({ bridges, ports, ...changes }), { name: 'tap1' }).commands;
  const move = [
    ...['--', 'set', 'Mirror', 'm0-row', 'output_port=tap1-port'],
    ...retranslation('tap1'),
  ];

  it('goes, since it was made for it', () => {
    expect(renamed({})).toEqual([...removal('mirror0'), ...move]);
  });

  it.each<[string, Partial<MirrorRows>]>([
    // `toMirrorRows` has the wished interface and those with the mark.
    ['stays where somebody else made it', { interfaces: [{ ...INTERFACE, name: 'tap1' }] }],
    ['stays where it is no interface of OVS', { interfaces: [{ ...INTERFACE, type: '' }] }],
    [
      'stays where it is on another bridge',
      {
        bridges: [
          bridge(['br-int-port', 'tap1-port'], ['m0-row']),
          bridge(['mirror0-port'], [], 'br-ex'),
        ],
      },
    ],
    [
      'stays where another mirror has it, too',
      { mirrors: [M0, { ...TUNNEL, output_port: 'mirror0-port' }] },
    ],
  ])('%s', (_, changes) => {
    expect(renamed(changes)).toEqual(move);
  });
});

describe('there can be no mirror', () => {
  it('without the bridge', () => {
    const rows = { ...BARE, bridges: [bridge([], [], 'br-ex')] };
    expect(() => plan(rows)).toThrow('there is no bridge br-int: is ovn-controller running?');
  });

  it("with another bridge's port", () => {
    const bridges = [
      bridge(['br-int-port'], []),
      bridge(['br-ex-port', 'mirror0-port'], [], 'br-ex'),
    ];
    expect(() => plan(rowsOf({ bridges }))).toThrow(
      '--mirror-iface=mirror0 is a port of bridge br-ex',
    );
  });

  it("with a pod's port or the node's own", () => {
    const external_ids = { 'iface-id': 'node-node1' };
    const rows = rowsOf({ interfaces: [{ ...INTERFACE, external_ids }] });
    expect(() => plan(rows)).toThrow('--mirror-iface=mirror0 is logical switch port node-node1');
  });
});
