import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMac } from '../../../../../src/common/address.ts';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import { canonicalMac } from '../../../../../src/controller/ipam/allocator/macs.ts';
import {
  adoption,
  dynamic,
  errorOf,
  expectRefused,
  fixed,
  owner,
  subnet,
  textOf,
  withMac,
} from './support.ts';

const GATEWAY_MAC = '02:00:00:00:00:01';

/** Its source of randomness gives these bytes, one after the other, and then the last forever. */
function allocatorWith(...random: readonly (readonly number[])[]) {
  const left = [...random];
  const randomBytes = () => Uint8Array.from((left.length > 1 ? left.shift() : left[0]) ?? []);
  const allocator = new Allocator({ randomBytes });
  allocator.setSubnet(subnet('net', '10.0.0.0/29,fd00::/125', { gateway: '10.0.0.1,fd00::1' }));
  return allocator;
}

describe('a MAC address that is made', () => {
  it('is local, unicast and in lower case, whatever the random bytes are', async () => {
    const bytes = fc.array(fc.nat(255), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.property(bytes, (random) => {
        const { mac = '' } = allocatorWith(random).acquire(dynamic('a'));
        expect(parseMac(mac)).toBe(mac);
        expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
        expect(mac.slice(3)).toBe(
          Buffer.from(random.slice(1))
            .toString('hex')
            .replace(/..(?=.)/g, '$&:'),
        );
      }),
    );
  });

  it("is neither the gateway's nor another NIC's", () => {
    const allocator = allocatorWith(
      [0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 2],
      [0, 0, 0, 0, 0, 2],
      [0, 0, 0, 0, 0, 3],
    );
    allocator.setGatewayMac('net', GATEWAY_MAC);
    expect(allocator.acquire(dynamic('a')).mac).toBe('02:00:00:00:00:02');
    expect(allocator.acquire(dynamic('b')).mac).toBe('02:00:00:00:00:03');
  });

  it('is not looked for without end where the source of randomness is broken', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
    allocator.acquire(dynamic('a'));
    const error = expectRefused(allocator, dynamic('b'), 'NoAvailableAddress');
    expect(error.message).toContain('no MAC address of subnet net');
  });

  it('comes from the system where nothing else is said', () => {
    const allocator = new Allocator();
    allocator.setSubnet(subnet('net', '10.0.0.0/24'));
    const macs = ['a', 'b', 'c'].map((nic) => allocator.acquire(dynamic(nic)).mac);
    expect(new Set(macs).size).toBe(3);
  });

  it('is kept by the NIC, until it is released', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 3]);
    expect(allocator.acquire(dynamic('a')).mac).toBe('02:00:00:00:00:02');
    expect(allocator.acquire(fixed('a', '10.0.0.5')).mac).toBe('02:00:00:00:00:02');
    allocator.release(owner('a'));
    expect(allocator.ownersOfMac('net', '02:00:00:00:00:02')).toEqual([]);
    expect(allocator.acquire(dynamic('a')).mac).toBe('02:00:00:00:00:03');
  });

  it('is another one once the gateway has it', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 3]);
    allocator.acquire(dynamic('a'));
    const error = allocator.setGatewayMac('net', GATEWAY_MAC.toUpperCase());
    expect(error).toMatchObject({ reason: 'AddressConflict', owners: [owner('a')] });
    expect(allocator.allocationOf('a')?.mac).toBe(GATEWAY_MAC);
    expect(allocator.acquire(dynamic('a')).mac).toBe('02:00:00:00:00:03');
    expect(allocator.setGatewayMac('net', undefined)).toBeUndefined();
  });
});

// As TestGetStaticMac of Kube-OVN, and what its comparison of texts lets pass.
describe('a MAC address that is asked for', () => {
  const MAC = '00:00:00:53:6b:bb';

  it.each(['00:00:00:53:6b:bb', '00:00:00:53:6B:BB', '00-00-00-53-6B-BB', '0000.0053.6bbb'])(
    'is given as %s, in one spelling, to one NIC',
    (text) => {
      const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
      expect(allocator.acquire(dynamic('a', withMac(text))).mac).toBe(MAC);
      const error = expectRefused(allocator, dynamic('b', withMac(MAC)), 'AddressConflict');
      expect(error).toMatchObject({ address: MAC, owners: [owner('a')], subnet: 'net' });
      expect(error.message).toBe(
        'AddressConflict: MAC address 00:00:00:53:6b:bb of subnet net belongs to NIC a of pod default/a',
      );
      expect(allocator.ownersOfMac('net', text)).toEqual([owner('a')]);
    },
  );

  it("is not the gateway's, for whom it may concern", () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
    allocator.setGatewayMac('net', '0A:00:00:00:00:01');
    const asked = withMac('0a:00:00:00:00:01');
    expectRefused(allocator, dynamic('a', asked), 'AddressConflict');
    expectRefused(allocator, dynamic('a', { ...asked, mayShare: () => true }), 'AddressConflict');
  });

  it('takes the place of the one the NIC has, which is free again', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 2]);
    const before = allocator.acquire(dynamic('a'));
    const after = allocator.acquire(dynamic('a', withMac(MAC)));
    expect(after).toEqual({ ...before, mac: MAC });
    expect(allocator.acquire(dynamic('a', withMac(MAC)))).toEqual(after);
    expect(allocator.acquire(dynamic('b')).mac).toBe(before.mac);
  });

  it('may be the same in another Subnet', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
    allocator.setSubnet(subnet('other', '10.0.0.0/29'));
    allocator.acquire(dynamic('a', withMac(MAC)));
    expect(allocator.acquire(dynamic('b', { subnet: 'other', ...withMac(MAC) })).mac).toBe(MAC);
  });

  it('may be shared by the pods of a virtual machine that migrates', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
    allocator.acquire(fixed('a', '10.0.0.5', withMac(MAC)));
    const target = fixed('b', '10.0.0.5', {
      ...withMac(MAC),
      mayShare: () => true,
      family: 'IPv4',
    });
    expect(allocator.acquire(target).mac).toBe(MAC);
    expect(allocator.ownersOfMac('net', MAC)).toEqual([owner('a'), owner('b')]);
    allocator.release(owner('a'));
    expectRefused(allocator, dynamic('c', withMac(MAC)), 'AddressConflict');
    allocator.release(owner('b'));
    expect(allocator.acquire(dynamic('c', withMac(MAC))).mac).toBe(MAC);
  });

  // As TestGetV4RandomAddressMacConflictRollback and its like for IPv6 and dual stack.
  it.each(['IPv4', 'IPv6', undefined] as const)(
    'takes no address of %s where it is not to be had',
    (family) => {
      const allocator = allocatorWith([0, 0, 0, 0, 0, 9]);
      allocator.acquire(dynamic('a', { family: 'IPv4', ...withMac(MAC) }));
      expectRefused(allocator, dynamic('b', { family, ...withMac(MAC) }), 'AddressConflict');
      expect(allocator.acquire(dynamic('b')).addresses).toHaveLength(2);
      // What the NIC had stays as well.
      expectRefused(
        allocator,
        fixed('b', '10.0.0.6', { family, ...withMac(MAC) }),
        'AddressConflict',
      );
      expect(textOf(allocator.allocationOf('b'))).toBe('10.0.0.3,fd00::2');
    },
  );
});

describe('a NIC that gets its MAC address elsewhere', () => {
  it('has none here, and releases one that it had', () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 2]);
    expect(allocator.acquire(dynamic('a', { mac: { kind: 'none' } })).mac).toBeUndefined();
    expect(allocator.acquire(dynamic('b')).mac).toBe('02:00:00:00:00:02');
    expect(allocator.acquire(dynamic('b', { mac: { kind: 'none' } })).mac).toBeUndefined();
    expect(allocator.acquire(dynamic('a')).mac).toBe('02:00:00:00:00:02');
  });
});

// As TestMacOnlySubnet.
describe('a Subnet of MAC addresses only', () => {
  const macOnly = () => {
    const allocator = allocatorWith([0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 3]);
    allocator.setSubnet(subnet('net', ''));
    return allocator;
  };

  it('gives each NIC one, the same again, and takes it back', () => {
    const allocator = macOnly();
    const first = allocator.acquire(dynamic('a'));
    expect(first).toMatchObject({ addresses: [], mac: '02:00:00:00:00:02' });
    expect(allocator.acquire(dynamic('a', { family: 'IPv4' }))).toEqual(first);
    expect(allocator.release(owner('a'))).toEqual(first);
    expect(allocator.ownersOfMac('net', '02:00:00:00:00:02')).toEqual([]);
  });

  it('gives the one that is asked for, to one NIC', () => {
    const allocator = macOnly();
    const asked = withMac('00:11:22:33:44:55');
    expect(allocator.acquire(dynamic('a', asked)).mac).toBe('00:11:22:33:44:55');
    expect(allocator.acquire(dynamic('a', asked)).mac).toBe('00:11:22:33:44:55');
    expectRefused(allocator, dynamic('b', asked), 'AddressConflict');
  });

  it('has no address to ask for', () => {
    expectRefused(macOnly(), fixed('a', '10.0.0.5'), 'AddressOutOfRange');
  });

  it('lets a NIC keep its one after a restart', () => {
    const allocator = macOnly();
    const { allocation } = allocator.adopt(adoption('a', '', { mac: '00:11:22:33:44:55' }));
    expect(allocation?.mac).toBe('00:11:22:33:44:55');
    expect(allocator.acquire(dynamic('a'))).toEqual(allocation);
  });
});

it('a MAC address of no Subnet has no owner, and no gateway', () => {
  const allocator = new Allocator();
  expect(allocator.ownersOfMac('net', '02:00:00:00:00:01')).toEqual([]);
  expect(errorOf(() => allocator.setGatewayMac('net', GATEWAY_MAC)).reason).toBe('NoSubnet');
});

it('the one spelling of a MAC address is found of each', async () => {
  await fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
      const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
      const canonical = pairs.join(':');
      for (const text of [canonical, canonical.toUpperCase(), pairs.join('-'), pairs.join('')]) {
        expect(canonicalMac(text)).toBe(canonical);
      }
    }),
  );
});
