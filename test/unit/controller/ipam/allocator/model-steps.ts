/**
 * Random calls of the allocator, made of so few names and addresses that everything meets
 * everything. Each call is made of the allocator and of the model, and their answers compared.
 */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Family } from '../../../../../src/common/address.ts';
import type { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import { AllocationError } from '../../../../../src/controller/ipam/allocator/error.ts';
import type {
  AcquireRequest,
  Allocation,
} from '../../../../../src/controller/ipam/allocator/request.ts';
import type { Model, ModelBlock, ModelHolding, ModelRequest } from './model.ts';
import { familyOf } from './model.ts';
import { address, pool, subnet } from './support.ts';

export const SUBNETS = ['net', 'other'];
export const POOLS = ['p', 'q'];
export const NICS = ['a', 'b', 'c', 'd', 'e'];
export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];
export const V4 = Array.from({ length: 16 }, (_, host) => `10.0.0.${host}`);
export const V6 = Array.from({ length: 12 }, (_, host) =>
  host === 0 ? 'fd00::' : `fd00::${host.toString(16)}`,
);
export const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:aa'];

/** Networks with the first and the last host that a NIC may have. */
const NETWORKS: readonly (readonly [cidr: string, first: number, last: number])[] = [
  ['10.0.0.0/29', 1, 6],
  ['10.0.0.0/28', 1, 14],
  ['10.0.0.8/29', 9, 14],
  ['10.0.0.4/30', 5, 6],
  ['10.0.0.2/31', 2, 3],
];
const NETWORKS6: typeof NETWORKS = [
  ['fd00::/125', 1, 6],
  ['fd00::8/126', 9, 10],
  ['fd00::4/127', 4, 5],
];

export interface Step {
  /** For who reads a counterexample; begins with the name of the call. */
  readonly name: string;
  /** @returns "answer", or the reason why there is none */
  run(allocator: Allocator, model: Model): string;
}

const anyAddress = fc.constantFrom(...V4, ...V6);
const subnetName = fc.constantFrom(...SUBNETS, 'net');
const someAddresses = fc.uniqueArray(anyAddress, { maxLength: 5 });
const nic = fc.constantFrom(...NICS);
/** NIC "b" is the second of the pod of "a"; now and then two pods have a NIC of one name. */
const owner = fc.tuple(nic, fc.nat(19)).map(([name, dice]) => ({
  nic: name,
  pod: dice === 0 ? 'ns/stranger' : `ns/${name === 'b' ? 'a' : name}`,
}));
const entry = fc.oneof(
  anyAddress.map((text) => [text]),
  fc.tuple(fc.constantFrom(...V4), fc.constantFrom(...V6)).map((pair) => [...pair]),
);
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 4, arbitrary });

const request: fc.Arbitrary<ModelRequest> = fc
  .record({
    owner,
    subnet: subnetName,
    pool: fc.constantFrom('', '', '', ...POOLS),
    entries: fc.option(fc.array(entry, { maxLength: 3 }), { nil: undefined, freq: 2 }),
    index: rarely(fc.nat(3)),
    mac: fc.constantFrom('dynamic', 'dynamic', undefined, ...MACS),
    family: rarely(fc.constantFrom(...FAMILIES)),
    skip: rarely(someAddresses).map((list) => list ?? []),
    sharing: fc.nat(4).map((dice) => dice === 0),
  })
  // A list is of addresses, and not from a pool.
  .map(({ owner: who, pool: from, ...rest }) => ({
    ...who,
    ...rest,
    pool: rest.entries === undefined ? from : '',
  }));

function toRequest(asked: ModelRequest): AcquireRequest {
  const { nic: name, pod, subnet: net, family, entries, index } = asked;
  const mayShare = () => asked.sharing;
  return {
    ...{ nic: name, pod, subnet: net, family, mayShare },
    addresses:
      entries === undefined
        ? { kind: 'dynamic', pool: asked.pool }
        : { kind: 'fixed', entries: entries.map((each) => each.map(address)), index },
    mac:
      asked.mac === undefined || asked.mac === 'dynamic'
        ? { kind: asked.mac ?? 'none' }
        : { kind: 'fixed', mac: asked.mac },
    skip: asked.skip.map(address),
  };
}

/** Any address of the Subnet or of an IPPool. */
const simpleRequest = fc
  .record({
    owner,
    pool: fc.constantFrom('', '', 'p'),
    family: rarely(fc.constantFrom(...FAMILIES)),
  })
  .map(
    ({ owner: who, ...rest }): ModelRequest => ({
      ...{ ...who, ...rest, subnet: 'net', mac: 'dynamic', sharing: false, skip: [] },
      ...{ entries: undefined, index: undefined },
    }),
  );

function acquisition(call: 'acquire' | 'reserve', asked: ModelRequest): Step {
  const wanted = toRequest(asked);
  return {
    name: `${call} ${JSON.stringify(asked)}`,
    run: (allocator, model) => {
      const before = model.holdings.find((held) => held.nic === asked.nic);
      const result = outcomeOf(() => allocator[call](wanted));
      const mac = 'answer' in result ? result.answer.mac : undefined;
      if ('answer' in result) expectSound(result.answer, { asked, model, before });
      return agreed(
        result,
        model.attempt(() => model.acquire(asked, call === 'reserve', mac)),
      );
    },
  };
}

const acquire = fc
  .tuple(request, fc.nat(9))
  .map(([asked, dice]) => acquisition(dice === 0 ? 'reserve' : 'acquire', asked));

/** What has to be true of any answer, whatever the model makes of the request. */
function expectSound(
  answer: Allocation,
  given: { asked: ModelRequest; model: Model; before: ModelHolding | undefined },
) {
  const { asked, model, before } = given;
  const { blocks, excludes } = model.subnet(asked.subnet);
  for (const { text } of answer.addresses) {
    const block = blocks[familyOf(text)];
    expect(block?.usable).toContain(text);
    expect(text).not.toBe(block?.gateway);
    if (before?.subnet === asked.subnet && before.addresses.includes(text)) continue;
    if (!asked.sharing) expect(model.ownersOf(asked.subnet, text)).toEqual([]);
    if ((asked.entries ?? []).flat().includes(text)) continue;
    expect(model.ownersOf(asked.subnet, text)).toEqual([]);
    expect(excludes).not.toContain(text);
    expect(asked.skip).not.toContain(text);
    expect(model.poolOf(asked.subnet, text)).toBe(asked.pool);
  }
}

const adopt = fc
  .tuple(owner, subnetName, entry, fc.constantFrom(undefined, ...MACS))
  .map(([who, net, list, mac]): Step => {
    const adoption = { ...who, subnet: net, addresses: list.map(address), mac };
    return {
      name: `adopt ${who.nic} of ${who.pod}: ${list} ${mac} of ${net}`,
      run: (allocator, model) =>
        agreed(
          outcomeOf(() => allocator.adopt(adoption)),
          model.attempt(() => model.adopt(who, net, list, mac)),
        ),
    };
  });

const release = owner.map(
  (who): Step => ({
    name: `release ${who.nic} of ${who.pod}`,
    run: (allocator, model) => {
      const before = model.holdings.find((held) => held.nic === who.nic);
      const freed = allocator.release(who);
      model.release(who);
      const isGone = before !== undefined && !model.holdings.includes(before);
      const texts = freed?.addresses.map(({ text }) => text);
      expect(texts).toEqual(isGone ? before.addresses : undefined);
      return isGone ? 'answer' : 'nothing to release';
    },
  }),
);

const unreserve = owner.map(
  (who): Step => ({
    name: `unreserve ${who.nic} of ${who.pod}`,
    run: (allocator, model) => {
      allocator.unreserve(who);
      model.unreserve(who);
      return 'answer';
    },
  }),
);

const networks = fc.tuple(
  mostly(fc.tuple(fc.constantFrom(...NETWORKS), mostly(fc.constantFrom(...V4)))),
  mostly(fc.tuple(fc.constantFrom(...NETWORKS6), mostly(fc.constantFrom(...V6)))),
);

const setSubnet = fc
  .tuple(subnetName, networks, someAddresses)
  .map(([name, [v4, v6], excludes]): Step => {
    const cidrs = [v4, v6].flatMap((each) => each?.[0][0] ?? []).join();
    const gateway = [v4, v6].flatMap((each) => each?.[1] ?? []).join();
    const spec = subnet(name, cidrs, { gateway, excludes: excludes.join() });
    const blocks: Partial<Record<Family, ModelBlock>> = {};
    if (v4) blocks.IPv4 = { usable: V4.slice(v4[0][1], v4[0][2] + 1), gateway: v4[1] };
    if (v6) blocks.IPv6 = { usable: V6.slice(v6[0][1], v6[0][2] + 1), gateway: v6[1] };
    return {
      name: `setSubnet ${name}: ${cidrs}, gateway ${gateway}, without ${excludes}`,
      run: (allocator, model) => {
        const told = allocator.setSubnet(spec);
        model.setSubnet(name, blocks, excludes);
        const misplaced = [...V4, ...V6].filter((text) => {
          const block = blocks[familyOf(text)];
          const isLegal = block?.usable.includes(text) && text !== block.gateway;
          return !isLegal && model.ownersOf(name, text).length > 0;
        });
        expect(told.map((error) => error.address)).toEqual(misplaced);
        return told.length > 0 ? 'told' : 'answer';
      },
    };
  });

const removeSubnet = subnetName.map(
  (name): Step => ({
    name: `removeSubnet ${name}`,
    run: (allocator, model) => {
      const had = model.holdings.filter((held) => held.subnet === name).map((held) => held.nic);
      const lost = allocator.removeSubnet(name).map((held) => held.nic);
      model.removeSubnet(name);
      expect(lost.sort()).toEqual(had.sort());
      return 'answer';
    },
  }),
);

const setPool = fc
  .tuple(fc.constantFrom(...POOLS), subnetName, someAddresses)
  .map(([name, net, list]): Step => {
    const spec = pool(name, net, list.join());
    return {
      name: `setPool ${name} of ${net}: ${list}`,
      run: (allocator, model) =>
        agreed(
          outcomeOf(() => allocator.setPool(spec)),
          model.attempt(() => model.setPool(name, net, list)),
        ),
    };
  });

const removePool = fc.tuple(fc.constantFrom(...POOLS), subnetName).map(
  ([name, net]): Step => ({
    name: `removePool ${name} of ${net}`,
    run: (allocator, model) => {
      allocator.removePool(net, name);
      model.removePool(net, name);
      return 'answer';
    },
  }),
);

const setGatewayMac = fc.tuple(subnetName, mostly(fc.constantFrom(...MACS))).map(
  ([net, mac]): Step => ({
    name: `setGatewayMac ${net} ${mac}`,
    run: (allocator, model) => {
      const result = outcomeOf(() => allocator.setGatewayMac(net, mac));
      const owners = mac === undefined ? [] : model.ownersOfMac(net, mac);
      if ('answer' in result) expect(result.answer !== undefined).toBe(owners.length > 0);
      return agreed(
        result,
        model.attempt(() => model.setGatewayMac(net, mac)),
      );
    },
  }),
);

/** Any call. */
export const step: fc.Arbitrary<Step> = fc
  .oneof(
    { weight: 40, arbitrary: acquire },
    { weight: 10, arbitrary: release },
    { weight: 6, arbitrary: adopt },
    { weight: 4, arbitrary: setSubnet },
    { weight: 4, arbitrary: setPool },
    { weight: 2, arbitrary: fc.oneof(removePool, unreserve, setGatewayMac) },
    { weight: 1, arbitrary: removeSubnet },
  )
  .map(named);

/** NICs that come and go, and ask for nothing in particular. */
export const simpleStep: fc.Arbitrary<Step> = fc
  .oneof(
    { weight: 3, arbitrary: simpleRequest.map((asked) => acquisition('acquire', asked)) },
    { weight: 2, arbitrary: release },
  )
  .map(named);

function named(each: Step): Step {
  return Object.assign(each, { [fc.toStringMethod]: () => each.name });
}

type Outcome<T> = { answer: T } | { reason: string };

function outcomeOf<T>(action: () => T): Outcome<T> {
  try {
    return { answer: action() };
  } catch (thrown) {
    if (thrown instanceof AllocationError) return { reason: thrown.reason };
    throw thrown;
  }
}

/** Both have an answer, or none for the same reason. */
function agreed(result: Outcome<unknown>, expected: Outcome<unknown>): string {
  const [ours, theirs] = [result, expected].map((each) =>
    'answer' in each ? 'answer' : each.reason,
  );
  expect(ours).toBe(theirs);
  return ours ?? '';
}
