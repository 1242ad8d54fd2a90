/**
 * Commands of ovs-vsctl(8): each begins with `--`, options and a verb, and has as many words as its
 * grammar. A text is in the quotes of JSON, and of the type that its column has.
 */
import {
  isAddress,
  isBandwidth,
  isContainerId,
  isDnsName,
  isLinkName,
  isNetworkName,
  isNumber,
  isPlainPath,
  isUuid,
  must,
} from './types.ts';
import { fitsOne, type Shape } from './words.ts';

const isPortName = (text: string) => /^\w[\w.@+~-]*$/.test(text);

/** Every key of `external_ids` that we write, and what it says. */
const EXTERNAL_IDS: Readonly<Record<string, (text: string) => boolean>> = {
  'iface-id': isPortName,
  'lost-iface-id': isPortName,
  // Any text in its quotes: whoever may write a pod can write it.
  static_pod: () => true,
  // The API server's word; in its quotes any text is one.
  'iface-id-ver': () => true,
  vendor: (text) => text === 'kube-ovn',
  pod_name: isDnsName,
  pod_namespace: isDnsName,
  pod_netns: isPlainPath,
  ip: (text) => text.split(',').every((one) => isAddress(one)),
  'encap-ip': (text) => isAddress(text),
  container_id: isContainerId,
  if_name: isLinkName,
  provider: isDnsName,
  network: isNetworkName,
  bandwidth: isBandwidth,
  pod: (text) => text.split('/').length === 2 && text.split('/').every(isDnsName),
};

/** The text in JSON's quotes; undefined where they are missing or end before the word does. */
function unquoted(text: string): string | undefined {
  if (!/^"([ !#-[\]-\u{10ffff}]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"$/u.test(text)) return undefined;
  return JSON.parse(text);
}

function isExternalId(word: string): boolean {
  const [, key = '', value = ''] = /^external_ids:([a-z_-]+)=(.*)$/s.exec(word) ?? [];
  const text = unquoted(value);
  return text !== undefined && Object.hasOwn(EXTERNAL_IDS, key) && !!EXTERNAL_IDS[key]?.(text);
}

const isName = (word: string) =>
  word.startsWith('name=') && isLinkName(unquoted(word.slice('name='.length)) ?? '');

const numberOf = (column: string) => (word: string) =>
  word.startsWith(`${column}=`) && isNumber(word.slice(column.length + 1));

const policing = [numberOf('ingress_policing_rate'), numberOf('ingress_policing_burst')];
const shaping = [numberOf('other_config:max-rate'), numberOf('other_config:burst')];
const netem = [
  ...['latency', 'jitter', 'limit'].map((key) => numberOf(`other_config:${key}`)),
  (word: string) => /^other_config:loss=(\d{1,3}|\d{1,2}\.\d{1,6})$/.test(word),
];

/** Of a new row, which is named after the port where several may be changed in one transaction. */
const isQosId = (word: string) => /^@qos(_[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12})?$/.test(word);
const isQueueId = (word: string) => isQosId(word.replace(/^@queue/, '@qos'));
const isFirstQueue = (word: string) =>
  word.startsWith('queues:0=') && isQueueId(word.slice('queues:0='.length));
const isQos = (word: string) => word.startsWith('qos=') && isQosId(word.slice('qos='.length));

/** What may be set in a new row of each table; the words in any order. */
const COLUMNS: Readonly<Record<string, readonly ((word: string) => boolean)[]>> = {
  Interface: [isName, isExternalId, ...policing],
  Queue: [isExternalId, ...shaping],
  QoS: [isExternalId, (word) => /^type=linux-(htb|netem)$/.test(word), isFirstQueue, ...netem],
  Port: [isName, (word) => word === 'interfaces=@interface', isQos],
};

/** Commands that have so many words, options among them. */
const COMMANDS: readonly Shape[] = [
  ['--if-exists', 'remove', 'Interface', isUuid, 'external_ids', 'iface-id'],
  ['--if-exists', 'set', 'Interface', isUuid, isExternalId],
  ['add', 'Bridge', 'br-int', 'ports', '@port'],
  ['--if-exists', 'add', 'Mirror', isUuid, 'select_dst_port', '@port'],
  ['add', 'Mirror', isUuid, 'select_dst_port', isUuid],
  ['--if-exists', 'remove', 'Mirror', isUuid, 'select_dst_port', isUuid],
  ['set', 'Interface', isUuid, ...policing],
  ['set', 'Queue', isUuid, ...shaping],
  ['set', 'QoS', isUuid, isFirstQueue],
  ['set', 'Port', isUuid, isQos],
  ['set', 'Port', isUuid, (word) => /^protected=(true|false)$/.test(word)],
  ['clear', 'Port', isUuid, 'qos'],
  ['--if-exists', 'clear', 'Port', isUuid, 'qos'],
  ['--if-exists', 'destroy', 'QoS', isUuid],
  ['--if-exists', 'destroy', 'Queue', isUuid],
  ['--if-exists', 'remove', 'Bridge', 'br-int', 'ports', isUuid],
  ['--if-exists', 'get', 'Bridge', 'br-int', 'name'],
];

const isColumns = (word: string) => /^--columns=[a-z_,]+$/.test(word);
const TABLES = ['Interface', 'Port', 'Bridge', 'QoS', 'Queue', 'Mirror'];
const isTable = (word: string) => TABLES.includes(word);

/** Commands that read, of which some end in any number of names. */
const LISTS: readonly Shape[] = [
  [isColumns, 'list', isTable],
  ['--if-exists', isColumns, 'list', isTable],
  [isColumns, 'find', 'Port', 'qos!=[]'],
  [isColumns, 'find', 'Bridge', 'name=br-int'],
];

/**
 * @param words from the first `--` on
 * @throws Error for a command that is none of ours
 */
export function checkVsctlCommands(words: readonly string[]): void {
  const starts = words.flatMap((word, index) => (word === '--' ? [index] : []));
  must(words.length === 0 || starts[0] === 0, 'commands begin with --', words);
  starts.forEach((start, index) => {
    const command = words.slice(start + 1, starts[index + 1]);
    must(isCommand(command), 'a command of ovs-vsctl is one of ours', command);
  });
}

function isCommand(command: readonly string[]): boolean {
  return fitsOne(command, COMMANDS) || isCreate(command) || isList(command);
}

function isCreate([id = '', verb, table = '', ...columns]: readonly string[]): boolean {
  const known = Object.hasOwn(COLUMNS, table) ? (COLUMNS[table] ?? []) : [];
  return (
    isIdOf(table, id) &&
    verb === 'create' &&
    columns.length > 0 &&
    columns.every((word) => known.some((isColumn) => isColumn(word)))
  );
}

function isIdOf(table: string, option: string): boolean {
  const [isOption, id] = [option.startsWith('--id='), option.slice('--id='.length)];
  if (table === 'QoS') return isOption && isQosId(id);
  if (table === 'Queue') return isOption && isQueueId(id);
  return isOption && id === `@${table.toLowerCase()}`;
}

function isList(command: readonly string[]): boolean {
  return LISTS.some(
    (shape) =>
      fitsOne(command.slice(0, shape.length), [shape]) &&
      command.slice(shape.length).every(isLinkName),
  );
}
