/**
 * The rules for a Subnet's addresses: CIDR, gateway, what is excluded. Pure.
 */
import type { Address, Cidr, Family } from '../../../../common/address.ts';
import { bits, cidrText, contains, parseAddress, parseCidr } from '../../../../common/address.ts';
import type { Fields } from '../../../../common/fields.ts';
import { type Problem, say } from '../../../model/problem.ts';
import { reservedNetworkIn } from '../../../model/reserved-networks.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import type { AddressRange } from '../../../ranges/address-range.ts';
import { addressOf, allOf, parseRange, usableOf } from '../../../ranges/address-range.ts';
import type { Protocol, Subnet, SubnetBlock, SubnetNetwork } from './subnet.ts';
import type { CidrChoice } from './subnet-cidr.ts';
import { withGateways } from './subnet-excludes.ts';

type Blocks = Pick<Subnet, 'blocks' | 'cidrBlock' | 'gateway' | 'protocol' | 'excludes'>;
type Report = (problem: Problem) => void;

/** The fields of a Subnet that are about addresses, and what they are checked against. */
export interface BlocksInput {
  readonly name: string;
  readonly fields: Fields;
  /** Of `cidr` and `cidrBlock`. */
  readonly cidr: CidrChoice;
  readonly network: SubnetNetwork;
  readonly settings: ClusterSettings;
  readonly report: Report;
}

const NO_BLOCKS: Blocks = { blocks: [], cidrBlock: '', gateway: '', protocol: 'Mac', excludes: [] };

/** Of a list with one part of each family no more is read: that is too many already. */
const PARTS_READ = 4;

/** Reports what is wrong; what it returns then is of no use. */
export function checkBlocks(input: BlocksInput): Blocks {
  const { name, fields, cidr, network, settings, report } = input;
  const { text, problem } = cidr;
  if (problem !== undefined) report(problem);
  if (text === '' && network.vlan !== '') return checkNoBlocks(name, fields, report);
  const cidrs = checkCidrs(name, text, report);
  const excludes = checkExcludes(fields.texts('excludeIps'), report);
  if (cidrs === undefined) return NO_BLOCKS;
  const { apiServer, defaultVpc } = settings;
  if (network.vpc === defaultVpc && apiServer && cidrs.some((cidr) => contains(cidr, apiServer))) {
    report({
      message: say`subnet ${name} cidr ${text} conflicts with k8s apiserver svc ip ${apiServer.text}`,
      advice: 'take a CIDR outside the range of Services',
    });
  }
  const gateways = checkGateways(fields.text('gateway'), cidrs, report);
  const blocks = cidrs.map((cidr) => blockOf(cidr, gateways));
  return {
    blocks,
    cidrBlock: cidrs.map(cidrText).join(','),
    gateway: blocks.map(({ gateway }) => gateway.text).join(','),
    protocol: protocolOf(cidrs),
    excludes: withGateways(excludes, blocks),
  };
}

function checkNoBlocks(name: string, fields: Fields, report: Report): Blocks {
  const forbidden = ['gateway', 'excludeIps', 'vips', 'u2oInterconnectionIP'] as const;
  const isSet = {
    gateway: fields.text('gateway') !== '',
    excludeIps: fields.texts('excludeIps').length > 0,
    vips: fields.texts('vips').length > 0,
    u2oInterconnectionIP: fields.text('u2oInterconnectionIP') !== '',
  };
  for (const field of forbidden.filter((field) => isSet[field])) {
    report({
      message: say`${field} must be empty for underlay subnet ${name} without cidrBlock`,
      advice: `set cidrBlock, or remove ${field}`,
    });
  }
  return NO_BLOCKS;
}

/** One CIDR, or one of each family; IPv4 first. Undefined where that cannot be told. */
function checkCidrs(name: string, text: string, report: Report): readonly Cidr[] | undefined {
  const cidrs = text.split(',', PARTS_READ).map(parseCidr);
  const [first, second, ...rest] = cidrs;
  if (first === undefined || cidrs.includes(undefined) || rest.length > 0) {
    return refuseFormat(text, report);
  }
  if (first.family === second?.family) return refuseFormat(text, report);
  const both = second === undefined ? [first] : [first, second];
  for (const cidr of both) checkCidr(name, cidr, report);
  return first.family === 'IPv6' ? both.reverse() : both;
}

function refuseFormat(text: string, report: Report): undefined {
  report({
    message: say`CIDRBlock: "${text}" format error`,
    advice: 'set cidrBlock to a CIDR like "10.16.0.0/16", or one of each family: "v4,v6"',
  });
}

function checkCidr(name: string, cidr: Cidr, report: Report): void {
  const text = cidrText(cidr);
  const advice = 'take a network whose addresses can be given to pods';
  if (cidr.network === '0.0.0.0') report({ message: `invalid zero cidr "${text}"`, advice });
  if (cidr.network === '255.255.255.255') {
    report({ message: `invalid broadcast cidr "${text}"`, advice });
  }
  const reserved = reservedNetworkIn(cidr);
  if (reserved !== undefined) report({ message: `${text} conflict with ${reserved}`, advice });
  if (cidr.prefixLength === bits(cidr.family)) {
    report({
      message: say`subnet ${name} cidr ${text} mask is invalid, due to invalid network mask ${cidr.prefixLength}`,
      advice: `make it /${bits(cidr.family) - 1} or wider`,
    });
  }
}

function checkGateways(
  text: string,
  cidrs: readonly Cidr[],
  report: Report,
): ReadonlyMap<Family, Address> {
  const gateways = new Map<Family, Address>();
  if (text === '') return gateways;
  for (const part of text.split(',', PARTS_READ)) {
    const gateway = parseAddress(part);
    const cidr = cidrs.find((candidate) => gateway && contains(candidate, gateway));
    if (gateway === undefined || cidr === undefined || gateways.has(gateway.family)) {
      report({
        message: say`gateway ${part} is not in cidr ${cidrs.map(cidrText).join(',')}`,
        advice: 'set gateway to an address of the CIDR, one of each family at most, or to nothing',
      });
      continue;
    }
    checkHost(gateway, cidr, report);
    gateways.set(gateway.family, gateway);
  }
  return gateways;
}

function checkHost(gateway: Address, cidr: Cidr, report: Report): void {
  const what = notAHost(gateway, cidr);
  if (what === undefined) return;
  report({
    message: `validate gateway ${gateway.text} for cidr ${cidrText(cidr)} failed: ${what}`,
    advice: 'take another address of the CIDR',
  });
}

/**
 * Why no NIC can have `address` though it is in `cidr`, or undefined. A network of two addresses
 * has neither number nor broadcast address (RFC 3021, RFC 6164), and IPv6 has no broadcast.
 */
function notAHost(address: Address, cidr: Cidr): string | undefined {
  const text = cidrText(cidr);
  if (bits(cidr.family) - cidr.prefixLength < 2) return undefined;
  if (address.text === cidr.network) {
    return `${address.text} is the network number ip in cidr ${text}`;
  }
  const isBroadcast =
    cidr.family === 'IPv4' && address.text === addressOf('IPv4', allOf(cidr).last).text;
  return isBroadcast ? `${address.text} is the broadcast ip in cidr ${text}` : undefined;
}

function blockOf(cidr: Cidr, gateways: ReadonlyMap<Family, Address>): SubnetBlock {
  const { family } = cidr;
  const gateway = gateways.get(family) ?? addressOf(family, usableOf(cidr).first);
  return { family, cidr, gateway };
}

function protocolOf(cidrs: readonly Cidr[]): Protocol {
  return cidrs.length === 2 ? 'Dual' : (cidrs[0]?.family ?? 'Mac');
}

function checkExcludes(texts: readonly string[], report: Report): readonly AddressRange[] {
  return texts.flatMap((text) => {
    const range = text.includes('/') ? undefined : parseRange(text);
    if (range !== undefined) return [range];
    const ends = text.split('..');
    const bad = ends.find((end) => parseAddress(end) === undefined);
    const message =
      bad === undefined || ends.length > 2
        ? say`${text} in excludeIps is not a valid ip range`
        : say`ip ${bad} in excludeIps is not a valid address`;
    report({ message, advice: 'write an address, or a range like "10.16.0.2..10.16.0.9"' });
    return [];
  });
}
