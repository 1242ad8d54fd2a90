import { describe, expect, it } from 'vitest';
import type { Node } from '../../../../src/controller/kinds/node/object/node.ts';
import { subnetConflicts } from '../../../../src/controller/validation/subnet-conflicts.ts';
import { RivalIndex } from '../../../../src/controller/validation/subnet-rivals.ts';
import { address, settings, subnetObject } from '../kinds/object-support.ts';

const MANY = 2_000;
const numbered = (spec: (index: number) => object) =>
  Array.from({ length: MANY }, (_, index) => subnetObject(`s${index}`, spec(index)));
const NODES: readonly Node[] = ['10.1.0.9', '10.2.0.9'].map((text) => ({
  name: `node-${text}`,
  internalAddresses: [address(text)],
  isReady: true,
  labels: new Map(),
  networkAnnotations: new Map(),
}));
const egress = (index: number) => ({
  cidrBlock: `10.${index >> 8}.${index & 255}.0/24`,
  externalEgressGateway: '192.168.0.1',
  policyRoutingPriority: 1,
  policyRoutingTableID: 5,
});

describe('of thousands of Subnets', () => {
  it.each([
    ['with one CIDR', () => ({ cidrBlock: '10.1.0.0/24' })],
    ['with one routing table', egress],
    [
      'with one CIDR around all others',
      (index: number) => (index === 0 ? { cidrBlock: '10.0.0.0/8' } : egress(index)),
    ],
  ])('%s, each but the first is found wrong, and few are compared with each', (_, spec) => {
    const all = numbered(spec);
    const rivals = new RivalIndex().update(all, NODES, settings.defaultVpc);
    const problems = all.map((object) => subnetConflicts(object, rivals.subnetsOf(object)).length);
    expect(problems.filter((count) => count === 0)).toHaveLength(1);
    const counts = all.map((object) => rivals.subnetsOf(object).length).sort((a, b) => a - b);
    expect(counts[MANY / 2]).toBeLessThan(16);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThan(16 * MANY);
  });

  it('those of other Vpcs have nothing to do with nodes', () => {
    const all = numbered((index) => ({ cidrBlock: '10.1.0.0/24', vpc: `tenant-${index}` }));
    const own = subnetObject('own', { cidrBlock: '10.2.0.0/24' });
    const rivals = new RivalIndex().update([...all, own], NODES, settings.defaultVpc);
    expect(all.flatMap((object) => rivals.nodesOf(object))).toEqual([]);
    expect(rivals.nodesOf(own).map(({ name }) => name)).toEqual(['node-10.2.0.9']);
    expect(all.flatMap((object) => rivals.subnetsOf(object))).toEqual([]);
  });
});

describe('an index of Subnets', () => {
  /** Networks of all sizes, around each other and beside each other, in two Vpcs. */
  const CIDRS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.1.0/24', '10.1.1.128/25', '10.1.2.0/24'];
  const CIDRS6 = ['fd00::/16', 'fd00:1::/32', 'fd01::/64'];
  const SPECS = [...CIDRS, ...CIDRS6, `${CIDRS[1]},${CIDRS6[2]}`, `${CIDRS[2]},${CIDRS6[0]}`];
  const byName = (objects: readonly { readonly meta: { readonly name: string } }[]) =>
    objects.map(({ meta }) => meta.name).sort();

  it('says after each change what one says that is made anew', () => {
    const index = new RivalIndex();
    let all = [subnetObject('s0', { cidrBlock: '10.1.0.0/16' })];
    let state = 1;
    const random = (below: number) => {
      // Numerical Recipes' generator: the same numbers in each run.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let step = 0; step < 1_000; step++) {
      const name = `s${random(12)}`;
      all = all.filter(({ meta }) => meta.name !== name);
      const spec = { ...egress(0), cidrBlock: SPECS[random(SPECS.length)] };
      const own = random(4) === 0 ? spec : { cidrBlock: spec.cidrBlock };
      const vpc = random(3) === 0 ? 'tenant' : settings.defaultVpc;
      if (random(3) > 0) all.push(subnetObject(name, { ...own, vpc }));
      const fresh = new RivalIndex().update(all, NODES, settings.defaultVpc);
      const kept = index.update(all, NODES, settings.defaultVpc);
      for (const object of all) {
        expect(byName(kept.subnetsOf(object))).toEqual(byName(fresh.subnetsOf(object)));
        expect(kept.nodesOf(object)).toEqual(fresh.nodesOf(object));
      }
    }
  });

  it('of thousands compares again those that overlap the one that has changed, and no others', () => {
    const spec = (number: number) => ({ cidrBlock: `10.${number >> 8}.${number & 255}.0/24` });
    const pairs = numbered((number) => spec(number >> 1));
    const index = new RivalIndex();
    const before = index.update(pairs, NODES, settings.defaultVpc);
    const lists = pairs.map((object) => before.subnetsOf(object));
    const changed = pairs.with(0, subnetObject('s0', { cidrBlock: '172.16.0.0/24' }));
    const after = index.update(changed, NODES, settings.defaultVpc);
    const isSame = changed.map((object, at) => after.subnetsOf(object) === lists[at]);
    expect(isSame.filter((same) => !same)).toHaveLength(2);
    expect([after.subnetsOf(changed[0] as never), after.subnetsOf(changed[1] as never)]).toEqual([
      [],
      [],
    ]);
  });

  it('takes for thousands that come one after another far less than comparing all each time', () => {
    const all = numbered((number) => ({ cidrBlock: `10.${number >> 8}.${number & 255}.0/24` }));
    const cpuMs = (work: () => void) => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    const once = cpuMs(() => {
      for (let times = 0; times < 20; times++)
        new RivalIndex().update(all, NODES, settings.defaultVpc);
    });
    const index = new RivalIndex();
    const each = cpuMs(() => {
      for (let count = 1; count <= MANY; count++) {
        index.update(all.slice(0, count), NODES, settings.defaultVpc);
      }
    });
    // Half as many Subnets on average, and 2,000 times: comparing all would be 50 times as long.
    expect(each / once).toBeLessThan(20);
  });
});
