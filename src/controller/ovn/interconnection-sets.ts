/**
 * Sets of addresses that the policies of interconnections name (interconnection-policies.ts): those of
 * all nodes, one for each Subnet and family, and the networks of a Vpc's overlay Subnets. Pure; names and
 * marks are Kube-OVN's.
 */
import { type Address, type Cidr, cidrText, type Family } from '../../common/address.ts';
import { mapOf, setOf } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import { VENDOR } from './names.ts';
import { ownRow, taken } from './ownership.ts';
import type { AddressSet } from './rows.ts';
import type { NbState } from './state.ts';
import { correctMap, type TransactionBuilder } from './transaction-builder.ts';

const TABLE = 'Address_Set';
const FAMILIES = ['IPv4', 'IPv6'] as const;
const SUFFIX = { IPv4: 'ip4', IPv6: 'ip6' } as const;

/** The set of nodes' addresses for a Subnet, as matches name it. */
export function nodeSetName(subnet: string, family: Family): string {
  return `${subnet}.u2o_exclude_ip.${SUFFIX[family]}`.replaceAll('-', '.');
}

/** The set of the networks of a Vpc's overlay Subnets, as matches name it. */
export function overlaySetName(vpc: string, family: Family): string {
  return `${vpc}.u2o_overlay_cidrs.${SUFFIX[family]}`.replaceAll('-', '.');
}

/**
 * Makes the sets of nodes' addresses for a Subnet be so.
 * @throws NorthboundError `taken`
 */
export function planNodeSets(
  builder: TransactionBuilder,
  state: NbState,
  subnet: string,
  nodes: readonly Address[],
): void {
  for (const family of FAMILIES) {
    const own = nodes.filter((address) => address.family === family);
    const texts = own.map(({ text }) => text);
    planSet(builder, state, nodeSetOf(subnet, family), texts);
  }
}

/**
 * Makes those sets be there, whatever is in them: a match that names one that is not there is none.
 * @throws NorthboundError `taken`
 */
export function ensureNodeSets(builder: TransactionBuilder, state: NbState, subnet: string): void {
  for (const family of FAMILIES) {
    const wanted = nodeSetOf(subnet, family);
    if (state.addressSetNamed(wanted.name) !== undefined) continue;
    builder.claim(claimed.switch(subnet));
    planSet(builder, state, wanted, []);
  }
}

/** Removes those sets, when no policy names them any more. */
export function removeNodeSets(builder: TransactionBuilder, state: NbState, subnet: string): void {
  for (const family of FAMILIES) planSet(builder, state, nodeSetOf(subnet, family), undefined);
}

function nodeSetOf(subnet: string, family: Family): WantedSet {
  const ids = { vendor: VENDOR, subnet, isU2ORoutePolicy: 'true' };
  return { name: nodeSetName(subnet, family), ids, mark: 'subnet' };
}

/**
 * The same for the overlay Subnets of a Vpc.
 * @param cidrs undefined where the Vpc has gone
 * @param isNeeded false where a policy names none; then sets that are there are kept up to date
 */
export function planOverlaySets(
  builder: TransactionBuilder,
  state: NbState,
  vpc: string,
  { cidrs, isNeeded }: { cidrs: readonly Cidr[] | undefined; isNeeded: boolean },
): void {
  const ids = { vendor: VENDOR, vpc, isU2OOverlayCIDRs: 'true' };
  for (const family of FAMILIES) {
    const name = overlaySetName(vpc, family);
    if (!isNeeded && state.addressSetNamed(name) === undefined) continue;
    const own = cidrs?.filter((cidr) => cidr.family === family);
    planSet(builder, state, { name, ids, mark: 'vpc' }, own?.map(cidrText));
  }
}

interface WantedSet {
  readonly name: string;
  readonly ids: Readonly<Record<string, string>>;
  /** The key that says whose it is: the names of two come to one, as of `a-b` and `a.b`. */
  readonly mark: 'subnet' | 'vpc';
}

/** @param members undefined where the set is to go */
function planSet(
  builder: TransactionBuilder,
  state: NbState,
  wanted: WantedSet,
  members: readonly string[] | undefined,
): void {
  const { name, ids } = wanted;
  const found = state.addressSetNamed(name);
  if (members === undefined) {
    if (found !== undefined && isSetOf(found, wanted)) builder.destroy(TABLE, found);
    return;
  }
  const row = ownRow([found], { table: TABLE, name });
  if (row === undefined) {
    builder.create(TABLE, { name, external_ids: mapOf(ids), addresses: setOf(members) });
    return;
  }
  if (!isSetOf(row, wanted)) {
    throw taken({ table: TABLE, name }, `it is not ${wanted.mark} ${ids[wanted.mark]}'s`);
  }
  correctMap(builder, { table: TABLE, row, column: 'external_ids' }, ids);
  const missing = members.filter((member) => !row.addresses.has(member));
  const surplus = [...row.addresses].filter((member) => !members.includes(member));
  builder.remove(TABLE, row, 'addresses', surplus);
  builder.add(TABLE, row, 'addresses', missing);
}

function isSetOf({ external_ids: found }: AddressSet, { ids, mark }: WantedSet): boolean {
  return found.vendor === VENDOR && (found[mark] ?? ids[mark]) === ids[mark];
}

/** Whose set a row of ours is, if it is one of these. */
export function ownerOfSet({
  external_ids: ids,
}: Pick<AddressSet, 'external_ids'>):
  | { readonly kind: 'subnet' | 'vpc'; readonly name: string }
  | undefined {
  const { subnet, vpc } = ids;
  if (ids.isU2ORoutePolicy === 'true' && subnet !== undefined)
    return { kind: 'subnet', name: subnet };
  if (ids.isU2OOverlayCIDRs === 'true' && vpc !== undefined) return { kind: 'vpc', name: vpc };
  return undefined;
}
