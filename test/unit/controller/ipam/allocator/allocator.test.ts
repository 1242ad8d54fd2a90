import { describe, expect, it } from 'vitest';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import {
  address,
  dynamic,
  errorOf,
  expectRefused,
  fixed,
  owner,
  pool,
  subnet,
  textOf,
} from './support.ts';

/** With one Subnet, "net". */
function allocatorOf(cidrs: string, options: { gateway?: string; excludes?: string } = {}) {
  const allocator = new Allocator();
  allocator.setSubnet(subnet('net', cidrs, options));
  return allocator;
}

const DUAL = '10.0.0.0/24,2001:db8::/64';

describe('addresses that are allocated dynamically', () => {
  it('are those of the worked example', () => {
    const allocator = allocatorOf('10.100.0.0/29', { gateway: '10.100.0.1' });
    const allocate = (nic: string) => textOf(allocator.acquire(dynamic(nic)));
    expect(['a', 'b', 'c'].map(allocate)).toEqual(['10.100.0.2', '10.100.0.3', '10.100.0.4']);
    expect(textOf(allocator.release(owner('a')))).toBe('10.100.0.2');
    expect(allocate('d')).toBe('10.100.0.5');
    expect(['e', 'f'].map(allocate)).toEqual(['10.100.0.6', '10.100.0.2']);
    expectRefused(allocator, fixed('x', '10.100.0.1'), 'AddressConflict');
    expectRefused(allocator, fixed('x', '10.100.0.9'), 'AddressOutOfRange');
    expectRefused(allocator, fixed('x', '10.100.0.3'), 'AddressConflict');
    expectRefused(allocator, dynamic('x'), 'NoAvailableAddress');
    // Of six addresses one is the gateway's and five are used.
    expect(allocator.usage('net')?.IPv4).toEqual({
      using: 5n,
      usingRanges: '10.100.0.2-10.100.0.6',
      available: 0n,
      availableRanges: '',
    });
  });

  it('show in the usage as in the status of a Subnet', () => {
    const allocator = allocatorOf('10.100.0.0/16', {
      gateway: '10.100.0.1',
      excludes: '10.100.0.1',
    });
    expect(allocator.usage('net')?.IPv4.available).toBe(65533n);
    allocator.acquire(dynamic('a'));
    expect(allocator.usage('net')).toEqual({
      IPv4: {
        using: 1n,
        usingRanges: '10.100.0.2',
        available: 65532n,
        availableRanges: '10.100.0.3-10.100.255.254',
      },
      IPv6: { using: 0n, usingRanges: '', available: 0n, availableRanges: '' },
    });
    expect(allocator.usage('other')).toBeUndefined();
  });

  it('are the same again for the same NIC', () => {
    const allocator = allocatorOf(DUAL);
    const first = allocator.acquire(dynamic('a'));
    expect(allocator.acquire(dynamic('a'))).toEqual(first);
    expect(allocator.usage('net')?.IPv6.using).toBe(1n);
  });

  // As TestGetV4RandomAddressPTP.
  it.each([
    ['10.0.0.0/31', ['10.0.0.0', '10.0.0.1']],
    ['fd00::/127', ['fd00::', 'fd00::1']],
    ['10.0.0.0/30', ['10.0.0.1', '10.0.0.2']],
    ['fd00::/126', ['fd00::1', 'fd00::2']],
  ])('of %s are %s and no more', (cidr, expected) => {
    const allocator = allocatorOf(cidr);
    expect(expected.map((nic) => textOf(allocator.acquire(dynamic(nic))))).toEqual(expected);
    const error = expectRefused(allocator, dynamic('x'), 'NoAvailableAddress');
    expect(error.message).toMatch(/^NoAvailableAddress: no IPv. address of subnet net is left$/);
  });

  // As TestGetRandomAddressWithFamily.
  it('are of both families, or of the one that is asked for', () => {
    const allocator = allocatorOf(DUAL);
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.1,2001:db8::1');
    expect(textOf(allocator.acquire(dynamic('b', { family: 'IPv4' })))).toBe('10.0.0.2');
    expect(textOf(allocator.acquire(dynamic('c', { family: 'IPv6' })))).toBe('2001:db8::2');
    expect(allocator.ownersOf('net', address('2001:db8::2'))).toEqual([owner('c')]);
    expect(allocator.ownersOf('net', address('10.0.0.3'))).toEqual([]);
  });

  it('of the family that is no longer asked for are released', () => {
    const allocator = allocatorOf(DUAL);
    allocator.acquire(dynamic('a'));
    expect(textOf(allocator.acquire(dynamic('a', { family: 'IPv6' })))).toBe('2001:db8::1');
    expect(allocator.ownersOf('net', address('10.0.0.1'))).toEqual([]);
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.2,2001:db8::1');
  });

  it('are not of a family that the Subnet does not have', () => {
    const allocator = allocatorOf('10.0.0.0/24');
    const error = expectRefused(allocator, dynamic('a', { family: 'IPv6' }), 'InvalidIPFamily');
    expect(error.message).toBe(
      'InvalidIPFamily: requested ip family ipv6 does not match subnet net protocol IPv4',
    );
  });

  // As TestIPAMDualRandomAddressHandlesV4OnV6Exhaustion and TestGetDualRandomAddressV6FailureRollsBackV4.
  it('are none of IPv4 where none of IPv6 is left', () => {
    const allocator = allocatorOf('10.0.0.0/30,fd00::/126', {
      gateway: '10.0.0.1,fd00::1',
      excludes: 'fd00::1..fd00::2',
    });
    expectRefused(allocator, dynamic('a'), 'NoAvailableAddress');
    expect(textOf(allocator.acquire(dynamic('a', { family: 'IPv4' })))).toBe('10.0.0.2');
    expectRefused(allocator, dynamic('a'), 'NoAvailableAddress');
    expect(textOf(allocator.allocationOf('a'))).toBe('10.0.0.2');
  });

  // As TestIPAMRandomAddressDoesNotRecycleReservedIPs.
  it('are none that are excluded, even when they were used and released', () => {
    const allocator = allocatorOf('10.0.0.0/30', { gateway: '10.0.0.1', excludes: '10.0.0.2' });
    expectRefused(allocator, dynamic('a'), 'NoAvailableAddress');
    expect(textOf(allocator.acquire(fixed('a', '10.0.0.2')))).toBe('10.0.0.2');
    expect(allocator.usage('net')?.IPv4).toMatchObject({ using: 0n, available: 0n });
    allocator.release(owner('a'));
    expectRefused(allocator, dynamic('a'), 'NoAvailableAddress');
  });

  it('are excluded no longer, once the Subnet says so', () => {
    const allocator = allocatorOf('10.0.0.0/30', { gateway: '10.0.0.1', excludes: '10.0.0.2' });
    allocator.setSubnet(subnet('net', '10.0.0.0/30', { gateway: '10.0.0.1' }));
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.2');
  });

  it('are given away again only when no other is left, the lowest first', () => {
    const allocator = allocatorOf('10.0.0.0/29', { gateway: '10.0.0.1' });
    for (const nic of ['a', 'b', 'c', 'd']) allocator.acquire(dynamic(nic));
    for (const nic of ['c', 'a']) allocator.release(owner(nic));
    expect(textOf(allocator.acquire(dynamic('e')))).toBe('10.0.0.6');
    expect(textOf(allocator.acquire(dynamic('f')))).toBe('10.0.0.2');
    // Released now, when what was released before is free: it comes after that.
    allocator.release(owner('f'));
    expect(textOf(allocator.acquire(dynamic('g')))).toBe('10.0.0.4');
    expect(textOf(allocator.acquire(dynamic('h')))).toBe('10.0.0.2');
  });

  it('come in the same order after a request that failed', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/126', { gateway: '10.0.0.1,fd00::1' });
    for (const nic of ['a', 'b', 'c', 'd', 'e'])
      allocator.acquire(dynamic(nic, { family: 'IPv4' }));
    allocator.acquire(dynamic('f', { family: 'IPv6' }));
    allocator.release(owner('b'));
    // There is an IPv4 address for it, and no IPv6 one.
    expectRefused(allocator, dynamic('x'), 'NoAvailableAddress');
    allocator.release(owner('a'));
    expect(textOf(allocator.acquire(dynamic('y', { family: 'IPv4' })))).toBe('10.0.0.2');
  });

  it('are none of those to be skipped', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125', { gateway: '10.0.0.1,fd00::1' });
    const skip = ['10.0.0.2', '10.0.0.3', 'fd00::3', '192.168.0.1'].map(address);
    expect(textOf(allocator.acquire(dynamic('a', { skip })))).toBe('10.0.0.4,fd00::2');
    expect(textOf(allocator.acquire(fixed('b', '10.0.0.2', { skip })))).toBe('10.0.0.2,fd00::4');
  });

  // As TestGetDualRandomAddressSkipsOnlyRequestedFamilies.
  it('are allocated anew where one is to be skipped, and only that one', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125', { gateway: '10.0.0.1,fd00::1' });
    allocator.acquire(dynamic('a'));
    const skip = [address('10.0.0.2')];
    expect(textOf(allocator.acquire(dynamic('a', { skip })))).toBe('10.0.0.3,fd00::2');
  });

  it('are released ones where all that are free are to be skipped', () => {
    const allocator = allocatorOf('10.0.0.0/30');
    allocator.acquire(dynamic('a'));
    allocator.release(owner('a'));
    const skip = [address('10.0.0.2')];
    expect(textOf(allocator.acquire(dynamic('b', { skip })))).toBe('10.0.0.1');
    expectRefused(allocator, dynamic('c', { skip }), 'NoAvailableAddress');
  });
});

describe('a NIC', () => {
  it('has addresses of one Subnet, and what it had is released when it moves', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setSubnet(subnet('other', '10.0.0.0/29'));
    const before = allocator.acquire(dynamic('a'));
    expectRefused(allocator, fixed('a', '10.1.0.1', { subnet: 'other' }), 'AddressOutOfRange');
    expect(allocator.allocationOf('a')).toEqual(before);
    const after = allocator.acquire(dynamic('a', { subnet: 'other' }));
    expect(after).toMatchObject({ subnet: 'other', addresses: [address('10.0.0.1')] });
    expect(allocator.ownersOf('net', address('10.0.0.1'))).toEqual([]);
    expect(allocator.ownersOfMac('net', before.mac ?? '')).toEqual([]);
    expect(allocator.ownersOfMac('other', after.mac ?? '')).toEqual([owner('a')]);
  });

  it('is of one pod: another whose NIC has the same name gets and releases nothing', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    const nic = 'a.b.c.d.ovn';
    allocator.acquire(dynamic(nic, { pod: 'b/a' }));
    const error = expectRefused(allocator, dynamic(nic, { pod: 'c/a.b' }), 'AddressConflict');
    expect(error.owners).toEqual([{ nic, pod: 'b/a' }]);
    expect(allocator.release({ nic, pod: 'c/a.b' })).toBeUndefined();
    allocator.unreserve({ nic, pod: 'c/a.b' });
    expect(allocator.allocationOf(nic)?.pod).toBe('b/a');
  });

  it('is found by its pod', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    const pod = 'default/web';
    const nics = ['web.net1', 'web.net2'];
    const allocations = nics.map((nic) => allocator.acquire(dynamic(nic, { pod })));
    expect(allocator.allocationsOf(pod)).toEqual(allocations);
    for (const nic of nics) allocator.release({ nic, pod });
    expect(allocator.allocationsOf(pod)).toEqual([]);
  });

  it('is released once', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.acquire(dynamic('a'));
    expect(textOf(allocator.release(owner('a')))).toBe('10.0.0.1');
    expect(allocator.release(owner('a'))).toBeUndefined();
    expect(allocator.allocationOf('a')).toBeUndefined();
  });
});

it('a Subnet that is not there is an error for whoever asks for it', () => {
  const allocator = new Allocator();
  const error = errorOf(() => allocator.acquire(dynamic('a')));
  expect(error).toMatchObject({ reason: 'NoSubnet', subnet: 'net' });
  expect(error.message).toBe('NoSubnet: there is no subnet net');
  expect(errorOf(() => allocator.setPool(pool('p', 'net', ''))).reason).toBe('NoSubnet');
  expect(allocator.ownersOf('net', address('10.0.0.1'))).toEqual([]);
});
