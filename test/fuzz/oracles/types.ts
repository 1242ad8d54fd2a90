/**
 * What a value of each kind may look like, written from the grammars of the programs that read it
 * (RFC 1123, RFC 5952, linux/if.h, iproute2, ovs-vsctl(8), the CNI specification) and not from
 * the code that is checked. Pure.
 */
import { isIP } from 'node:net';

/** Throws where a rule is broken; `found` goes into the message. */
export function must(holds: boolean, rule: string, found: unknown): asserts holds {
  if (!holds) throw new Error(`${rule}: ${JSON.stringify(found)?.slice(0, 2000)}`);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const ALPHANUMERIC = `${LETTERS}${LETTERS.toUpperCase()}0123456789`;

/** Nothing but characters of `alphabet`, and something. */
function isOf(alphabet: string, text: string): boolean {
  return text !== '' && [...text].every((character) => alphabet.includes(character));
}

/** A name that the kernel takes and that is one plain word for ip(8), sysctl(8) and OVS. */
export function isLinkName(text: string): boolean {
  return (
    isOf(`${ALPHANUMERIC}_.@+~-`, text) &&
    Buffer.byteLength(text) <= 15 &&
    `${ALPHANUMERIC}_`.includes(text.charAt(0)) &&
    !['all', 'default'].includes(text)
  );
}

export function isContainerId(text: string): boolean {
  return (
    isOf(`${ALPHANUMERIC}_.-`, text) && ALPHANUMERIC.includes(text.charAt(0)) && text.length <= 256
  );
}

/** RFC 1123: labels of lower case letters, digits and inner hyphens. */
export function isDnsName(text: string): boolean {
  const isLabel = (label: string) =>
    isOf(`${LETTERS}0123456789-`, label) && !label.startsWith('-') && !label.endsWith('-');
  return text.length <= 253 && text.split('.').every(isLabel);
}

/** A name of the CNI specification's for a network, or none. */
export function isNetworkName(text: string): boolean {
  return text === '' || (isOf(`${ALPHANUMERIC}_.-`, text) && ALPHANUMERIC.includes(text.charAt(0)));
}

/** Absolute, of plain characters, and without a step up. */
export function isPlainPath(text: string): boolean {
  const [root, ...steps] = text.split('/');
  const isStep = (step: string) =>
    isOf(`${ALPHANUMERIC}_.:@+-`, step) && step !== '.' && step !== '..';
  return root === '' && text.length <= 4096 && steps.length > 0 && steps.every(isStep);
}

/** An address without zone and mask. */
export function isAddress(text: string, version?: 4 | 6): boolean {
  const found = text.includes('%') ? 0 : isIP(text);
  return version === undefined ? found !== 0 : found === version;
}

export function isPrefix(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  const bits = isAddress(address, 4) ? 32 : 128;
  return rest.length === 0 && isAddress(address) && isNumber(length) && Number(length) <= bits;
}

/** Digits, as many as a 64-bit integer may have, and none in front that says nothing. */
export function isNumber(text: string): boolean {
  return isOf('0123456789', text) && String(BigInt(text)) === text && text.length <= 18;
}

/**
 * A number of so many digits at most before and behind its point, in millionths; undefined for any
 * other text, and for more than `max`.
 */
export function millionthsOf(
  text: string,
  limits: { whole: number; fraction: number; max: number },
): number | undefined {
  const [whole = '', ...fractions] = text.split('.');
  const [fraction = ''] = fractions;
  const isDigits = (digits: string, most: number) =>
    isOf('0123456789', digits) && digits.length <= most;
  if (!isDigits(whole, limits.whole) || fractions.length > 1) return undefined;
  if (fractions.length === 1 && !isDigits(fraction, limits.fraction)) return undefined;
  const millionths = Number(whole) * 1_000_000 + Number(fraction.padEnd(6, '0'));
  return millionths <= limits.max * 1_000_000 ? millionths : undefined;
}

/** `ingress=<rate>/<burst>,egress=<rate>`: either of them, and the bursts may be missing. */
export function isBandwidth(text: string): boolean {
  const isLimit = (limit: string) => {
    const [, ...numbers] = limit.split(/[=/]/);
    return numbers.length > 0 && numbers.length <= 2 && numbers.every(isNumber);
  };
  const names = text.split(',').map((limit) => limit.split('=')[0]);
  return (
    ['ingress', 'egress', 'ingress,egress'].includes(names.join()) && text.split(',').every(isLimit)
  );
}

/** A unicast MAC address in lower case. */
export function isMac(text: string): boolean {
  const bytes = text.split(':');
  const isByte = (byte: string) => byte.length === 2 && isOf('0123456789abcdef', byte);
  const isUnicast = (Number.parseInt(bytes[0] ?? '', 16) & 1) === 0;
  return bytes.length === 6 && bytes.every(isByte) && isUnicast && text !== '00:00:00:00:00:00';
}

export function isUuid(text: string): boolean {
  const fields = text.split('-');
  return (
    fields.map(({ length }) => length).join() === '8,4,4,4,12' &&
    fields.every((field) => isOf('0123456789abcdef', field))
  );
}

/** No control character, no line end, no character that turns the line around, no half of one. */
export function isOneLine(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);
}
