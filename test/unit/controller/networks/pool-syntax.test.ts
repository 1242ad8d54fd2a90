import { describe, expect, it } from 'vitest';
import { parsePool } from '../../../../src/controller/networks/pool-syntax.ts';
import { messagesOf, rightOf } from '../kinds/object-support.ts';

const KEY = 'annotation macvlan.default.kubernetes.io/ip_pool';
const entriesOf = (text: string) => {
  const request = rightOf(parsePool(text, KEY));
  return request.kind === 'named'
    ? request.name
    : request.entries.map((entry) => entry.map((address) => address.text).join());
};

describe('a pool', () => {
  it.each([
    ['one address', '10.0.0.5', ['10.0.0.5']],
    [
      'several',
      '172.17.0.200,172.17.0.201,172.17.0.202',
      ['172.17.0.200', '172.17.0.201', '172.17.0.202'],
    ],
    ['with spaces', ' 10.0.0.5 , 10.0.0.6 ', ['10.0.0.5', '10.0.0.6']],
    ['two of one family', '10.0.0.5,10.0.0.6', ['10.0.0.5', '10.0.0.6']],
    ['two of both families: one NIC’s', '10.0.0.5, fd00::5', ['10.0.0.5,fd00::5']],
    [
      'three of both families: each for itself',
      '10.0.0.5,fd00::5,10.0.0.6',
      ['10.0.0.5', 'fd00::5', '10.0.0.6'],
    ],
    [
      'entries of both families',
      '10.0.0.5,fd00::5;10.0.0.6, fd00::6',
      ['10.0.0.5,fd00::5', '10.0.0.6,fd00::6'],
    ],
    ['entries of one family', '10.0.0.5;10.0.0.6', ['10.0.0.5', '10.0.0.6']],
    ['addresses in other letters', 'FD00::0:5', ['fd00::5']],
    ['an IPPool', 'pool1', 'pool1'],
    ['an IPPool with a dot and a space', ' my.pool ', 'my.pool'],
  ])('is %s', (_, text, expected) => {
    expect(entriesOf(text)).toEqual(expected);
  });

  it.each([
    ['a CIDR (T8)', '172.17.0.0/24', '172.17.0.0/24'],
    ['a CIDR in a list (T8)', '10.0.0.5,172.17.0.0/24', '172.17.0.0/24'],
    ['a range (T8)', '10.0.0.5..10.0.0.9', '10.0.0.5..10.0.0.9'],
    ['a name in a list', 'pool1,pool2', 'pool1'],
    ['an entry of a name', '10.0.0.5;pool1', 'pool1'],
    ['an empty entry', '10.0.0.5,', ''],
    ['an empty entry between', '10.0.0.5;;10.0.0.6', ''],
    ['an upper-case name', 'Pool1', 'Pool1'],
    ['only space', ' ', ''],
  ])('is refused: %s', (_, text, token) => {
    expect(messagesOf(parsePool(text, KEY))).toEqual([`failed to parse IP ${token} in ${KEY}`]);
  });

  it('is refused where an entry has two addresses of a family', () => {
    expect(messagesOf(parsePool('10.0.0.5,10.0.0.6;10.0.0.7', KEY))[0]).toContain(
      "is not one NIC's addresses",
    );
  });
});
