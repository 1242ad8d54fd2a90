/**
 * A card in a bridge of OVS's kernel datapath gets no packets: whether a node is reached again that starts with such
 * a bridge in OVS's database, in a guest.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { GUEST_HOOK_MS_MAX, inGuest, whyNoGuest } from '../../lab/guest/guest.ts';
import type { NodeState } from './ip.ts';
import type { RebootFacts } from './provider-reboot-program.ts';

const ALL = ['192.0.2.10', '2001:db8::10', '198.51.100.10', '2001:db8:10::10'];
const NOTHING = { addresses: [], routes: [] };

function configOf(state: NodeState, link: string): object {
  const { addresses = [], routes = [] } = state[link] ?? {};
  return { addresses, routes };
}

describe.skipIf(whyNoGuest)('a node that starts again with its card in the bridge', () => {
  let facts: RebootFacts;
  beforeAll(async () => {
    facts = await inGuest<RebootFacts>(join(import.meta.dirname, 'provider-reboot-program.ts'));
  }, GUEST_HOOK_MS_MAX);

  test('was reached before, untagged and in the VLAN of an interface whose addresses the bridge has', () => {
    expect(facts.answered).toEqual(ALL);
    // It would get the frames of its VLAN, and the bridge none.
    expect(facts.bridged).not.toHaveProperty(['eth0.10']);
  });

  test.each([
    ['eth0', 'br-net1'],
    ['eth0.10', 'br-net1-vlan10'],
  ])(
    'has the addresses and routes of %s on %s, before the API server has said anything',
    (link, port) => {
      expect(configOf(facts.rebooted, port)).toEqual(configOf(facts.before, link));
      expect(configOf(facts.rebooted, link)).toEqual(NOTHING);
    },
  );

  test('is reached again', () => {
    expect(facts.answeredThen).toEqual(ALL);
  });

  test('has its card and its VLAN interface back when the ProviderNetwork goes', () => {
    for (const link of ['eth0', 'eth0.10']) {
      expect(configOf(facts.removed, link)).toEqual(configOf(facts.before, link));
    }
    expect(facts.removed).not.toHaveProperty('br-net1');
  });
});
