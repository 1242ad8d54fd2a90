/**
 * Which Subnets and IPPools can be used, with all objects beside each other: an object that is
 * right by itself may want what another one has. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { type IpPoolObject, ipPoolConflict } from './objects/ippool.ts';
import type { Node } from './objects/node.ts';
import { type Checked, checked, checkedValue, type Problem } from './objects/problem.ts';
import type { ClusterSettings } from './objects/settings.ts';
import type { SubnetObject } from './objects/subnet.ts';
import {
  nodeConflicts,
  subnetConflicts,
  vlanProblem,
  vpcProblems,
} from './objects/subnet-conflicts.ts';
import type { VlanObject } from './objects/vlan.ts';
import { type VpcObject, vpcNameConflict } from './objects/vpc.ts';

export interface Surroundings {
  readonly settings: ClusterSettings;
  readonly vpcs: readonly VpcObject[];
  readonly nodes: readonly Node[];
  vlan(name: string): VlanObject | undefined;
}

/**
 * Each Subnet with everything that is wrong with it, by name.
 * @param before the same from before: a Subnet whose CIDR cannot be read any more has still got it
 */
export function judgeSubnets(
  objects: readonly SubnetObject[],
  surroundings: Surroundings,
  before: ReadonlyMap<string, SubnetObject> = new Map(),
): Map<string, SubnetObject> {
  const all = objects.map((object) => withClaims(object, before.get(object.meta.name)));
  const judged = all.map((object) => ({
    ...object,
    checked: withProblems(object.checked, problemsOf(object, all, surroundings)),
  }));
  return new Map(judged.map((object) => [object.meta.name, object]));
}

function withClaims(object: SubnetObject, before: SubnetObject | undefined): SubnetObject {
  const { claims, checked: result, meta } = object;
  const isKnown = 'value' in result || claims.cidrs.length > 0 || before?.meta.uid !== meta.uid;
  return isKnown ? object : { ...object, claims: { ...claims, cidrs: before.claims.cidrs } };
}

function problemsOf(
  object: SubnetObject,
  others: readonly SubnetObject[],
  { settings, vpcs, nodes, vlan }: Surroundings,
): readonly Problem[] {
  const subnet = checkedValue(object.checked);
  if (subnet === undefined) return [];
  const vlanWrong = vlanProblem(subnet, subnet.vlan === '' ? undefined : vlan(subnet.vlan));
  return [
    ...subnetConflicts(object, others),
    ...nodeConflicts(subnet, nodes, settings.defaultVpc),
    ...vpcProblems(subnet, vpcs, settings.defaultVpc),
    ...(vlanWrong === undefined ? [] : [vlanWrong]),
  ];
}

/** Each IPPool with everything that is wrong with it, by name. */
export function judgePools(
  objects: readonly IpPoolObject[],
  subnets: ReadonlyMap<string, SubnetObject>,
): Map<string, IpPoolObject> {
  const judged = objects.map((object) => ({
    ...object,
    checked: withProblems(object.checked, poolProblems(object, objects, subnets)),
  }));
  return new Map(judged.map((object) => [object.meta.name, object]));
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
export function judgeVpc(vpc: VpcObject, subnets: ReadonlySet<string>): VpcObject {
  const conflict = vpcNameConflict(vpc.meta.name, subnets);
  return conflict === undefined ? vpc : { ...vpc, checked: withProblems(vpc.checked, [conflict]) };
}

/** True where the two say the same of what NICs can have, and how they are called. */
export function isSameJudgement(
  one: SubnetObject | IpPoolObject | undefined,
  other: SubnetObject | IpPoolObject | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other;
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
