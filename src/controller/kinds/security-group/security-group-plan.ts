/**
 * The rows of a SecurityGroup: its port group with ACLs, and the sets of its members' addresses.
 * Pure. Members are the ports whose `external_ids` say that their pod lists it.
 */
import type { Family } from '../../../common/address.ts';
import { uuidAtom } from '../../../common/ovsdb/value.ts';
import { planAcls, removeAcls } from '../../ovn/acl-plan.ts';
import { claimed } from '../../ovn/claims.ts';
import type { DesiredSecurityGroup } from '../../ovn/desired.ts';
import { NorthboundError } from '../../ovn/error.ts';
import {
  addressSetRow,
  deny,
  ensureAddressSet,
  ensureGroup,
  groupRow,
  join,
} from '../../ovn/group-rows.ts';
import { isOurs, portGroupName } from '../../ovn/names.ts';
import { textsOf } from '../../ovn/pod-groups.ts';
import type { PortGroup } from '../../ovn/rows.ts';
import { securityGroupAcls } from '../../ovn/security-acls.ts';
import { addressesOf, type NbState } from '../../ovn/state.ts';
import {
  newTransactionBuilder,
  type Plan,
  type TransactionBuilder,
} from '../../ovn/transaction-builder.ts';

const FAMILIES = ['IPv4', 'IPv6'] as const;

/**
 * Makes the rows of a SecurityGroup be as desired. Its rules change in one transaction: at no time
 * is a member open, or cut off from what both old and new rules allow.
 * @throws NorthboundError `taken`; `unsupported` where this OVN has no tiers and they are needed
 */
export function planSecurityGroup(state: NbState, desired: DesiredSecurityGroup): Plan {
  refuseTier(state, desired);
  const builder = newTransactionBuilder();
  const { name } = desired;
  const members = state.portsListing(name).map(({ uuid }) => uuid);
  builder.claim(claimed.group(name));
  for (const [group, family] of namedSets(desired)) planAddressSet(builder, state, group, family);
  const { row, parent } = ensureGroup(builder, state, name);
  const holder = { name: portGroupName(name), acls: row?.acls ?? [], parent };
  planAcls(builder, state, holder, securityGroupAcls(desired));
  if (row !== undefined) {
    builder.assume('Port_Group', row, 'acls');
    const wanted = new Set(members);
    const surplus = ownPorts(state, row).filter((uuid) => !wanted.has(uuid));
    builder.remove('Port_Group', row, 'ports', surplus.map(uuidAtom));
  }
  deny(builder, state, members);
  join({ row, parent }, members);
  return builder.done();
}

/**
 * Removes the rows of a SecurityGroup that is gone. Ports that list it stay in the group that denies
 * all: those that list no other one are closed then, until it is there again or is listed no more.
 */
export function planSecurityGroupRemoval(state: NbState, name: string): Plan {
  const builder = newTransactionBuilder();
  builder.claim(claimed.group(name));
  const row = groupRow(state, name);
  if (row !== undefined) removeGroup(builder, state, row);
  for (const family of FAMILIES) {
    const set = addressSetRow(state, name, family);
    if (set !== undefined) builder.destroy('Address_Set', set);
  }
  return builder.done();
}

function removeGroup(builder: TransactionBuilder, state: NbState, row: PortGroup): void {
  const { name, acls } = row;
  const parent = builder.parent('Port_Group', row, {});
  builder.assume('Port_Group', row, 'acls');
  const foreign = removeAcls(state, { name, acls, parent });
  if (foreign.length === 0) {
    builder.destroy('Port_Group', row);
    return;
  }
  builder.remove('Port_Group', row, 'ports', ownPorts(state, row).map(uuidAtom));
  builder.removeKeys('Port_Group', row, 'external_ids', ['type', 'sg']);
  builder.keep(`Port_Group ${name} stays: it has ACLs that are not ours`);
}

/**
 * The sets that its rules and members need. A set that a rule names and that is not there makes OVN
 * leave out the rule, which lets through what it was to drop.
 */
function namedSets({ name, rules }: DesiredSecurityGroup): readonly (readonly [string, Family])[] {
  const own = FAMILIES.map((family) => [name, family] as const);
  const remote = rules.flatMap((rule) =>
    'group' in rule.remote ? [[rule.remote.group, rule.remote.family] as const] : [],
  );
  const sets = [...own, ...remote].map((set) => [set.join(' '), set] as const);
  return [...new Map(sets).values()];
}

function planAddressSet(
  builder: TransactionBuilder,
  state: NbState,
  group: string,
  family: Family,
): void {
  builder.claim(claimed.group(group));
  const wanted = new Set(textsOf(state.portsListing(group).flatMap(addressesOf), family));
  const { row, parent } = ensureAddressSet(builder, state, group, family);
  const present = row?.addresses ?? new Set<string>();
  const missing = [...wanted].filter((address) => !present.has(address));
  const surplus = [...present].filter((address) => !wanted.has(address));
  parent.detach('addresses', surplus);
  parent.attach('addresses', missing);
}

/**
 * Ports that somebody else has put into a group stay in it; what refers to no port any more does
 * not.
 */
function ownPorts(state: NbState, { ports }: PortGroup): string[] {
  return [...ports].filter((uuid) => {
    const port = state.switchPorts.get(uuid);
    return port === undefined || isOurs(port);
  });
}

/**
 * Without tiers, what tier 1 allows would be allowed at once, and not only where a rule of tier 0
 * passes a packet on.
 */
function refuseTier(state: NbState, { name, tier }: DesiredSecurityGroup): void {
  if (state.hasTiers || tier === 0) return;
  throw new NorthboundError(
    'unsupported',
    `SecurityGroup ${name} is of tier ${tier}, and this northbound database has no ACL tiers`,
    'expected OVN 23.06 or newer, or tier 0',
  );
}
