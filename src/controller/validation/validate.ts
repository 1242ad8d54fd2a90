/**
 * Which Subnets and IPPools can be used, with all objects beside each other: an object that is
 * right by itself may want what another one has. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { IpObject } from '../kinds/ip/object/ip.ts';
import { type IpPoolObject, ipPoolConflict } from '../kinds/ippool/object/ippool.ts';
import type { Node } from '../kinds/node/object/node.ts';
import type { SubnetClaims, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import type { VlanObject } from '../kinds/vlan/object/vlan.ts';
import { type VpcObject, vpcNameConflict } from '../kinds/vpc/object/vpc.ts';
import { withLack } from '../model/lack.ts';
import {
  type Checked,
  checked,
  checkedValue,
  type Problem,
  type Problems,
} from '../model/problem.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { nodeConflicts, subnetConflicts, vlanProblem, vpcProblems } from './subnet-conflicts.ts';
import { homeVpc, hostsOutside, inUseProblems } from './subnet-in-use.ts';
import { type RelatedObjects, ValidationMemo } from './validation-memo.ts';

/** What Subnets and IPPools are validated against, besides each other. */
export interface ClusterState {
  readonly settings: ClusterSettings;
  readonly vpcs: readonly VpcObject[];
  readonly nodes: readonly Node[];
  vlan(name: string): VlanObject | undefined;
  /** Why no objects of a kind are known, where that is no matter of course. */
  lackOf?(kind: 'vlans' | 'vpcs'): Problem | undefined;
  /** The IP objects of a Subnet; none where they do not matter. */
  ipsOf?(subnet: string): Iterable<IpObject>;
}

/**
 * Each Subnet with everything that is wrong with it, by name.
 * @param before the same from before: a Subnet whose CIDR cannot be read any more has still got it
 * @param memo of the calls before this one
 */
export function validateSubnets(
  objects: readonly SubnetObject[],
  clusterState: ClusterState,
  before: ReadonlyMap<string, SubnetObject> = new Map(),
  memo = new ValidationMemo(),
): Map<string, SubnetObject> {
  memo.begin(clusterState);
  const all = objects.map((object) => {
    const compared = memo.comparedOf(object);
    if (compared !== undefined) return compared;
    const known = before.get(object.meta.name);
    const earlier = known?.meta.uid === object.meta.uid ? known : undefined;
    return heldBack(withClaims(object, earlier), earlier, clusterState);
  });
  const { nodes, settings } = clusterState;
  const rivals = memo.rivals.update(all, nodes, settings.defaultVpc);
  const validated = new Map<string, SubnetObject>();
  for (const [index, written] of objects.entries()) {
    const object = all[index] ?? written;
    const subnet = checkedValue(object.checked);
    const related = {
      rivals: rivals.subnetsOf(object),
      nodes: rivals.nodesOf(object),
      vlan: subnet === undefined || subnet.vlan === '' ? undefined : clusterState.vlan(subnet.vlan),
    };
    const validate = () => ({
      ...object,
      checked: withProblems(object.checked, problemsOf(object, related, clusterState)),
    });
    validated.set(object.meta.name, memo.validatedOf(written, object, related, validate));
  }
  memo.end(validated);
  return validated;
}

function withClaims(object: SubnetObject, before: SubnetObject | undefined): SubnetObject {
  const { claims, checked: result } = object;
  const isKnown = 'value' in result || claims.cidrs.length > 0 || before === undefined;
  return isKnown ? object : { ...object, claims: { ...claims, cidrs: before.claims.cidrs } };
}

/**
 * A Subnet whose addresses are in use is not valid where it says what would cut off who has them
 * (subnet-in-use.ts), and has what it had before. Its IP objects are gone through only where it says
 * something else than when it was last found right.
 */
function heldBack(
  object: SubnetObject,
  before: SubnetObject | undefined,
  { vpcs, ipsOf }: ClusterState,
): SubnetObject {
  if (ipsOf === undefined || object.meta.deleting) return object;
  if (before !== undefined && saysTheSame(object, before)) return object;
  const { name } = object.meta;
  const home = homeVpc(object, vpcs);
  const [first, ...rest] = inUseProblems(object, ipsOf(name), home);
  if (first === undefined) return object;
  const said = checkedValue(object.checked);
  const problems: Problems =
    'problems' in object.checked ? [...object.checked.problems, first, ...rest] : [first, ...rest];
  return {
    ...object,
    claims: before?.claims ?? claimsFound(object, home, ipsOf(name)),
    checked: { problems },
    isHeldBack: true,
    ...(said === undefined ? {} : { said }),
  };
}

/** What a Subnet has that was changed while no controller of ours ran. */
function claimsFound(
  object: SubnetObject,
  home: string | undefined,
  ips: Iterable<IpObject>,
): SubnetClaims {
  const { claims } = object;
  const cidrs = [...claims.cidrs, ...hostsOutside(object, ips)];
  if (home === undefined) return { ...claims, cidrs };
  const hasRouterPort = claims.hasRouterPort || !claims.isOvn;
  return { ...claims, cidrs, isOvn: true, vpc: home, hasRouterPort };
}

/** Of a Subnet that was found right: true where nobody can be cut off that was not before. */
function saysTheSame(object: SubnetObject, before: SubnetObject): boolean {
  if (before.isHeldBack || !isDeepStrictEqual(object.claims, before.claims)) return false;
  const [now, then] = [object, before].map((each) => checkedValue(each.checked)?.gateway);
  return now === undefined || now === then;
}

function problemsOf(
  object: SubnetObject,
  { rivals, nodes, vlan }: RelatedObjects,
  { settings, vpcs, lackOf }: ClusterState,
): readonly Problem[] {
  const subnet = checkedValue(object.checked);
  if (subnet === undefined) return [];
  const vlanWrong = vlanProblem(subnet, vlan);
  return [
    ...subnetConflicts(object, rivals),
    ...nodeConflicts(subnet, nodes, settings.defaultVpc),
    ...vpcProblems(subnet, vpcs, settings.defaultVpc).map((each) =>
      withLack(each, lackOf?.('vpcs')),
    ),
    ...(vlanWrong === undefined ? [] : [withLack(vlanWrong, lackOf?.('vlans'))]),
  ];
}

/** Each IPPool with everything that is wrong with it, by name. */
export function validatePools(
  objects: readonly IpPoolObject[],
  subnets: ReadonlyMap<string, SubnetObject>,
): Map<string, IpPoolObject> {
  const subnetOf = ({ checked }: IpPoolObject) => checkedValue(checked)?.subnet;
  const bySubnet = Map.groupBy(objects, subnetOf);
  const validated = objects.map((object) => {
    const others = bySubnet.get(subnetOf(object)) ?? [];
    const problems = poolProblems(object, others, subnets);
    return { ...object, checked: withProblems(object.checked, problems) };
  });
  return new Map(validated.map((object) => [object.meta.name, object]));
}

function poolProblems(
  object: IpPoolObject,
  others: readonly IpPoolObject[],
  subnets: ReadonlyMap<string, SubnetObject>,
): readonly Problem[] {
  const pool = checkedValue(object.checked);
  if (pool === undefined) return [];
  const conflict = ipPoolConflict(object, others);
  if (conflict !== undefined) return [conflict];
  if (subnets.has(pool.subnet)) return [];
  const message = `subnet ${pool.subnet} of ippool ${pool.name} does not exist`;
  return [{ message, advice: 'create the Subnet, or remove the IPPool' }];
}

/** Each Vpc with everything that is wrong with it. */
export function validateVpc(vpc: VpcObject, subnets: ReadonlySet<string>): VpcObject {
  const conflict = vpcNameConflict(vpc.meta.name, subnets);
  return conflict === undefined ? vpc : { ...vpc, checked: withProblems(vpc.checked, [conflict]) };
}

/** True where the two say the same of what NICs can have, and how they are called. */
export function hasSameResult(
  one: SubnetObject | IpPoolObject | undefined,
  other: SubnetObject | IpPoolObject | undefined,
): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  if ('provider' in one && 'provider' in other && one.provider !== other.provider) return false;
  return (
    one.meta.uid === other.meta.uid &&
    one.meta.deleting === other.meta.deleting &&
    isDeepStrictEqual(one.checked, other.checked)
  );
}

function withProblems<T>(result: Checked<T>, more: readonly Problem[]): Checked<T> {
  return 'value' in result ? checked(result.value, more) : result;
}
