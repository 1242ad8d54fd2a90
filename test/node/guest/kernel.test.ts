/**
 * What provider networks rely on of Linux and of OVS's kernel datapath, in a guest that has both: this
 * machine's kernel may have neither.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GUEST_HOOK_MS_MAX, inGuest, whyNoGuest } from '../../lab/guest/guest.ts';
import type { KernelFacts } from './kernel-program.ts';

describe.skipIf(whyNoGuest)("the guest's kernel", () => {
  let facts: KernelFacts;
  beforeAll(async () => {
    facts = await inGuest<KernelFacts>(join(import.meta.dirname, 'kernel-program.ts'));
  }, GUEST_HOOK_MS_MAX);

  it('has netem, which kernels of test machines may lack', () => {
    expect(facts.whyNoNetem).toBeUndefined();
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
