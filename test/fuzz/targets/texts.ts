/**
 * Every reader of a single text against an independent one: a text is taken exactly where the
 * grammar has it, and what is made of it means the same.
 */
import * as fc from 'fast-check';
import {
  cidrText,
  contains,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../../src/common/address.ts';
import { isDnsName } from '../../../src/common/names.ts';
import { CniError } from '../../../src/daemon/call/error.ts';
import { isNetworkName } from '../../../src/daemon/model/attachment.ts';
import { formatBandwidth, parseBandwidth } from '../../../src/daemon/model/bandwidth.ts';
import { type AskedLimits, readLimits } from '../../../src/daemon/model/limits.ts';
import { linkMark, readLinkMark } from '../../../src/daemon/model/link-mark.ts';
import { parseRoutes, toWireRoute } from '../../../src/daemon/model/route.ts';
import { familyOf, parseCidr as parseCidrOfPlugin } from '../../../src/plugin/cidr.ts';
import { isContainerId, isInterfaceName } from '../../../src/wire/cni.ts';
import { checkCniError } from '../oracles/cni-error.ts';
import * as oracle from '../oracles/types.ts';
import { must } from '../oracles/types.ts';
import { pureTarget } from '../target.ts';
import {
  address,
  almost,
  cidr,
  containerId,
  hostileText,
  interfaceName,
  mac,
  podName,
} from '../values/texts.ts';

const mark = fc
  .tuple(almost(containerId), almost(interfaceName), almost(podName), almost(podName))
  .map((fields) => ['kube-ovn', ...fields].join('/'));

const cases = fc.oneof(
  almost(address),
  almost(cidr),
  almost(mac),
  almost(interfaceName),
  almost(containerId),
  almost(podName),
  almost(mark),
  almost(fc.nat().map(String)),
  almost(fc.tuple(fc.nat(101), fc.nat(9_999_999)).map((numbers) => numbers.join('.'))),
  almost(fc.tuple(fc.nat(), fc.nat()).map(([rate, burst]) => `ingress=${rate}/${burst},egress=5`)),
  hostileText,
);

export const texts = pureTarget('texts', 17_000, cases, (one) => {
  const taken = Object.entries(READERS).flatMap(([name, read]) => (read(one) ? [name] : []));
  return taken.join('+') || 'nothing';
});

/** Each returns whether the text was taken; throws where it should not have been, or was not. */
const READERS: Readonly<Record<string, (text: string) => boolean>> = {
  address: (one) => {
    const found = parseAddress(one);
    must((found !== undefined) === oracle.isAddress(one), 'an address is taken', one);
    must(familyOf(one) === (found ? Number(found.family.slice(-1)) : 0), 'both agree', one);
    if (found !== undefined) must(hostOf(found.text) === hostOf(one), 'it means the same', one);
    return found !== undefined;
  },
  cidr: (one) => {
    const found = parseCidr(one);
    const other = parseCidrOfPlugin(one);
    must((found !== undefined) === oracle.isPrefix(one), 'a prefix is taken', one);
    must(other?.network === (found && cidrText(found)), 'both agree', [found, other]);
    const inside = parseAddress(one.split('/')[0] ?? '');
    if (found && inside) must(contains(found, inside), 'a prefix has its own address', one);
    return found !== undefined;
  },
  mac: (one) => {
    const found = parseMac(one);
    must(found === (oracle.isMac(one.toLowerCase()) ? one.toLowerCase() : undefined), 'a MAC', one);
    return found !== undefined;
  },
  interface: (one) => same(isInterfaceName(one), oracle.isLinkName(one), one),
  container: (one) => same(isContainerId(one), oracle.isContainerId(one), one),
  name: (one) => same(isDnsName(one), oracle.isDnsName(one), one),
  network: (one) =>
    same(isNetworkName(one), one !== '' && one.length <= 253 && oracle.isNetworkName(one), one),
  rate: (one) => {
    const found = limitsWith('ingress_rate', one).ingress;
    const wanted = oracle.millionthsOf(one, { whole: 10, fraction: 0, max: 10_000_000 });
    return sameNumber(found, found.value?.bitsPerSecond, wanted, one);
  },
  latency: (one) => {
    const found = limitsWith('latency', one).netem;
    const wanted = oracle.millionthsOf(one, { whole: 10, fraction: 0, max: 274_877 });
    return sameNumber(found, found.value && found.value.latencyMs * 1_000_000, wanted, one);
  },
  loss: (one) => {
    const found = limitsWith('loss', one).netem;
    const wanted = oracle.millionthsOf(one, { whole: 3, fraction: 6, max: 100 });
    const percent = found.value?.lossPercent;
    return sameNumber(found, percent && Math.round(percent * 1_000_000), wanted, one);
  },
  bandwidth: (one) => {
    const found = parseBandwidth(one);
    if (found === undefined) return false;
    must(formatBandwidth(found) === one, 'a bandwidth says all', [one, found]);
    must(oracle.isBandwidth(one), 'a bandwidth is one', one);
    return true;
  },
  route: (one) => {
    const [route] = orRefused(() => parseRoutes([{ dst: one }], 'routes')) ?? [];
    if (route !== undefined) must(oracle.isPrefix(toWireRoute(route).dst ?? ''), 'a route', one);
    return route !== undefined;
  },
  gateway: (one) => {
    const [route] = orRefused(() => parseRoutes([{ gw: one }], 'routes')) ?? [];
    if (route !== undefined) must(oracle.isAddress(route.gateway?.text ?? ''), 'a gateway', one);
    return route !== undefined;
  },
  mark: (one) => {
    const found = readLinkMark(one);
    if (found === undefined) return false;
    must(oracle.isContainerId(found.containerId), 'a mark has a container id', found);
    must(oracle.isLinkName(found.ifName), 'a mark has an interface name', found);
    must(linkMark(found) === (one.length <= 255 ? one : ''), 'a mark says all', one);
    return true;
  },
};

function same(found: boolean, wanted: boolean, one: string): boolean {
  must(found === wanted, wanted ? 'a right text is taken' : 'a wrong text is refused', one);
  return found;
}

/** The limits of a NIC with one annotation. */
function limitsWith(name: string, text: string): AskedLimits {
  const nic = { provider: 'ovn', ifName: 'eth0' };
  return readLimits({ [`ovn.kubernetes.io/${name}`]: text }, nic);
}

/** 0 is no limit, and nothing is nothing; whatever else is not wanted is refused. */
function sameNumber(
  { wrong }: AskedLimits['ingress' | 'netem'],
  found: number | undefined,
  wanted: number | undefined,
  one: string,
): boolean {
  if (wrong !== undefined) checkCniError(wrong, [7]);
  must((wrong === undefined) === (wanted !== undefined || one === ''), 'a number is taken', one);
  must((found ?? 0) === (wanted ?? 0), 'it means the same', [one, found]);
  return wanted !== undefined;
}

/** Undefined for a refusal with code 7. */
function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    checkCniError(error, [7]);
    return undefined;
  }
}

/** How the URL standard writes an address. */
function hostOf(one: string): string {
  return new URL(`http://${one.includes(':') ? `[${one}]` : one}`).hostname;
}
