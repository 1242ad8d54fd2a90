/**
 * What the daemon may answer on its socket: a body of the shape that both executables read, with
 * an error that a person can read.
 */
import { isIP } from 'node:net';
import { isAddress, isLinkName, isMac, isOneLine, isPrefix, must } from './types.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Longer ones are somebody's input and not ours. */
const ERROR_CHARS_MAX = 4096;
const FIELDS = ['ips', 'mac_address', 'routes', 'mtu', 'nicname', 'dns', 'error'];

type Fields = Readonly<Record<string, unknown>>;

/**
 * @returns `accepted`, or the error's code
 * @throws Error for an answer that an executable could not read
 */
export function checkAnswer({ status, contentType, body }: Answer): string {
  if (status === 204) {
    must(body === '', 'an answer without content has none', body);
    return 'accepted';
  }
  must(contentType.startsWith('application/json'), 'an answer is JSON', contentType);
  const { cni_error: error, ...said } = JSON.parse(body) as Fields;
  const { subnet_gateways: gateways, host_interface: hostInterface, ...answer } = said;
  must(
    Object.keys(answer).sort().join() === FIELDS.toSorted().join(),
    'all fields are there',
    body,
  );
  if (status === 200) {
    must(error === undefined && answer.error === '', 'a success has no error', body);
    checkSuccess(answer);
    checkOurs(gateways, hostInterface, answer);
    return 'accepted';
  }
  must(
    gateways === undefined && hostInterface === undefined,
    'a failure says nothing of a NIC',
    body,
  );
  must(answer.ips === null && answer.routes === null, 'a failure has no result', body);
  return checkFailure(answer, error as Fields, status);
}

function checkFailure(answer: Fields, error: Fields, status: number): string {
  const { code, msg, details, ...others } = error;
  must(Object.keys(others).length === 0, 'a CNI error has three fields', error);
  must(Number.isSafeInteger(code) && Number(code) > 0, 'an error has a positive code', error);
  must(typeof msg === 'string' && msg !== '', 'an error says what is wrong', error);
  must(typeof details === 'string', 'details are a text', error);
  must(isOneLine(msg) && isOneLine(details), 'an error is one line', error);
  must(msg.length + details.length <= ERROR_CHARS_MAX, 'an error is short', msg.length);
  must(answer.error === (details === '' ? msg : `${msg}; ${details}`), 'errors agree', answer);
  must(statusesOf(Number(code)).includes(status), 'the status fits the code', { status, code });
  return `error ${code}`;
}

/** 400 for what no retry mends; 404 for a call that there is not. */
function statusesOf(code: number): readonly number[] {
  return code === 11 ? [500, 404] : code === 50 || code === 51 || code >= 100 ? [500] : [400];
}

/** What Kube-OVN's daemon does not say. */
function checkOurs(gateways: unknown, hostInterface: unknown, { ips, nicname }: Fields): void {
  const families = (gateways as string[]).map((gateway) => isIP(gateway));
  const own = (ips as Fields[]).map(({ ip }) => isIP(String(ip)));
  must(
    families.every((family) => own.includes(family)),
    'gateways are of addresses',
    gateways,
  );
  must(new Set(families).size === families.length, 'one gateway of a family', gateways);
  must((nicname === '') === (hostInterface === undefined), 'a pair has two ends', hostInterface);
  if (hostInterface === undefined) return;
  const { name, mac, ...others } = hostInterface as Fields;
  must(Object.keys(others).length === 0, 'an end has no other field', others);
  must(isLinkName(String(name)), 'the end on the node has a name', name);
  must(mac === '' || isMac(String(mac)), 'a MAC is one', mac);
}

function checkSuccess({ ips, routes, mac_address: mac, mtu, nicname }: Fields): void {
  for (const { protocol, ip, cidr, gateway, ...others } of ips as Fields[]) {
    const family = isIP(String(ip));
    must(Object.keys(others).length === 0, 'an address has no other field', others);
    must(isAddress(String(ip)) && protocol === `IPv${family}`, 'an address is one', ip);
    must(isPrefix(String(cidr)), 'a CIDR is one', cidr);
    must(gateway === undefined || isIP(String(gateway)) === family, 'a gateway is one', gateway);
  }
  for (const { dst, gw } of routes as Fields[]) {
    must(isPrefix(String(dst)), 'a destination is a prefix', dst);
    must(gw === undefined || isAddress(String(gw)), 'a gateway is an address', gw);
  }
  if (nicname === '') {
    must(mac === '' && mtu === 0, 'a delegate gets no interface', { mac, mtu });
    return;
  }
  must(isLinkName(String(nicname)), 'an interface has a name', nicname);
  must(mac === '' || isMac(String(mac)), 'a MAC is one', mac);
  must(Number(mtu) >= 68 && Number(mtu) <= 65_535, 'an MTU is one', mtu);
}
