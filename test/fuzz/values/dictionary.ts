/**
 * Texts that have broken programs of this kind: whatever a shell, a batch of ip(8), ovs-vsctl, a
 * file system, a JSON reader or an address parser gives a meaning to. Pure.
 */

/** Ends of words, lines, texts and quotes. */
const SEPARATORS = [
  ...['"', "'", '\\', '\\"', '`', ' ', '   ', '\t', '\n', '\r', '\r\n', '\0', '\v', '\f'],
  ...[',', ';', '=', ':', '/', '|', '&', '#', '%', '%s%n', '@', '*', '?', '~', '!'],
  ...['{', '}', '{}', '[', ']', '[]', '()', '<', '>', '\u0085', '\u2028', '\u2029', '\u200b'],
];

/** What a shell, ip(8) or ovs-vsctl would do something for. */
const COMMANDS = [
  ...['--', '-', '-o', '-h', '-batch', '--options', '--db=unix:/x', '--if-exists', '--id=@port'],
  ...['-- del-br br-int', '\nlink delete eth0', 'a\nlink delete eth0', ' -- destroy QoS', '@port'],
  ...['$(reboot)', '`reboot`', ';reboot', '|reboot', '&&reboot', '$PATH', '$IFS', '"; reboot'],
  ...[
    'a,b=c',
    'a=b',
    '"a","b"',
    '[uuid]',
    '{"a":1}',
    'dev eth0',
    'up',
    'name',
    'if12',
    'if1_h',
    'all',
    'default',
  ],
];

const PATHS = [
  ...['.', '..', '/', '//', '../', '../../etc/passwd', 'a/../b', '/..', '/.', './a', '.a', 'a/'],
  ...['/etc/passwd', '/dev/null', '/dev/full', '/proc/self/ns/net', '/proc/1/ns/net', '/run'],
];

/** Keys that a JavaScript object has by itself, or that mean something to one. */
export const OBJECT_KEYS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty'],
  ...['toJSON', 'then', 'length', '', '0'],
];

const LETTERS = [
  ...[
    'A',
    'ETH0',
    'é',
    'ß',
    'İ',
    'ﬁ',
    '０',
    '１２',
    '１0.1.1.1',
    '٣',
    'eth０',
    '\u202e',
    'a\u202eb',
  ],
  ...['\ud800', '\udfff', 'a\ud800', '😀', '\ufeff', '\ufffd', '\u0000a', 'cafe\u0301'],
];

/** Addresses that one parser takes and another does not. */
export const HOSTILE_ADDRESSES = [
  ...['010.1.1.1', '10.1', '10', '10.1.1', '0x0a.1.1.1', '167772161', '10.1.1.256', '10.1.1.1.1'],
  ...['10.01.1.1', '10.1.1.1 ', ' 10.1.1.1', '10.1.1.1\n', '-10.1.1.1', '+10.1.1.1', '1e1.1.1.1'],
  ...['fe80::1%eth0', 'fe80::1%', 'fd00::1%25', '::ffff:10.1.1.1', '::10.1.1.1', '::ffff:0:0'],
  ...[
    'FD00::1',
    'fd00:0:0:0:0:0:0:1',
    'fd00::0001',
    'fd00::00001',
    'fd00:::1',
    '::',
    ':',
    '1::2::3',
  ],
  ...['[fd00::1]', 'fd00::1]', 'g::1', 'fd00::10.1.1', '0.0.0.0', '255.255.255.255', '224.0.0.1'],
  ...['ff02::1', '127.0.0.1', '10.1.1.1/', '10.1.1.1/16/16', '10.1.1.1/33', '10.1.1.1/-1'],
  ...['10.1.1.1/016', '10.1.1.1/1e1', '10.1.1.1/ 8', '10.1.1.1/255.255.0.0', 'fd00::1/129', '/8'],
  ...['fd00::1%eth0/64', '10.1.1.1/16,', ',', '10.1.1.1,10.1.1.2', '１0.1.1.1', '10．1．1．1'],
  ...['any', 'default', 'all', 'localhost', 'inet', 'local'],
];

const NUMBERS = [
  ...['0', '-0', '-1', '+1', '1e400', '1e3', '0x10', '1.5', '.5', '1.', '01', 'NaN', 'Infinity'],
  ...[
    '9007199254740993',
    '18446744073709551616',
    '99999999999999999999',
    '1_000',
    '１',
    ' 1',
    '1 ',
  ],
];

export const HOSTILE_MACS = [
  ...['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '00-00-00-53-6b-b6'],
  ...[
    '0000.0053.6bb6',
    '00:00:00:53:6b',
    '00:00:00:53:6b:b6:01',
    '0:0:0:53:6b:b6',
    '00:00:00:53:6B:B6',
  ],
  ...['00:00:00:53:6b:b6 up', '00:00:00:53:6b:b6\n', '00:00:00:53:6b:g6', '００:00:00:53:6b:b6'],
];

export const HOSTILE_TEXTS: readonly string[] = [
  ...['', 'null', 'undefined', 'true', 'TRUE', '[object Object]'],
  ...SEPARATORS,
  ...COMMANDS,
  ...PATHS,
  ...OBJECT_KEYS,
  ...LETTERS,
  ...HOSTILE_ADDRESSES,
  ...NUMBERS,
  ...HOSTILE_MACS,
];

/** Rare, since each costs as much as a hundred short ones. */
export const LONG_TEXTS: readonly string[] = ['a', '"', '\\', '\n', '9', '-', '/', '😀', 'a.'].map(
  (unit) => unit.repeat(65_536 / unit.length),
);
