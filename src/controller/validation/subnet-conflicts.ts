/**
 * What is wrong with a Subnet beside other objects: Subnets with the same addresses, its VPC, its
 * Vlan, the nodes. Pure.
 */
import { cidrText, contains } from '../../common/address.ts';
import type { Node } from '../kinds/node/object/node.ts';
import type { Subnet, SubnetClaims, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import type { VlanObject } from '../kinds/vlan/object/vlan.ts';
import type { VpcObject } from '../kinds/vpc/object/vpc.ts';
import { isEarlier } from '../model/meta.ts';
import { checkedValue, type Problem, say } from '../model/problem.ts';
import { overlap } from '../model/reserved-networks.ts';

/**
 * The Subnets of one VPC and VLAN share no address; equal CIDRs in different VPCs are fine. Of
 * networks that OVN does not make, those with one provider are one network.
 *
 * Of two that want an address, the Subnet that came first has it, so that it goes on as it did; also
 * while it is being deleted or something is wrong with it, since pods have its addresses.
 */
export function subnetConflicts(
  object: SubnetObject,
  others: Iterable<SubnetObject>,
): readonly Problem[] {
  const subnet = checkedValue(object.checked);
  if (subnet === undefined) return [];
  const problems: Problem[] = [];
  for (const rival of others) {
    if (rival.meta.name === subnet.name || !isOneNetwork(subnet, rival.claims)) continue;
    if (isEarlier(rival, object)) problems.push(...conflictsOf(subnet, rival));
  }
  return problems;
}

function isOneNetwork(one: Subnet, other: SubnetClaims): boolean {
  if (one.isOvn !== other.isOvn || one.vlan !== other.vlan || one.vpc !== other.vpc) return false;
  return one.isOvn || one.provider === other.provider;
}

function conflictsOf(subnet: Subnet, { meta, claims, checked }: SubnetObject): readonly Problem[] {
  const problems: Problem[] = [];
  if (subnet.blocks.some(({ cidr }) => claims.cidrs.some((other) => overlap(cidr, other)))) {
    const cidrBlock = claims.cidrs.map(cidrText).join(',');
    problems.push({
      message: `subnet ${subnet.name} cidr ${subnet.cidrBlock} is conflict with subnet ${meta.name} cidr ${cidrBlock}`,
      advice: 'take another CIDR, or another VPC',
    });
  }
  const rival = checkedValue(checked);
  if (rival === undefined) return problems;
  const tables = [subnet, rival].map(({ policyRoutingTableId }) => policyRoutingTableId);
  const bothHaveEgress = [subnet, rival].every((one) => one.externalEgressGateway.length > 0);
  if (bothHaveEgress && tables[0] === tables[1]) {
    problems.push({
      message: `subnet ${subnet.name} policy routing table ID ${tables[0]} is conflict with subnet ${rival.name} policy routing table ID ${tables[1]}`,
      advice: 'give each Subnet with an externalEgressGateway its own policyRoutingTableID',
    });
  }
  return problems;
}

/** No node's address may be in an overlay Subnet of the default VPC: it could not be reached. */
export function nodeConflicts(
  subnet: Subnet,
  nodes: Iterable<Node>,
  defaultVpc: string,
): readonly Problem[] {
  if (!subnet.isOvn || subnet.vlan !== '' || subnet.vpc !== defaultVpc) return [];
  return [...nodes].flatMap((node) =>
    node.internalAddresses
      .filter((address) => subnet.blocks.some(({ cidr }) => contains(cidr, address)))
      .map((address) => ({
        message: say`subnet ${subnet.name} cidr ${subnet.blocks.map(({ cidr }) => cidrText(cidr)).join(',')} conflict with node ${node.name} address ${address.text}`,
        advice: "take a CIDR outside the nodes' network",
      })),
  );
}

/** What is wrong between a Subnet that OVN makes and the VPCs. */
export function vpcProblems(
  subnet: Subnet,
  vpcs: Iterable<VpcObject>,
  defaultVpc: string,
): readonly Problem[] {
  if (!subnet.isOvn) return [];
  const all = [...vpcs];
  const own = all.find(({ meta }) => meta.name === subnet.vpc);
  if (own === undefined) {
    return [{ message: `vpc '${subnet.vpc}' not found`, advice: 'create it, or set another vpc' }];
  }
  return subnet.vpc === defaultVpc
    ? namespacesOfOthers(subnet, all)
    : namespacesOutside(subnet, own);
}

/** What is wrong as long as the Vpc's router is not there, or undefined. */
export function standbyProblem(subnet: Subnet, vpc: VpcObject | undefined): Problem | undefined {
  if (!subnet.isOvn || vpc === undefined || vpc.status.standby) return undefined;
  const advice = 'its router is being made; if that takes long, look at the Vpc and its events';
  return { message: `the vpc '${subnet.vpc}' not standby yet`, advice };
}

function namespacesOutside(subnet: Subnet, own: VpcObject): readonly Problem[] {
  const allowed = checkedValue(own.checked)?.namespaces ?? [];
  return subnet.namespaces
    .filter((namespace) => !allowed.includes(namespace))
    .map((namespace) => ({
      message: say`namespace '${namespace}' is out of range to custom vpc '${subnet.vpc}'`,
      advice: "add the namespace to the Vpc's spec.namespaces, or remove it from the Subnet's",
    }));
}

function namespacesOfOthers(subnet: Subnet, vpcs: readonly VpcObject[]): readonly Problem[] {
  return vpcs
    .filter(({ meta }) => meta.name !== subnet.vpc)
    .filter(({ checked }) => {
      const taken = checkedValue(checked)?.namespaces ?? [];
      return subnet.namespaces.some((namespace) => taken.includes(namespace));
    })
    .map(({ meta }) => ({
      message: say`namespaces [${subnet.namespaces.join(' ')}] are overlap with vpc '${meta.name}'`,
      advice: 'remove what the other Vpc has, or set vpc to it',
    }));
}

/** What is wrong with a Subnet's Vlan, or undefined. */
export function vlanProblem(subnet: Subnet, vlan: VlanObject | undefined): Problem | undefined {
  const reason = 'ValidateSubnetVlanFailed';
  if (subnet.vlan === '') return undefined;
  if (vlan === undefined) {
    return {
      message: `failed to get vlan ${subnet.vlan}: not found`,
      advice: 'create the Vlan, or set another vlan',
      reason,
    };
  }
  if (vlan.status.conflict) {
    return {
      message: `subnet ${subnet.name} has invalid conflict vlan ${subnet.vlan}`,
      advice: 'give the Vlan an id that no other Vlan of its provider network has',
      reason,
    };
  }
  return undefined;
}
