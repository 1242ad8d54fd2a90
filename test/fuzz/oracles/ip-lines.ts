/**
 * Lines of a batch of ip(8). Its reader (iproute2, lib/utils.c) ends a command at a line end and
 * at `#`, joins lines at a backslash, and knows both quotes: none of these may be there at all. A
 * name where a keyword could stand must be none: those of ours end in `_h`.
 */
import {
  isAddress,
  isLinkName,
  isMac,
  isNetworkName,
  isNumber,
  isPlainPath,
  isPrefix,
  must,
} from './types.ts';
import { fitsOne, type Shape } from './words.ts';

const isHostEnd = (text: string) => isLinkName(text) && text.endsWith('_h');
const isAlias = (text: string) => isLinkName(text) && text.endsWith('_c');
/** By `if7…` ip(8) means the link with index 7 where none has that name (lib/ll_map.c). */
const isDeleted = (text: string) => isLinkName(text) && !/^if\d/.test(text);
const isMtu = (text: string) => isNumber(text) && Number(text) >= 68 && Number(text) <= 65_535;

/** `kube-ovn/<container id>/<interface>/<provider>/<network>`, all of plain characters. */
const isMark = (text: string) => {
  const [prefix, ...fields] = text.split('/');
  const [containerId = '', ifName = '', ...names] = fields;
  return (
    prefix === 'kube-ovn' &&
    fields.length === 4 &&
    isNetworkName(containerId) &&
    isLinkName(ifName) &&
    names.every(isNetworkName) &&
    text.length <= 255
  );
};

/** An IPv4 network of more than two hosts. */
const hasBroadcast = (text: string) => isPrefix(text) && /^[\d.]+\/([12]?\d|30)$/.test(text);

const MAC: Shape = ['address', isMac];
const MTU: Shape = ['mtu', isMtu];
const NO_LINK_LOCAL: Shape = ['addrgenmode', 'none'];

/** Every way of leaving parts out. */
function options(...parts: readonly Shape[]): Shape[] {
  return parts.reduce<Shape[]>(
    (all, part) => all.flatMap((begun) => [begun, [...begun, ...part]]),
    [[]],
  );
}

const LINES: readonly Shape[] = [
  ...options(MTU).flatMap((mtu) =>
    options(MAC).map(
      (mac): Shape => [
        ...['link', 'add', isHostEnd, ...mtu, 'txqueuelen', '1000', 'type', 'veth'],
        ...['peer', 'name', isLinkName, 'netns', isPlainPath, ...mac, ...mtu],
      ],
    ),
  ),
  ...options(NO_LINK_LOCAL, ['alias', isMark]).map(
    (more): Shape => [...['link', 'set', isHostEnd, ...more, 'up']],
  ),
  ...options(NO_LINK_LOCAL).map(
    (more): Shape => [...['link', 'set', 'dev', isLinkName, ...more, 'alias', isAlias, 'up']],
  ),
  ...options(['nodad']).map(
    (more): Shape => [...['address', 'add', isPrefix, 'dev', isLinkName, ...more]],
  ),
  ['address', 'add', hasBroadcast, 'broadcast', '+', 'dev', isLinkName],
  ...options(['via', (word) => isAddress(word)]).map(
    (more): Shape => [...['route', 'replace', isPrefix, ...more, 'dev', isLinkName]],
  ),
  ['link', 'delete', 'dev', isDeleted],
  ['address', 'show'],
  ['route', 'show', 'table', 'all', 'exact', isPrefix],
];

/** Arguments of ip(8) itself. */
export const IP_ARGUMENTS: readonly Shape[] = [
  ['-batch', '-'],
  ['link', 'show', 'dev', 'lo'],
  ['-force', '-batch', '-'],
  ['-json', '-batch', '-'],
  ['-j', 'link', 'show'],
  ['-4', 'route', 'flush', 'exact', 'default', 'table', 'main'],
  ['-6', 'route', 'flush', 'exact', 'default', 'table', 'main'],
  ['-o', 'monitor', 'address'],
  ['-j', '-6', 'address', 'show', 'dev', isLinkName, 'scope', 'global'],
];

/** @throws Error for a line that is no command of ours */
export function checkIpLine(line: string): void {
  must(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(line), 'a line is plain words', line);
  must(!/["'\\#]/.test(line), 'a line has no character that ip(8) gives a meaning', line);
  must(fitsOne(line.split(' '), LINES), 'a line is one of our commands', line);
}

/** Standard input of `ip -batch -`. */
export function checkIpBatch(input: string): void {
  must(input.endsWith('\n'), 'a batch ends with its last line', input);
  for (const line of input.slice(0, -1).split('\n')) checkIpLine(line);
}
