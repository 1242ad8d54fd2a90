import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../../../../src/common/address.ts';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import type { Owner } from '../../../../../src/controller/ipam/allocator/owners.ts';
import type { FamilyUsage } from '../../../../../src/controller/ranges/usage.ts';
import { randomNumbers } from '../../ranges/trees.ts';
import { Model } from './model.ts';
import type { Step } from './model-steps.ts';
import { FAMILIES, MACS, NICS, POOLS, SUBNETS, simpleStep, step, V4, V6 } from './model-steps.ts';
import { address, pool, ranges, subnet } from './support.ts';

const ADDRESSES = [...V4, ...V6].map(address);

describe('any sequence of calls', { timeout: 60_000 }, () => {
  it('has the answers of a simple model, and leaves the state of one', async () => {
    const outcomes = await compared(step, { numRuns: 80 });
    // Each kind of outcome is reached often enough to mean something.
    const answers = ['acquire', 'reserve', 'adopt', 'release', 'setPool', 'removeSubnet'];
    const refusals = ['AddressConflict', 'AddressOutOfRange', 'InvalidIPFamily'];
    const others = ['acquire: NoAvailableAddress', 'setPool: IPPoolConflict', 'setSubnet: told'];
    for (const kind of [
      ...answers.map((call) => `${call}: answer`),
      ...refusals.map((reason) => `acquire: ${reason}`),
      ...others,
    ]) {
      expect(outcomes.get(kind), kind).toBeGreaterThan(3);
    }
  });

  it('gives released addresses again in their order', async () => {
    const outcomes = await compared(simpleStep, { numRuns: 30 });
    expect(outcomes.get('acquire: answer')).toBeGreaterThan(200);
    expect(outcomes.get('acquire: NoAvailableAddress')).toBeGreaterThan(20);
    expect(outcomes.get('release: answer')).toBeGreaterThan(60);
  });
});

/** @returns how often each call ended in which way */
async function compared(steps: fc.Arbitrary<Step>, { numRuns }: { numRuns: number }) {
  const outcomes = new Map<string, number>();
  const sequence = fc.array(steps, { minLength: 10, maxLength: 80, size: 'max' });
  await fc.assert(
    fc.property(sequence, (each) => {
      const { allocator, model } = begun();
      for (const { name, run } of each) {
        const kind = `${name.split(' ')[0]}: ${run(allocator, model)}`;
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
        expect(stateOf(allocator)).toBe(stateOfModel(model));
      }
    }),
    { numRuns },
  );
  return outcomes;
}

/** Two Subnets of the same small networks; MAC addresses are so few that they collide. */
function begun(): { allocator: Allocator; model: Model } {
  const random = randomNumbers();
  const randomBytes = () => Uint8Array.from([0, 0, 0, 0, 0, (random() >>> 20) % 12]);
  const allocator = new Allocator({ randomBytes });
  const model = new Model();
  const gateway = '10.0.0.1,fd00::1';
  const IPv4 = { usable: V4.slice(1, 7), gateway: '10.0.0.1' };
  const IPv6 = { usable: V6.slice(1, 7), gateway: 'fd00::1' };
  for (const name of SUBNETS) {
    allocator.setSubnet(subnet(name, '10.0.0.0/29,fd00::/125', { gateway }));
    model.setSubnet(name, { IPv4, IPv6 }, []);
    allocator.setPool(pool('p', name, '10.0.0.2..10.0.0.3,fd00::2'));
    model.setPool('p', name, ['10.0.0.2', '10.0.0.3', 'fd00::2']);
  }
  return { allocator, model };
}

/** Everything that can be seen of it, one thing in each line. */
function stateOf(allocator: Allocator): string {
  const allocations = NICS.map((nic) => allocator.allocationOf(nic)).map(
    (held) => held && { ...held, addresses: held.addresses.map(({ text }) => text) },
  );
  const ofSubnets = SUBNETS.flatMap((name) => {
    const usage = allocator.usage(name);
    const pools = POOLS.map((each) => allocator.poolUsage(name, each));
    return [
      ...ADDRESSES.map(
        (each) => `${name} ${each.text} ${ownersText(allocator.ownersOf(name, each))}`,
      ),
      ...MACS.map((mac) => `${name} ${mac} ${ownersText(allocator.ownersOfMac(name, mac))}`),
      ...FAMILIES.flatMap((family) =>
        [usage, ...pools].map((each) => `${name} ${family} ${usageText(each?.[family])}`),
      ),
    ];
  });
  return [...allocations.map(allocationText), ...ofSubnets].join('\n');
}

function stateOfModel(model: Model): string {
  const allocations = NICS.map((nic) => model.holdings.find((held) => held.nic === nic));
  const ofSubnets = SUBNETS.flatMap((name) => [
    ...[...V4, ...V6].map((text) => `${name} ${text} ${ownersText(model.ownersOf(name, text))}`),
    ...MACS.map((mac) => `${name} ${mac} ${ownersText(model.ownersOfMac(name, mac))}`),
    ...FAMILIES.flatMap((family) =>
      [undefined, ...POOLS].map(
        (each) => `${name} ${family} ${modelUsage(model, name, family, each)}`,
      ),
    ),
  ]);
  return [...allocations.map(allocationText), ...ofSubnets].join('\n');
}

function allocationText(
  held:
    | (Owner & {
        subnet: string;
        addresses: readonly string[];
        mac: string | undefined;
        reserved: boolean;
      })
    | undefined,
): string {
  if (held === undefined) return '-';
  const { nic, pod, subnet: net, addresses, mac, reserved } = held;
  return `${nic} ${pod} ${net} ${addresses} ${mac} ${reserved}`;
}

function ownersText(owners: readonly Owner[]): string {
  return owners
    .map(({ nic, pod }) => `${nic} of ${pod}`)
    .sort()
    .join();
}

function usageText(usage: FamilyUsage | undefined): string {
  if (usage === undefined) return '-';
  const { using, usingRanges, available, availableRanges } = usage;
  return `${using} used: ${listed(usingRanges)}; ${available} not: ${listed(availableRanges)}`;
}

/** Excluded addresses count as used only in a pool. */
function modelUsage(model: Model, name: string, family: Family, poolName?: string): string {
  const known = model.subnets[name];
  const inPool = poolName === undefined ? [] : known?.pools[poolName];
  if (known === undefined || inPool === undefined) return '-';
  const used = (family === 'IPv4' ? V4 : V6)
    .filter((text) => model.ownersOf(name, text).length > 0)
    .filter((text) =>
      poolName === undefined ? !known.excludes.includes(text) : inPool.includes(text),
    );
  const available = model.available(name, family, poolName);
  return `${used.length} used: ${used}; ${available.length} not: ${available}`;
}

/** The addresses of "10.0.0.2-10.0.0.4,10.0.0.9", of those that there are. */
function listed(text: string): string[] {
  const all = [...V4, ...V6];
  return ranges(text.replaceAll('-', '..')).flatMap(({ first, last }) =>
    all.slice(all.indexOf(first.text), all.indexOf(last.text) + 1),
  );
}
