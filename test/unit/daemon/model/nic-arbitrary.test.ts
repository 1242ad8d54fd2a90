import { BlockList } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CniError } from '../../../../src/daemon/call/error.ts';
import type { Annotations } from '../../../../src/daemon/model/annotation-keys.ts';
import type { Nic } from '../../../../src/daemon/model/nic.ts';
import { readNic } from '../../../../src/daemon/model/nic.ts';
import { toWireRoute } from '../../../../src/daemon/model/route.ts';
import { ATTACHED, net1, primary, under, WRITTEN } from '../nic/support.ts';
import { attachmentOf, expectReadable, HOSTILE_TEXTS } from '../support.ts';

describe('arbitrary annotations', () => {
  const names = [
    ...['allocated', 'ip_address', 'cidr', 'gateway', 'mac_address', 'routed', 'routes'],
    ...['default_route', 'logical_switch', 'pod_nic_type'],
    ...['provider_network', 'virtualmachine', 'activation_strategy'],
  ];
  const prefixes = ['ovn', ATTACHED, `${ATTACHED}.net1`, 'macvlan.default'];
  const ipv4 = fc.tuple(fc.nat(1), fc.nat(2)).map(([a, b]) => `10.${a}.0.${b}`);
  const ipv6 = fc.tuple(fc.nat(1), fc.nat(2)).map(([a, b]) => `fd00:${a}::${b}`);
  const cidr = fc.oneof(
    fc.tuple(ipv4, fc.nat(40)).map(([ip, length]) => `${ip}/${length}`),
    fc.tuple(ipv6, fc.nat(130)).map(([ip, length]) => `${ip}/${length}`),
  );
  const item = fc.oneof(ipv4, ipv6, cidr);
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.array(item, { maxLength: 3 }).map((items) => items.join(',')) },
    { weight: 2, arbitrary: fc.constantFrom(...Object.values(WRITTEN), 'true', 'false', '7', '') },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS.filter((t) => t.length < 99)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.json() },
  );
  const key = fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...prefixes), fc.constantFrom(...names))
        .map(([prefix, name]) => `${prefix}.kubernetes.io/${name}`),
    },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', '') },
  );
  const base = fc.constantFrom<Annotations>(
    ...prefixes.map((prefix) => under(prefix, { ...WRITTEN, routed: 'true' })),
    under('ovn', { ...WRITTEN, ip_address: 'fd00:1::2,10.1.0.2', cidr: '10.0.0.0/8,fd00::/16' }),
  );
  const attachment = fc.constantFrom(
    primary,
    net1,
    attachmentOf({ ifName: 'net1', provider: 'macvlan.default', ipamOnly: true }),
  );

  it('end in a NIC with addresses in their CIDRs, in a wait, or in a CniError', async () => {
    const outcomes = { nic: 0, wait: 0, error: 0 };
    await fc.assert(
      fc.property(attachment, base, fc.dictionary(key, value), (asked, written, changes) => {
        const outcome = outcomeOf({ ...written, ...changes }, asked);
        if (outcome instanceof CniError) {
          outcomes.error += 1;
          expectReadable(outcome);
        } else if ('missing' in outcome) outcomes.wait += 1;
        else {
          outcomes.nic += 1;
          expectSound(outcome);
        }
      }),
      { numRuns: 2000 },
    );
    // Each kind of outcome is reached often enough to mean something.
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(50);
  });
});

function outcomeOf(annotations: Annotations, attachment: typeof primary) {
  try {
    return readNic(annotations, attachment);
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

/** One address of a family at most, each in its CIDR, with a gateway of its family; plain words. */
function expectSound(nic: Nic): void {
  const families = nic.addresses.map(({ address }) => address.family);
  expect(new Set(families).size).toBe(families.length);
  for (const { address, cidr, gateway } of nic.addresses) {
    const family = address.family === 'IPv4' ? 'ipv4' : 'ipv6';
    const list = new BlockList();
    list.addSubnet(cidr.network, cidr.prefixLength, family);
    expect(list.check(address.text, family)).toBe(true);
    expect([cidr.family, gateway?.family ?? address.family]).toEqual([
      address.family,
      address.family,
    ]);
  }
  const words = [nic.mac, nic.logicalSwitch, nic.providerNetwork, nic.workload];
  for (const word of words) expect(word ?? '').toMatch(/^[a-z0-9.:-]{0,253}$/);
  for (const route of nic.routes.map(toWireRoute)) {
    expect(Object.values(route).join(' ')).toMatch(/^[0-9a-f.:/ ]+$/);
  }
}
