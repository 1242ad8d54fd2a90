import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeCommands,
  type FoundControl,
  isSameQos,
  NO_CONTROL,
  type Qos,
  type TrafficControl,
} from '../../../../src/daemon/ovs/traffic-control.ts';

const htb = (maxRate: string, burst: string): Qos => ({
  type: 'linux-htb',
  config: { 'max-rate': maxRate, burst },
});
const netem = (config: Record<string, string>): Qos => ({ type: 'linux-netem', config });

const MARKS = ['external_ids:iface-id="web-0.shop"', 'external_ids:pod="shop/web-0"'];
const OWN = (uuid: string) => ({ uuid, isOwn: true });
const FOREIGN = (uuid: string) => ({ uuid, isOwn: false });
const BARE: FoundControl = {
  ...NO_CONTROL,
  interfaceRow: 'interface-1',
  portRow: 'port-1',
  qosRow: undefined,
  queueRow: undefined,
  mirrorRow: 'mirror-1',
  mirrorOutput: undefined,
};
const SHAPED: FoundControl = {
  ...BARE,
  qos: htb('5', '6'),
  qosRow: OWN('qos-1'),
  queueRow: OWN('queue-1'),
};
const DISTURBED: FoundControl = { ...BARE, qos: netem({ latency: '5' }), qosRow: OWN('qos-1') };

const commands = (found: FoundControl, changes: Partial<TrafficControl>) =>
  changeCommands(found, { ...found, ...changes }, MARKS);
const CREATE_QUEUE = [
  ...['--', '--id=@queue_port_1', 'create', 'Queue', ...MARKS],
  ...['other_config:max-rate=7', 'other_config:burst=8'],
];
const CREATE_HTB = [
  ...CREATE_QUEUE,
  ...['--', '--id=@qos_port_1', 'create', 'QoS', 'type=linux-htb', ...MARKS],
  'queues:0=@queue_port_1',
  ...['--', 'set', 'Port', 'port-1', 'qos=@qos_port_1'],
];
const CREATE_NETEM = [
  ...['--', '--id=@qos_port_1', 'create', 'QoS', 'type=linux-netem', ...MARKS],
  'other_config:loss=7',
  ...['--', 'set', 'Port', 'port-1', 'qos=@qos_port_1'],
];
const CLEAR = ['--', 'clear', 'Port', 'port-1', 'qos'];
const DESTROY_QOS = ['--', '--if-exists', 'destroy', 'QoS', 'qos-1'];
const DESTROY_QUEUE = ['--', '--if-exists', 'destroy', 'Queue', 'queue-1'];

describe('the commands that change a port', () => {
  it.each([BARE, SHAPED, DISTURBED, { ...SHAPED, qosRow: FOREIGN('qos-1') }])(
    'are none where it has what it is to have (%#)',
    (found) => {
      expect(commands(found, {})).toEqual([]);
      const limited = { ...found, policing: { rateKbps: 5, burstKbit: 6 }, isMirrored: true };
      expect(commands(limited, {})).toEqual([]);
      expect(commands(found, { policing: { rateKbps: 0, burstKbit: 9 } })).toEqual([]);
    },
  );

  it('set the policing of its Interface row, and nothing else', () => {
    const policing = { rateKbps: 5, burstKbit: 0 };
    expect(commands(SHAPED, { policing })).toEqual([
      ...['--', 'set', 'Interface', 'interface-1'],
      ...['ingress_policing_rate=5', 'ingress_policing_burst=0'],
    ]);
    expect(commands({ ...SHAPED, policing }, { policing: NO_CONTROL.policing })).toEqual([
      ...['--', 'set', 'Interface', 'interface-1'],
      ...['ingress_policing_rate=0', 'ingress_policing_burst=0'],
    ]);
  });

  it('choose it for the mirror, or no longer, where there is one', () => {
    expect(commands(BARE, { isMirrored: true })).toEqual([
      ...['--', 'add', 'Mirror', 'mirror-1', 'select_dst_port', 'port-1'],
    ]);
    expect(commands({ ...BARE, isMirrored: true }, { isMirrored: false })).toEqual([
      ...['--', '--if-exists', 'remove', 'Mirror', 'mirror-1', 'select_dst_port', 'port-1'],
    ]);
    expect(commands({ ...BARE, mirrorRow: undefined }, { isMirrored: true })).toEqual([]);
  });

  it.each([true, false])(
    "turn over what the mirror's port says (%s), for old flows",
    (isProtected) => {
      const found = { ...BARE, mirrorOutput: { portRow: 'port-9', isProtected } };
      const turned = ['--', 'set', 'Port', 'port-9', `protected=${!isProtected}`];
      for (const isMirrored of [true, false]) {
        const other = { ...found, isMirrored: !isMirrored };
        expect(commands(other, { isMirrored }).slice(-5)).toEqual(turned);
        expect(commands({ ...other, mirrorRow: undefined }, { isMirrored })).toEqual([]);
      }
      const policing = { rateKbps: 5, burstKbit: 6 };
      expect(commands(found, { policing })).toEqual(commands(BARE, { policing }));
    },
  );

  it('follow one another where several things differ', () => {
    const policing = { rateKbps: 5, burstKbit: 6 };
    expect(commands(BARE, { policing, qos: netem({ loss: '7' }), isMirrored: true })).toEqual([
      ...commands(BARE, { policing }),
      ...commands(BARE, { qos: netem({ loss: '7' }) }),
      ...commands(BARE, { isMirrored: true }),
    ]);
  });

  it('name new rows otherwise for each of several ports', () => {
    const two = ['0a-1', '0a-2'].flatMap((portRow) =>
      commands({ ...BARE, portRow }, { qos: htb('7', '8') }),
    );
    const ids = two.filter((word) => word.startsWith('--id='));
    expect(ids).toEqual([
      ...['--id=@queue_0a_1', '--id=@qos_0a_1', '--id=@queue_0a_2', '--id=@qos_0a_2'],
    ]);
  });
});

describe('the commands that change the QoS of a port', () => {
  it.each([
    ['a rate', BARE, htb('7', '8'), CREATE_HTB],
    ['netem', BARE, netem({ loss: '7' }), CREATE_NETEM],
  ])('make %s where there was nothing', (_, found, qos, expected) => {
    expect(commands(found, { qos })).toEqual(expected);
  });

  it('set the queue alone where a rate becomes another', () => {
    expect(commands(SHAPED, { qos: htb('7', '8') })).toEqual([
      ...['--', 'set', 'Queue', 'queue-1', 'other_config:max-rate=7', 'other_config:burst=8'],
    ]);
  });

  it('make new rows and destroy the old ones where it becomes one of another type', () => {
    const [toNetem, toHtb] = [netem({ loss: '7' }), htb('7', '8')];
    expect(commands(SHAPED, { qos: toNetem })).toEqual([
      ...CREATE_NETEM,
      ...DESTROY_QOS,
      ...DESTROY_QUEUE,
    ]);
    expect(commands(DISTURBED, { qos: toHtb })).toEqual([...CREATE_HTB, ...DESTROY_QOS]);
    expect(commands(DISTURBED, { qos: toNetem })).toEqual([...CREATE_NETEM, ...DESTROY_QOS]);
  });

  it('clear the port and destroy the rows where it is to have none', () => {
    expect(commands(SHAPED, { qos: undefined })).toEqual([
      ...CLEAR,
      ...DESTROY_QOS,
      ...DESTROY_QUEUE,
    ]);
    expect(commands(DISTURBED, { qos: undefined })).toEqual([...CLEAR, ...DESTROY_QOS]);
  });

  it('give a QoS of its own a new queue where that one has none, or one that is not its own', () => {
    const expected = [...CREATE_QUEUE, ...['--', 'set', 'QoS', 'qos-1', 'queues:0=@queue_port_1']];
    const shared = { ...SHAPED, queueRow: FOREIGN('queue-1') };
    expect(commands(shared, { qos: htb('7', '8') })).toEqual(expected);
  });

  it('take the place of a QoS of its own that says nothing', () => {
    // Kube-OVN's daemon leaves such a queue where a priority is on it.
    const silent = { ...SHAPED, qos: undefined };
    expect(commands(silent, { qos: htb('7', '8') })).toEqual([
      ...CREATE_HTB,
      ...DESTROY_QOS,
      ...DESTROY_QUEUE,
    ]);
    const queueless = { ...silent, queueRow: undefined };
    expect(commands(queueless, { qos: htb('7', '8') })).toEqual([...CREATE_HTB, ...DESTROY_QOS]);
  });
});

describe('rows that others made or use', () => {
  const qosRows: readonly FoundControl[] = [
    { ...SHAPED, qosRow: FOREIGN('qos-1') },
    { ...SHAPED, qosRow: FOREIGN('qos-1'), queueRow: FOREIGN('queue-1') },
    { ...DISTURBED, qosRow: FOREIGN('qos-1') },
    { ...SHAPED, qosRow: FOREIGN('qos-1'), qos: undefined },
  ];

  it.each(qosRows)('are neither set nor destroyed (%#)', (found) => {
    expect(commands(found, { qos: htb('7', '8') })).toEqual(CREATE_HTB);
    expect(commands(found, { qos: netem({ loss: '7' }) })).toEqual(CREATE_NETEM);
    const without = found.qos === undefined ? [] : CLEAR;
    expect(commands(found, { qos: undefined })).toEqual(without);
  });

  it('are a queue under a QoS that is destroyed', () => {
    const found = { ...SHAPED, queueRow: FOREIGN('queue-1') };
    expect(commands(found, { qos: netem({ loss: '7' }) })).toEqual([
      ...CREATE_NETEM,
      ...DESTROY_QOS,
    ]);
    expect(commands(found, { qos: undefined })).toEqual([...CLEAR, ...DESTROY_QOS]);
  });

  it('are never named by a command that changes them, whatever is found and wanted', async () => {
    const row = fc.option(fc.record({ uuid: fc.constant('a'), isOwn: fc.boolean() }), {
      nil: undefined,
    });
    const qos = fc.constantFrom(undefined, htb('1', '2'), htb('3', '4'), netem({ loss: '5' }));
    await fc.assert(
      fc.property(row, row, qos, qos, (qosRow, queueRow, before, after) => {
        const found = {
          ...{ ...BARE, qos: before },
          qosRow: qosRow && { ...qosRow, uuid: 'qos-1' },
          queueRow: queueRow && { ...queueRow, uuid: 'queue-1' },
        };
        const words = commands(found, { qos: after });
        if (!qosRow?.isOwn) expect(words).not.toContain('qos-1');
        if (!queueRow?.isOwn) expect(words).not.toContain('queue-1');
        expect(words.includes('create') || words.includes('set') || words.includes('clear')).toBe(
          !isSameQos(before, after),
        );
      }),
    );
  });
});
