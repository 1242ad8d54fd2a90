/**
 * What the executable may print: a result, an error or nothing, as the CNI specification has them
 * for each of its versions (sections 2 and 5), with no field more.
 */
import { isIP } from 'node:net';
import { isAddress, isLinkName, isOneLine, isPrefix, must } from './types.ts';

export interface CniOutput {
  readonly exitCode: number | null;
  readonly stdout: string;
}

const VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
/** A runtime keeps it in an event of the pod. */
const ERROR_CHARS_MAX = 16_384;
/** For what no rule foresaw: a user's mistake must never end there. */
const INTERNAL_CODE = 999;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param command of the call, CNI_COMMAND
 * @returns `accepted`, or the error's code
 * @throws Error for anything that a runtime could not read
 */
export function checkCniOutput({ exitCode, stdout }: CniOutput, command: unknown): string {
  must(exitCode === 0 || exitCode === 1, 'the exit code is 0 or 1', exitCode);
  if (exitCode === 1) return checkError(fieldsOf(parse(stdout)));
  if (command === 'VERSION') checkVersions(fieldsOf(parse(stdout)));
  else if (command === 'ADD') checkResult(fieldsOf(parse(stdout)));
  else must(stdout === '', 'a success without a result prints nothing', stdout);
  return 'accepted';
}

function parse(stdout: string): unknown {
  must(stdout.isWellFormed() && !/[\r\n]/.test(stdout), 'output is one line', stdout);
  return JSON.parse(stdout);
}

function checkError(error: Fields): string {
  refuseOthers(error, ['cniVersion', 'code', 'msg', 'details']);
  const { cniVersion, code, msg, details } = error;
  must(VERSIONS.includes(String(cniVersion)), 'an error has a known version', cniVersion);
  must(Number.isSafeInteger(code) && Number(code) > 0, 'an error has a positive code', code);
  must(typeof msg === 'string' && msg !== '', 'an error says what is wrong', msg);
  must(typeof details === 'string', 'details are a text', details);
  must(msg.length + details.length < ERROR_CHARS_MAX, 'an error is short', msg.length);
  must(code !== INTERNAL_CODE, 'an error is foreseen', error);
  return `error ${code}`;
}

function checkVersions(fields: Fields): void {
  refuseOthers(fields, ['cniVersion', 'supportedVersions']);
  must(String(fields.supportedVersions) === String(VERSIONS), 'versions are listed', fields);
}

function checkResult(result: Fields): void {
  const version = String(result.cniVersion);
  must(VERSIONS.includes(version), 'a result has a known version', version);
  if (result.dns !== undefined) checkDns(result.dns);
  if (version === '0.1.0' || version === '0.2.0') checkOldest(result);
  else checkNewer(result, version);
}

function checkOldest(result: Fields): void {
  refuseOthers(result, ['cniVersion', 'ip4', 'ip6', 'dns']);
  for (const [key, family] of [['ip4', 4] as const, ['ip6', 6] as const]) {
    if (result[key] === undefined) continue;
    const entry = fieldsOf(result[key]);
    refuseOthers(entry, ['ip', 'gateway', 'routes']);
    checkAddress(entry.ip, entry.gateway, family);
    for (const route of listOf(entry.routes)) checkRoute(fieldsOf(route), family);
  }
}

function checkNewer(result: Fields, version: string): void {
  refuseOthers(result, ['cniVersion', 'interfaces', 'ips', 'routes', 'dns']);
  const interfaces = result.interfaces === undefined ? [] : listOf(result.interfaces);
  // The pod's interface, and the other end of its veth pair.
  must(interfaces.length <= 2, 'there are two ends at most', interfaces);
  for (const [end, one] of interfaces.map(fieldsOf).entries()) checkInterface(one, version, end);
  const index = interfaces.length > 0 ? 0 : undefined;
  for (const one of listOf(result.ips).map(fieldsOf)) checkEntry(one, version, index);
  for (const route of listOf(result.routes)) checkRoute(fieldsOf(route));
}

function checkInterface(
  { name, mac, sandbox, mtu, ...others }: Fields,
  version: string,
  end: number,
): void {
  refuseOthers(others, []);
  must(isLinkName(String(name)), 'an interface has a name', name);
  must(mac === undefined || /^[\da-f:]{17,}$/i.test(String(mac)), 'a MAC is one', mac);
  const isInPod = typeof sandbox === 'string' && sandbox !== '';
  must(end === 0 ? isInPod : sandbox === undefined, 'the first end is in a sandbox', sandbox);
  must(mtu === undefined || version === '1.1.0', 'an MTU is said since 1.1.0', mtu);
  must(mtu === undefined || Number(mtu) > 0, 'an MTU is a number of bytes', mtu);
}

function checkEntry(entry: Fields, version: string, index: number | undefined): void {
  const { address, gateway, interface: own, version: said, ...others } = entry;
  refuseOthers(others, []);
  const family = isIP(String(address).split('/')[0] ?? '');
  const wanted = version.startsWith('0.') ? String(family) : undefined;
  must(said === wanted, 'an address says its family until 0.4.0', entry);
  must(own === index, 'an index is right', entry);
  checkAddress(address, gateway, family);
}

function checkAddress(address: unknown, gateway: unknown, family: number): void {
  must(isPrefix(String(address)), 'an address has its prefix length', address);
  must(
    isIP(String(address).split('/')[0] ?? '') === family,
    'an address is of its family',
    address,
  );
  if (gateway !== undefined) must(isOf(gateway, family), 'a gateway is of its family', gateway);
}

function checkRoute({ dst, gw, ...others }: Fields, family?: number): void {
  refuseOthers(others, []);
  must(isPrefix(String(dst)), 'a destination is a prefix', dst);
  const own = isIP(String(dst).split('/')[0] ?? '');
  must(family === undefined || own === family, 'a destination is of its family', dst);
  must(gw === undefined || isAddress(String(gw)), 'a gateway is an address', gw);
}

function checkDns(dns: unknown): void {
  const { domain, ...lists } = fieldsOf(dns);
  must(Object.keys(fieldsOf(dns)).length > 0, 'DNS that says nothing is left out', dns);
  refuseOthers(lists, ['nameservers', 'search', 'options']);
  must(domain === undefined || typeof domain === 'string', 'a domain is a text', domain);
  for (const list of Object.values(lists)) {
    must(
      listOf(list).every((entry) => typeof entry === 'string'),
      'DNS lists hold texts',
      list,
    );
  }
}

function isOf(address: unknown, family: number): boolean {
  return isIP(String(address)) === family && isOneLine(String(address));
}

function refuseOthers(fields: Fields, known: readonly string[]): void {
  const others = Object.keys(fields).filter((key) => !known.includes(key));
  must(others.length === 0, 'there is no other field', others);
}

function fieldsOf(value: unknown): Fields {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object', value);
  return value as Fields;
}

function listOf(value: unknown): unknown[] {
  must(Array.isArray(value), 'an array', value);
  return value;
}
