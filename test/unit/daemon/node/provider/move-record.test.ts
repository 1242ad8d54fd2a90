import { describe, expect, it } from 'vitest';
import {
  type MoveRecord,
  readRecord,
  recordedNetworks,
  removeRecordCommands,
  writeRecordCommands,
} from '../../../../../src/daemon/node/provider/move-record.ts';

const ROUTE = {
  ...{ family: 'inet', type: '1', dst: 'default', table: '254', protocol: '3', scope: '0' },
  metrics: ['mtu 1400'],
  hops: [{ gateway: '192.0.2.1' }],
} as const;
const RECORD = {
  ...{ boot: 'b', bridge: 'br-net1', card: 'eth1', goal: 'bridge', trunks: [0, 100] },
  pairs: [
    {
      link: 'eth1',
      port: 'br-net1',
      config: {
        addresses: [{ family: 'inet', local: '192.0.2.10', prefixlen: 24, scope: 'global' }],
        routes: [ROUTE],
      },
    },
  ],
} as unknown as MoveRecord;

/** What OVS has after the commands. */
function written(record: MoveRecord): Record<string, string> {
  const assignment = writeRecordCommands('net1', record).at(-1) ?? '';
  const [, key = '', value = ''] = /^external_ids:("[^"]*")=(".*")$/s.exec(assignment) ?? [];
  return { [JSON.parse(key)]: JSON.parse(value) };
}

describe('the record of a move', () => {
  it('is read as it was written', () => {
    const ids = written(RECORD);
    expect(readRecord('net1', ids)).toEqual(RECORD);
    expect(recordedNetworks({ ...ids, other: 'x' })).toEqual(['net1']);
    expect(readRecord('net2', ids)).toBeUndefined();
    expect(removeRecordCommands('net1').at(-1)).toBe('"provider-move-net1"');
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '{"boot":"b"}'],
    ['a name that is an option of ip', JSON.stringify({ ...RECORD, card: '-force' })],
    [
      'a word that would end a line of a batch',
      JSON.stringify(RECORD).replace('192.0.2.1"', '192.0.2.1\\nlink delete eth0"'),
    ],
    ['a metric with more words', JSON.stringify(RECORD).replace('mtu 1400', 'mtu 1400 dev lo')],
  ])('is believed in nothing where it has %s', (_, text) => {
    expect(() => readRecord('net1', { 'provider-move-net1': text })).toThrow(
      'external_ids:provider-move-net1 of Open_vSwitch is no record of a move',
    );
  });

  it('is refused where it is longer than an argument may be', () => {
    const [pair] = RECORD.pairs;
    const routes = Array.from({ length: 2000 }, () => ROUTE);
    const pairs = [{ ...pair, config: { addresses: [], routes } }];
    expect(() =>
      writeRecordCommands('net1', { ...RECORD, pairs } as unknown as MoveRecord),
    ).toThrow('eth1 has 2000 routes, which are too many to be moved');
  });
});
