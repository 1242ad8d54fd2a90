/**
 * What the daemon relies on of Linux and of OVS's kernel datapath, and limits that only some kernels have, in a
 * guest that has all of it: this machine's kernel may have nothing of it.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GUEST_HOOK_MS_MAX, inGuest, whyNoGuest } from '../../lab/guest/guest.ts';
import type { KernelFacts } from './kernel-program.ts';
import { LATENCY_MS, RATE_MBPS } from './pods.ts';

describe.skipIf(whyNoGuest)('the kernel of a guest', () => {
  let facts: KernelFacts;
  beforeAll(async () => {
    facts = await inGuest<KernelFacts>(join(import.meta.dirname, 'kernel-program.ts'));
  }, GUEST_HOOK_MS_MAX);

  it('has netem, which kernels of test machines may lack', () => {
    expect(facts.whyNoNetem).toBeUndefined();
  });

  it('runs whole calls: ADD, CHECK and DEL', () => {
    const failed = Object.entries(facts.pods.calls).filter(([, outcome]) => outcome !== '0');
    expect(failed).toEqual([]);
    expect(Object.keys(facts.pods.calls)).toHaveLength(5);
  });

  it('delays packets to a pod that asks for latency, by netem', () => {
    expect(facts.pods.limits.qdiscs).toContain('netem');
    expect(facts.pods.roundTripMs).toBeGreaterThanOrEqual(LATENCY_MS);
  });

  it('polices packets from a pod that has a rate', () => {
    expect(facts.pods.limits.filters).toMatch(new RegExp(`police .*rate ${RATE_MBPS}Mbit`));
  });

  it('has nothing left of pods that are gone', () => {
    const { before, meanwhile, after } = facts.pods;
    expect(Object.keys(meanwhile)).toHaveLength(Object.keys(before).length + 2);
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it('drops all IPv4 routes of a link with its last address, and keeps those of IPv6 by a gateway', () => {
    expect(facts.routes).toEqual({
      before: { v4: ['10.99.0.0/16'], v6: ['fd99::/64'] },
      after: { v4: [], v6: ['fd99::/64'] },
    });
  });

  it('gives a bond the MAC of its first member, and the other members that of the bond', () => {
    const bond = facts.bonds.find(({ mode }) => mode === 'active-backup');
    expect(bond?.mac).toBe(bond?.ownMacs[0]);
    expect(bond?.macs).toEqual([bond?.mac, bond?.mac]);
  });

  it('leaves the members of a bond in mode balance-alb their own MACs', () => {
    const bond = facts.bonds.find(({ mode }) => mode === 'balance-alb');
    expect(bond?.macs).toEqual(bond?.ownMacs);
    expect(new Set(bond?.macs).size).toBe(2);
  });

  it("shows a bridge's card as part of ovs-system, and bridges and internal ports as openvswitch", () => {
    expect(facts.links).toEqual({
      eth0: { kind: 'veth', master: 'ovs-system' },
      'eth0.10': { kind: 'vlan' },
      'br-net1': { kind: 'openvswitch' },
      vlan10: { kind: 'openvswitch' },
    });
  });

  it("gives frames of a VLAN to the card's VLAN device and none to the bridge, also while it is down", () => {
    expect(facts.vlanDevice.received).toBeGreaterThan(0);
    expect(facts.vlanDevice.answered).toEqual({ up: false, down: false, gone: true });
  });
});
