/**
 * The rules for what a Subnet says besides its addresses and its network. Pure.
 */
import type { Address, Cidr } from '../../../../common/address.ts';
import { contains, parseAddress, parseCidr } from '../../../../common/address.ts';
import type { Fields } from '../../../../common/fields.ts';
import { IPV6_MTU_MIN, MTU_MAX, MTU_MIN } from '../../../../common/mtu.ts';
import { type Problem, say } from '../../../model/problem.ts';
import type { AclAction, SubnetAcl, SubnetBlock, SubnetOptions } from './subnet.ts';

type Report = (problem: Problem) => void;

/** The fields of a Subnet, and where problems are reported. */
export interface OptionsInput {
  readonly name: string;
  readonly fields: Fields;
  readonly blocks: readonly SubnetBlock[];
  readonly report: Report;
}

const PROTOCOLS = ['', 'IPv4', 'IPv6', 'Dual', 'Mac'];
const INT32_MAX = 2 ** 31 - 1;
const ACL_PRIORITY_MAX = 32767;
const ACL_ACTIONS: readonly AclAction[] = [
  ...(['allow', 'allow-related', 'allow-stateless', 'drop', 'pass', 'reject'] as const),
];

/** Reports what is wrong; what it returns then is of no use. */
export function checkOptions(input: OptionsInput): SubnetOptions {
  const { fields, report } = input;
  const protocol = fields.text('protocol');
  if (!PROTOCOLS.includes(protocol)) {
    report({
      message: say`${protocol} is not a valid protocol type`,
      advice: 'remove protocol: it follows from cidrBlock',
    });
  }
  const mtu = checkMtu(input);
  return {
    gatewayType: checkGatewayType(fields.text('gatewayType'), report),
    ...(mtu === 0 ? {} : { mtu }),
    isPrivate: fields.flag('private'),
    allowSubnets: checkAllowSubnets(input),
    allowEwTraffic: fields.flag('allowEWTraffic'),
    acls: fields.parts('acls').flatMap((acl, index) => checkAcl(acl, index, report)),
    natOutgoing: fields.flag('natOutgoing'),
    externalEgressGateway: checkEgressGateway(input),
    policyRoutingTableId: fields.integer('policyRoutingTableID', 0, INT32_MAX) ?? 0,
    vips: checkVips(input),
    u2oAddresses: checkU2oAddresses(input),
    enableDhcp: fields.flag('enableDHCP'),
    dhcpV4Options: fields.text('dhcpV4Options'),
    dhcpV6Options: fields.text('dhcpV6Options'),
  };
}

function checkGatewayType(type: string, report: Report): SubnetOptions['gatewayType'] {
  if (type === '' || type === 'distributed' || type === 'centralized') return type;
  report({
    message: say`${type} is not a valid gateway type`,
    advice: 'set gatewayType to "distributed" or "centralized"',
  });
  return '';
}

/** 0 means that it does not say. Any other is one with which the nodes can make an interface. */
function checkMtu({ name, fields, blocks, report }: OptionsInput): number {
  const mtu = fields.integer('mtu', 0, MTU_MAX) ?? 0;
  const hasV6 = blocks.some(({ family }) => family === 'IPv6');
  if (0 < mtu && mtu < IPV6_MTU_MIN && hasV6) {
    report({
      message: say`subnet ${name} mtu ${mtu} is below the IPv6 minimum ${IPV6_MTU_MIN}`,
      advice: `set mtu to ${IPV6_MTU_MIN} or more, or remove it`,
    });
  } else if (0 < mtu && mtu < MTU_MIN) {
    report({
      message: say`subnet ${name} mtu ${mtu} is below the minimum ${MTU_MIN}: no interface can have it`,
      advice: `set mtu to ${MTU_MIN} or more, or remove it`,
    });
  }
  return mtu;
}

function checkAllowSubnets({ fields, report }: OptionsInput): readonly Cidr[] {
  return fields.texts('allowSubnets').flatMap((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) {
      report({
        message: say`${text} in allowSubnets is not a valid address`,
        advice: 'write a CIDR',
      });
      return [];
    }
    return [cidr];
  });
}

function checkEgressGateway({ fields, blocks, report }: OptionsInput): readonly Address[] {
  const text = fields.text('externalEgressGateway');
  if (text === '') return [];
  if (fields.flag('natOutgoing')) {
    report({
      message: 'conflict configuration: natOutgoing and externalEgressGateway',
      advice: 'unset one of them',
    });
  }
  const parts = text.split(',');
  const advice = 'write one address, or one of each family that the CIDR has: "v4,v6"';
  if (parts.length > 2) {
    report({ message: 'invalid external egress gateway configuration', advice });
    return [];
  }
  const gateways = parts.flatMap((part) => {
    const gateway = parseAddress(part);
    if (gateway !== undefined) return [gateway];
    report({ message: say`IP ${part} in externalEgressGateway is not a valid address`, advice });
    return [];
  });
  const families = gateways.map(({ family }) => family);
  const isOfCidr = families.every((family) => blocks.some((block) => block.family === family));
  if (new Set(families).size !== families.length || (blocks.length > 0 && !isOfCidr)) {
    const what = 'address family is conflict with CIDR';
    report({ message: `invalid external egress gateway configuration: ${what}`, advice });
  }
  return gateways;
}

function checkVips({ name, fields, blocks, report }: OptionsInput): readonly Address[] {
  return fields.texts('vips').flatMap((text) => {
    const vip = parseAddress(text);
    if (vip === undefined || !isInAny(blocks, vip)) {
      // Without a CIDR there is a problem already, and it is another one.
      if (blocks.length > 0) {
        const cidr = fields.text('cidrBlock');
        report({
          message: say`vip ${text} conflicts with subnet ${name} cidr ${cidr}`,
          advice: 'take an address of the CIDR',
        });
      }
      return [];
    }
    return [vip];
  });
}

function checkU2oAddresses({ name, fields, blocks, report }: OptionsInput): readonly Address[] {
  const text = fields.text('u2oInterconnectionIP');
  if (text === '' || blocks.length === 0) return [];
  const parts = text.split(',').map((part) => parseAddress(part.trim()));
  const addresses = parts.flatMap((address) => address ?? []);
  const families = new Set(addresses.map(({ family }) => family));
  const advice = 'take an address of the CIDR that nothing else has, or none';
  const areThere = addresses.length === parts.length && families.size === parts.length;
  if (!(areThere && addresses.every((address) => isInAny(blocks, address)))) {
    const cidr = fields.text('cidrBlock');
    const message = say`u2oInterconnectionIP ${text} is not in subnet ${name} cidr ${cidr}`;
    report({ message, advice });
  }
  const gateways = blocks.map(({ gateway }) => gateway.text);
  if (addresses.some((address) => gateways.includes(address.text))) {
    const message = say`u2oInterconnectionIP ${text} conflicts with subnet gateway ${gateways.join(',')}`;
    report({ message, advice });
  }
  return addresses;
}

/** One that OVN does not take would keep all others out of its database, too. */
function checkAcl(fields: Fields, index: number, report: Report): readonly SubnetAcl[] {
  const direction = fields.text('direction');
  const action = ACL_ACTIONS.find((known) => known === fields.text('action'));
  const priority = fields.integer('priority', 0, ACL_PRIORITY_MAX) ?? 0;
  const match = fields.text('match');
  const isDirection = direction === 'from-lport' || direction === 'to-lport';
  if (isDirection && action !== undefined && match !== '') {
    return [{ direction, priority, match, action }];
  }
  report({
    message: say`acl ${index} is not valid`,
    advice: `set direction to from-lport or to-lport, action to one of ${ACL_ACTIONS.join(', ')}, and match`,
  });
  return [];
}

function isInAny(blocks: readonly SubnetBlock[], address: Address): boolean {
  return blocks.some(({ cidr }) => contains(cidr, address));
}
