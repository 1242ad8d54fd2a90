import { describe, expect, it } from 'vitest';
import type { Node } from '../../../../src/controller/kinds/node/object/node.ts';
import { subnetConflicts } from '../../../../src/controller/validation/subnet-conflicts.ts';
import { findRivals } from '../../../../src/controller/validation/subnet-rivals.ts';
import { address, settings, subnetObject } from '../kinds/object-support.ts';

const MANY = 2_000;
const numbered = (spec: (index: number) => object) =>
  Array.from({ length: MANY }, (_, index) => subnetObject(`s${index}`, spec(index)));
const NODES: readonly Node[] = ['10.1.0.9', '10.2.0.9'].map((text) => ({
  name: `node-${text}`,
  internalAddresses: [address(text)],
  isReady: true,
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
    const rivals = findRivals(all, NODES, settings.defaultVpc);
    const problems = all.map((object) => subnetConflicts(object, rivals.subnetsOf(object)).length);
    expect(problems.filter((count) => count === 0)).toHaveLength(1);
    const counts = all.map((object) => rivals.subnetsOf(object).length).sort((a, b) => a - b);
    expect(counts[MANY / 2]).toBeLessThan(16);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThan(16 * MANY);
  });

  it('those of other Vpcs have nothing to do with nodes', () => {
    const all = numbered((index) => ({ cidrBlock: '10.1.0.0/24', vpc: `tenant-${index}` }));
    const own = subnetObject('own', { cidrBlock: '10.2.0.0/24' });
    const rivals = findRivals([...all, own], NODES, settings.defaultVpc);
    expect(all.flatMap((object) => rivals.nodesOf(object))).toEqual([]);
    expect(rivals.nodesOf(own).map(({ name }) => name)).toEqual(['node-10.2.0.9']);
    expect(all.flatMap((object) => rivals.subnetsOf(object))).toEqual([]);
  });
});
