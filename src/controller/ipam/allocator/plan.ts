/**
 * Works out what a NIC would get for a request, and changes nothing: a request that fails has then
 * left no trace, whichever part of it failed.
 *
 * What a NIC has it keeps wherever that is an answer to the request; so the same request has the
 * same answer again. Otherwise Kube-OVN's rules hold: an address asked for by name may be an
 * excluded one and one of any pool, and of a list the first that can be had is taken.
 */
import type { Address, Family } from '../../../common/address.ts';
import { numberOf } from '../../ranges/address-range.ts';
import { AllocationError } from './error.ts';
import type { Holding, Numbers } from './holdings.ts';
import { FAMILIES } from './holdings.ts';
import { canonicalMac } from './macs.ts';
import { neverShared } from './owners.ts';
import { DEFAULT_POOL } from './pools.ts';
import type { AcquireRequest, AddressRequest, FixedAddresses, MacRequest } from './request.ts';
import type { SubnetStore } from './subnet-store.ts';

/** What a NIC would have; nothing of it is taken yet. */
export interface AllocationPlan {
  readonly numbers: Numbers;
  /** Families whose number is allocated dynamically, and not one asked for or one that the NIC has. */
  readonly dynamic: ReadonlySet<Family>;
  readonly mac: string | undefined;
}

/** An address of a NIC to be, and whether it is allocated dynamically. */
interface Choice {
  readonly family: Family;
  readonly number: bigint;
  readonly dynamic: boolean;
}

/**
 * @param held what the NIC has in this Subnet
 * @throws AllocationError that says why the request cannot be met
 */
export function plan(
  subnet: SubnetStore,
  request: AcquireRequest,
  held: Holding | undefined,
): AllocationPlan {
  const context = { subnet, request, held, families: familiesOf(subnet, request.family) };
  const mac = planMac(context, request.mac);
  const choices =
    request.addresses.kind === 'dynamic'
      ? planEntry(context, [], request.addresses.pool ?? DEFAULT_POOL)
      : planFirst(context, entriesOf(subnet, request.addresses));
  if (choices instanceof AllocationError) throw choices;
  return {
    numbers: Object.fromEntries(choices.map(({ family, number }) => [family, number])),
    dynamic: new Set(choices.filter(({ dynamic }) => dynamic).map(({ family }) => family)),
    mac,
  };
}

interface Context {
  readonly subnet: SubnetStore;
  readonly request: AcquireRequest;
  readonly held: Holding | undefined;
  /** That the NIC is to have addresses of. */
  readonly families: readonly Family[];
}

/** A Subnet of which NICs get only MAC addresses takes any family for none. */
function familiesOf(subnet: SubnetStore, asked: Family | undefined): readonly Family[] {
  const present = FAMILIES.filter((family) => subnet.addresses[family].exists);
  if (asked === undefined || present.length === 0) return present;
  if (present.includes(asked)) return [asked];
  throw new AllocationError({
    reason: 'InvalidIPFamily',
    what: `requested ip family ${asked.toLowerCase()} does not match subnet ${subnet.name} protocol ${present.join()}`,
    details: 'remove the ip_family annotation, or use a Subnet of both families',
    subnet: subnet.name,
  });
}

function planMac({ subnet, request, held }: Context, asked: MacRequest): string | undefined {
  if (asked.kind === 'none') return undefined;
  if (asked.kind === 'fixed') {
    const mac = canonicalMac(asked.mac);
    const problem = subnet.macs.problem(mac, request, request.mayShare ?? neverShared);
    if (problem !== undefined) throw problem;
    return mac;
  }
  const kept = held?.mac;
  if (kept !== undefined && subnet.macs.misplacement(kept) === undefined) return kept;
  const mac = subnet.macs.next();
  if (mac instanceof AllocationError) throw mac;
  return mac;
}

function entriesOf(
  subnet: SubnetStore,
  { entries, index }: Extract<AddressRequest, { kind: 'fixed' }>,
): readonly FixedAddresses[] {
  const chosen = index === undefined ? entries : entries.slice(index, index + 1);
  if (chosen.length > 0) return chosen;
  throw new AllocationError({
    reason: 'NoAvailableAddress',
    what: `the list has ${entries.length} entries, and none for index ${index ?? 0}`,
    details: 'list one entry for each pod, or have fewer pods',
    subnet: subnet.name,
  });
}

/** The entry that the NIC has, or else the first that can be had, or why the last cannot. */
function planFirst(
  context: Context,
  entries: readonly FixedAddresses[],
): readonly Choice[] | AllocationError {
  const { held } = context;
  const kept = entries.filter((entry) =>
    entry.every((address) => held?.numbers[address.family] === numberOf(address)),
  );
  let last: readonly Choice[] | AllocationError = [];
  for (const entry of [...kept, ...entries]) {
    last = planEntry(context, entry, DEFAULT_POOL);
    if (!(last instanceof AllocationError)) return last;
  }
  return last;
}

/** An address for each family: that of `entry`, or where it has none a free one of `pool`. */
function planEntry(
  context: Context,
  entry: FixedAddresses,
  pool: string,
): readonly Choice[] | AllocationError {
  const mismatch = familyProblem(context, entry);
  if (mismatch !== undefined) return mismatch;
  const choices: Choice[] = [];
  for (const address of entry) {
    const number = numberOf(address);
    const { subnet, request } = context;
    const addresses = subnet.addresses[address.family];
    const problem = addresses.problem(number, request, request.mayShare ?? neverShared);
    if (problem !== undefined) return problem;
    choices.push({ family: address.family, number, dynamic: false });
  }
  for (const family of context.families) {
    if (entry.some((address) => address.family === family)) continue;
    const choice = planDynamic(context, family, pool);
    if (choice instanceof AllocationError) return choice;
    choices.push(choice);
  }
  return choices;
}

function familyProblem({ subnet, request }: Context, entry: FixedAddresses) {
  const strange = entry.find(({ family }, position) => {
    const isSecond = entry.findIndex((other) => other.family === family) !== position;
    return isSecond || family !== (request.family ?? family);
  });
  if (strange === undefined) return undefined;
  return new AllocationError({
    reason: 'InvalidIPFamily',
    what: `${entry.map(({ text }) => text).join()} is not one address of each requested family`,
    details: 'give one address of each family, and only of the one in the ip_family annotation',
    subnet: subnet.name,
    address: strange.text,
  });
}

/** The address of this family that the NIC has, where that may be allocated dynamically, or another one. */
function planDynamic(context: Context, family: Family, pool: string): Choice | AllocationError {
  const addresses = context.subnet.addresses[family];
  const skip = numbersOfFamily(family, context.request.skip ?? []);
  const kept = context.held?.numbers[family];
  if (kept !== undefined && addresses.misplacement(kept) === undefined) {
    const isAllowed = !skip.has(kept) && (pool === DEFAULT_POOL || addresses.isIn(pool, kept));
    // What a user promised to the NIC by name is not exchanged for just any address.
    if (isAllowed || context.held?.reserved) return { family, number: kept, dynamic: false };
  }
  const number = addresses.next(pool, skip);
  return number instanceof AllocationError ? number : { family, number, dynamic: true };
}

function numbersOfFamily(family: Family, addresses: readonly Address[]): ReadonlySet<bigint> {
  return new Set(addresses.filter((address) => address.family === family).map(numberOf));
}
