/** From which Subnet a network's NIC has its addresses. */
import { describe, expect, it } from 'vitest';
import { ATTACHNET, cluster } from './attachments-support.ts';
import {
  ATTACHNET_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  ovnSubnet,
  podOf,
  problemsOf,
} from './support.ts';

describe('the Subnet of a network', () => {
  it('is the first by name of several with its provider', () => {
    const subnets = { c: macvlanSubnet, a: macvlanSubnet, b: macvlanSubnet };
    for (const order of [
      ['c', 'a', 'b'],
      ['b', 'c', 'a'],
    ] as const) {
      const shuffled = Object.fromEntries(order.map((name) => [name, subnets[name]]));
      const [nic] = nicsOf(podOf({ [NETWORKS]: 'macvlan' }), { ...cluster, subnets: shuffled });
      expect(nic?.attempts[0].subnet.name).toBe('a');
    }
  });

  it('is none that is being deleted, except for a NIC that is on it', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const subnets = { a: { ...macvlanSubnet, metadata }, b: macvlanSubnet };
    const both = { ...cluster, subnets };
    const [nic] = nicsOf(podOf({ [NETWORKS]: 'macvlan' }), both);
    expect(nic?.attempts[0].subnet.name).toBe('b');
    const named = {
      [NETWORKS]: 'macvlan',
      'macvlan.default.kubernetes.io/logical_switch': 'a',
    };
    expect(problemsOf(podOf(named), both)).toEqual(['subnet a is being deleted']);
    const allocated = { ...named, 'macvlan.default.kubernetes.io/allocated': 'true' };
    expect(problemsOf(podOf(allocated), both)).toEqual([]);
  });

  it('is being deleted where no other is left: it is named, and who holds it', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const ending = { ...cluster, subnets: { a: { ...macvlanSubnet, metadata } } };
    const pod = podOf({ [NETWORKS]: 'macvlan' });
    expect(problemsOf(pod, ending)).toEqual(['subnet a is being deleted']);
    const held = { ...ending, holders: 'pod shop/web-0' };
    expect(problemsOf(pod, held)).toEqual([
      'subnet a is being deleted, and goes with the last of pod shop/web-0',
    ]);
  });

  it('has to be valid', () => {
    const subnets = { macvlan: { ...macvlanSubnet, cidrBlock: 'x' } };
    expect(problemsOf(podOf({ [NETWORKS]: 'macvlan' }), { ...cluster, subnets })).toEqual([
      'subnet macvlan is not valid: CIDRBlock: "x" format error',
    ]);
  });

  it('has to be there where it is named', () => {
    const key = 'macvlan.default.kubernetes.io/logical_switch';
    expect(problemsOf(podOf({ [NETWORKS]: 'macvlan', [key]: 'none' }), cluster)).toEqual([
      'subnet none not found',
    ]);
  });

  it('has to be one of OVN’s for a network of type kube-ovn', () => {
    const key = `${ATTACHNET}.kubernetes.io/logical_switch`;
    const pod = podOf({ [NETWORKS]: 'attachnet', [key]: 'macvlan' });
    expect(problemsOf(pod, cluster)[0]).toContain("which is none of OVN's");
  });

  it('may be shared by two networks', () => {
    const nads = {
      'default/a': { ...ATTACHNET_NAD, provider: 'a.default.ovn' },
      'default/b': { ...ATTACHNET_NAD, provider: 'b.default.ovn' },
    };
    const annotations = {
      [NETWORKS]: 'a,b',
      'a.default.ovn.kubernetes.io/logical_switch': 'net',
      'b.default.ovn.kubernetes.io/logical_switch': 'net',
    };
    const nics = nicsOf(podOf(annotations), { nads, subnets: { net: ovnSubnet } });
    expect(nics.map(({ provider, attempts }) => [provider, attempts[0].subnet.name])).toEqual([
      ['a.default.ovn', 'net'],
      ['b.default.ovn', 'net'],
    ]);
  });
});
