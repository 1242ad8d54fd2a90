import { describe, expect, it } from 'vitest';
import type { IpPool } from '../../../../src/controller/kinds/ippool/object/ippool.ts';
import { projectNamespace } from '../../../../src/controller/kinds/namespace/object/namespace.ts';
import type { Subnet } from '../../../../src/controller/kinds/subnet/object/subnet.ts';
import { projectVpc } from '../../../../src/controller/kinds/vpc/object/vpc.ts';
import { permitted, permittedPool } from '../../../../src/controller/networks/subnet-policy.ts';
import { subnetOf } from '../kinds/object-support.ts';
import { defaultSettings } from '../settings.ts';

const VPC = { metadata: { name: 'tenant' }, spec: { namespaces: ['prod'] } };
const NAMESPACE = { metadata: { name: 'shop', labels: { team: 'red' } } };

function isPermitted(changes: Partial<Subnet>, namespace = 'shop', enforcesNamespaces = true) {
  const subnet = { ...subnetOf({ cidrBlock: '10.1.0.0/24' }), ...changes };
  const view = {
    settings: { ...defaultSettings, enforcesNamespaces },
    namespace: (name: string) => (name === 'shop' ? projectNamespace(NAMESPACE) : undefined),
    vpcs: () => [projectVpc(VPC, 'ovn-cluster')],
  };
  return 'value' in permitted(subnet, namespace, view);
}

const selector = (team: string) => ({
  matchLabels: new Map([['team', team]]),
  matchExpressions: [],
});

describe('with the policy, pods of a namespace', () => {
  it.each<[string, Partial<Subnet>]>([
    ['for all', {}],
    ['for the namespace', { namespaces: ['prod', 'shop'] }],
    ['whose selector fits', { namespaceSelectors: [selector('red')] }],
    ['of a Vpc that is not there', { vpc: 'other' }],
  ])('may be on a Subnet %s', (_, changes) => {
    expect(isPermitted(changes)).toBe(true);
  });

  it.each<[string, Partial<Subnet>]>([
    ['for other namespaces', { namespaces: ['prod'] }],
    ['whose selector does not fit', { namespaceSelectors: [selector('blue')] }],
    ['of a Vpc for other namespaces', { vpc: 'tenant' }],
    ['for them of a Vpc that is not', { vpc: 'tenant', namespaces: ['shop'] }],
  ])('may not be on a Subnet %s', (_, changes) => {
    expect(isPermitted(changes)).toBe(false);
    expect(isPermitted(changes, 'shop', false)).toBe(true);
  });

  it('may name an IPPool of theirs or of nobody’s', () => {
    const settings = { ...defaultSettings, enforcesNamespaces: true };
    const mayName = (namespaces: readonly string[], isEnforced = true) => {
      const pool = { name: 'p', namespaces } as unknown as IpPool;
      const view = { settings: { ...settings, enforcesNamespaces: isEnforced } };
      return 'value' in permittedPool(pool, 'shop', view);
    };
    expect([[], ['shop'], ['prod']].map((list) => mayName(list))).toEqual([true, true, false]);
    expect(mayName(['prod'], false)).toBe(true);
  });
});
