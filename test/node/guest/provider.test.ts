/**
 * Provider networks on links that this machine's kernel may lack, VLAN interfaces and bonds, on OVS's kernel
 * datapath: in a guest that has all three.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { GUEST_HOOK_MS_MAX, inGuest, whyNoGuest } from '../../lab/guest/guest.ts';
import type { NodeState } from './ip.ts';
import type { Course, ProviderFacts } from './provider-program.ts';

const NOTHING = { addresses: [], routes: [] };

/** What moves between two links. */
function configOf(state: NodeState, link: string): Pick<NodeState[string], 'addresses' | 'routes'> {
  const { addresses = [], routes = [] } = state[link] ?? {};
  // It says how an address was added, and nothing of what it is.
  const settled = addresses.map((address) => ({ ...address, nodad: undefined }));
  return { addresses: settled, routes };
}

/** Addresses and routes are compared by `configOf`: the kernel lists them as they were added. */
function withoutConfig({ before, after }: Course): { before: object; after: object } {
  const links = (state: NodeState) =>
    Object.fromEntries(
      Object.entries(state).map(([name, link]) => [name, { ...link, ...NOTHING }]),
    );
  return { before: links(before), after: links(after) };
}

describe.skipIf(whyNoGuest)('a provider network on the kernel datapath', () => {
  let facts: ProviderFacts;
  beforeAll(async () => {
    facts = await inGuest<ProviderFacts>(join(import.meta.dirname, 'provider-program.ts'));
  }, GUEST_HOOK_MS_MAX);

  describe('on a card with VLAN interfaces', () => {
    const moves = [
      ['eth0', 'br-net1'],
      ['eth0.10', 'br-net1-vlan10'],
      ['eth0.20', 'br-net1-vlan20'],
    ] as const;

    test.each(moves)('has addresses and routes of %s on %s', (link, port) => {
      const { before, meanwhile } = facts.kept;
      expect(configOf(before, link).addresses).not.toEqual([]);
      expect(configOf(meanwhile, port)).toEqual(configOf(before, link));
      expect(configOf(meanwhile, link)).toEqual(NOTHING);
    });

    test('says that some have their addresses in the bridge', () => {
      const labels = { ready: 'true', interface: 'eth0', mtu: '1500', vlan_interfaces: 'true' };
      expect(facts.kept.labels).toEqual(labels);
    });

    test('reaches and is reached, without a tag and in its VLANs, and so do pods', () => {
      const found = Object.entries(facts.kept.answers);
      expect(found.filter(([, isAnswered]) => !isAnswered).map(([what]) => what)).toEqual([]);
    });

    test.each(moves)('gives %s back as it was, from %s', (link) => {
      const { before, after } = facts.kept;
      expect(configOf(after, link)).toEqual(configOf(before, link));
    });

    test('leaves no link, and none that is another one than before', () => {
      const { before, after } = withoutConfig(facts.kept);
      expect(after).toEqual(before);
    });

    test('costs who asks the node one packet at most when it is set up, and when it is removed', () => {
      expect(facts.kept.echoes).toHaveLength(2);
      for (const { answered, lost } of facts.kept.echoes) {
        expect(answered).toBeGreaterThan(10);
        expect(lost).toBeLessThanOrEqual(2);
      }
    });

    test('has the MTU of a VLAN interface on its port', () => {
      expect(facts.kept.meanwhile['br-net1-vlan20']?.mtu).toBe(1400);
      expect(facts.kept.meanwhile['br-net1-vlan10']?.mtu).toBe(1500);
    });
  });

  describe('on a card with a VLAN interface that others are on', () => {
    test('is not set up, for a macvlan interface of a pod would be deleted, and says so', () => {
      const { before, meanwhile, message, isPodThere } = facts.used;
      expect(message).toMatch(
        /error=eth0\.10 has other interfaces on it, which would be deleted with it: one with the MAC /,
      );
      expect(isPodThere).toBe(true);
      expect(meanwhile).toEqual(before);
    });
  });

  describe('on a VLAN interface that it makes', () => {
    test('has it in its bridge, with its own mark', () => {
      const { before, meanwhile } = facts.made;
      expect(before).not.toHaveProperty('eth1.30');
      expect(meanwhile).toMatchObject({
        'eth1.30': {
          kind: 'vlan',
          on: 'eth1',
          id: 30,
          alias: 'kube-ovn:net2',
          master: 'ovs-system',
        },
      });
    });

    test('reaches machines in that VLAN', () => {
      expect(facts.made.isAnswered).toBe(true);
    });

    test('deletes it when it is removed, and nothing else', () => {
      expect(facts.made.after).toEqual(facts.made.before);
    });
  });

  describe('on a bond', () => {
    test('has its addresses and routes, its MAC, and a way out', () => {
      const { before, meanwhile, isAnswered } = facts.bond;
      expect(configOf(meanwhile, 'br-net3')).toEqual(configOf(before, 'bond0'));
      expect(meanwhile['br-net3']?.mac).toBe(before.bond0?.mac);
      expect(isAnswered).toBe(true);
    });

    test('gives the bond back as it was', () => {
      expect(facts.bond.after).toEqual(facts.bond.before);
    });
  });
});
