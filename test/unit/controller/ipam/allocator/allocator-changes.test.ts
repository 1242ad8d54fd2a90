import { describe, expect, it } from 'vitest';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import {
  address,
  adoption,
  dynamic,
  errorOf,
  expectRefused,
  fixed,
  fromPool,
  owner,
  pool,
  subnet,
  textOf,
  withMac,
} from './support.ts';

/** With one Subnet, "net". */
function allocatorOf(cidrs: string, options: { gateway?: string; excludes?: string } = {}) {
  const allocator = new Allocator();
  allocator.setSubnet(subnet('net', cidrs, options));
  return allocator;
}

describe('a Subnet that changes', () => {
  it('leaves owners what they have, and tells what lies outside now', () => {
    const allocator = allocatorOf('10.0.0.0/28', { gateway: '10.0.0.1' });
    for (const text of ['10.0.0.3', '10.0.0.9']) allocator.acquire(fixed(text, text));
    const changed = subnet('net', '10.0.0.0/29', { gateway: '10.0.0.3' });
    const told = allocator.setSubnet(changed);
    expect(told.map(({ reason, address: text, owners }) => [reason, text, owners])).toEqual([
      ['AddressConflict', '10.0.0.3', [owner('10.0.0.3')]],
      ['AddressOutOfRange', '10.0.0.9', [owner('10.0.0.9')]],
    ]);
    expect(told[1]?.message).toBe(
      'AddressOutOfRange: 10.0.0.9 is outside of subnet net, and NIC 10.0.0.9 of pod default/10.0.0.9 has it',
    );
    expect(textOf(allocator.allocationOf('10.0.0.9'))).toBe('10.0.0.9');
    expect(allocator.setSubnet(changed)).toEqual(told);
    // Nobody else gets them, nor are they available when they are released.
    expectRefused(allocator, fixed('x', '10.0.0.9'), 'AddressOutOfRange');
    for (const nic of ['10.0.0.3', '10.0.0.9']) allocator.release(owner(nic));
    expect(allocator.usage('net')?.IPv4.availableRanges).toBe(
      '10.0.0.1-10.0.0.2,10.0.0.4-10.0.0.6',
    );
    expect(allocator.setSubnet(changed)).toEqual([]);
  });

  it('gives a NIC that asks again an address that it may have', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125');
    allocator.acquire(fixed('a', '10.0.0.6'));
    allocator.setSubnet(subnet('net', '10.0.0.0/30,fd00::/125'));
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.1,fd00::1');
  });

  it('may lose a family: NICs keep it until they ask again', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125');
    allocator.acquire(dynamic('a'));
    const told = allocator.setSubnet(subnet('net', '10.0.0.0/29'));
    expect(told.map(({ address: text }) => text)).toEqual(['fd00::1']);
    expect(textOf(allocator.allocationOf('a'))).toBe('10.0.0.1,fd00::1');
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.1');
  });

  it('does not forget what was released', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.acquire(dynamic('a'));
    allocator.release(owner('a'));
    allocator.setSubnet(subnet('net', '10.0.0.0/28'));
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.2');
  });

  it('has IPPools whose addresses come to be its own', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setPool(pool('p', 'net', '10.0.0.6,10.0.0.8..10.0.0.9'));
    expect(allocator.poolUsage('net', 'p')?.IPv4.availableRanges).toBe('10.0.0.6');
    allocator.setSubnet(subnet('net', '10.0.0.0/28'));
    expect(allocator.poolUsage('net', 'p')?.IPv4.availableRanges).toBe(
      '10.0.0.6,10.0.0.8-10.0.0.9',
    );
  });

  it.each([
    ['10.0.0.0/29,10.1.0.0/29', '10.1.0.0/29 of subnet net is a second IPv4 network'],
    ['10.0.0.1/32', '10.0.0.1/32 of subnet net is a single address'],
    ['10.0.0.0/29,fd00::1/128', 'fd00::1/128 of subnet net is a single address'],
  ])('is not of %s', (cidrs, what) => {
    const allocator = allocatorOf('10.0.0.0/24');
    const error = errorOf(() => allocator.setSubnet(subnet('net', cidrs)));
    expect(error.reason).toBe('CIDRInvalid');
    expect(error.message).toBe(`CIDRInvalid: ${what}`);
    expect(allocator.usage('net')?.IPv4.available).toBe(254n);
  });

  it('takes all with it when it goes', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setPool(pool('p', 'net', '10.0.0.5'));
    const lost = ['a', 'b'].map((nic) => allocator.acquire(dynamic(nic)));
    allocator.setSubnet(subnet('other', '10.0.0.0/29'));
    const kept = allocator.acquire(dynamic('c', { subnet: 'other' }));
    expect(allocator.removeSubnet('net')).toEqual(lost);
    expect(allocator.allocationOf('a')).toBeUndefined();
    expect(allocator.allocationsOf('default/a')).toEqual([]);
    expect(allocator.allocationOf('c')).toEqual(kept);
    expect(allocator.poolUsage('net', 'p')).toBeUndefined();
    allocator.setSubnet(subnet('net', '10.0.0.0/29'));
    expect(allocator.usage('net')?.IPv4.available).toBe(6n);
    expect(allocator.poolUsage('net', 'p')).toBeUndefined();
    expect(allocator.removeSubnet('nowhere')).toEqual([]);
  });
});

describe('an IPPool', () => {
  it('has its addresses for who names it, in the order of release of its own', () => {
    const allocator = allocatorOf('10.0.0.0/28', { gateway: '10.0.0.1' });
    allocator.setPool(pool('p', 'net', '10.0.0.2..10.0.0.4'));
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.5');
    expect(textOf(allocator.acquire(fromPool('b', 'p')))).toBe('10.0.0.2');
    allocator.release(owner('a'));
    allocator.release(owner('b'));
    const allocate = (nic: string) => textOf(allocator.acquire(fromPool(nic, 'p')));
    expect(['c', 'd', 'e'].map(allocate)).toEqual(['10.0.0.3', '10.0.0.4', '10.0.0.2']);
    const error = expectRefused(allocator, fromPool('f', 'p'), 'NoAvailableAddress');
    expect(error.message).toBe(
      'NoAvailableAddress: no IPv4 address of ippool p of subnet net is left',
    );
    expect(allocator.poolUsage('net', 'p')?.IPv4).toEqual({
      using: 3n,
      usingRanges: '10.0.0.2-10.0.0.4',
      available: 0n,
      availableRanges: '',
    });
    expect(textOf(allocator.acquire(dynamic('f')))).toBe('10.0.0.6');
  });

  it('has to have each family that is asked for', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125');
    allocator.setPool(pool('p', 'net', '10.0.0.4'));
    const error = expectRefused(allocator, fromPool('a', 'p'), 'NoAvailableAddress');
    expect(error.message).toContain('no IPv6 address of ippool p');
    expect(textOf(allocator.acquire(fromPool('a', 'p', { family: 'IPv4' })))).toBe('10.0.0.4');
  });

  it('that is not there is an error for who names it', () => {
    const error = expectRefused(
      allocatorOf('10.0.0.0/29'),
      fromPool('a', 'p'),
      'NoAvailableAddress',
    );
    expect(error.message).toBe('NoAvailableAddress: there is no ippool p of subnet net');
  });

  it('takes the place of what the NIC has from elsewhere', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setPool(pool('p', 'net', '10.0.0.4..10.0.0.5'));
    allocator.acquire(dynamic('a'));
    expect(textOf(allocator.acquire(fromPool('a', 'p')))).toBe('10.0.0.4');
    expect(textOf(allocator.acquire(fromPool('a', 'p')))).toBe('10.0.0.4');
    // Who names no pool is content with what it has.
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.4');
  });

  it('has no address of another one, and changes nothing where it would', () => {
    const allocator = allocatorOf('10.0.0.0/28,fd00::/124');
    allocator.setPool(pool('p', 'net', '10.0.0.4..10.0.0.6,fd00::4'));
    allocator.setPool(pool('q', 'net', '10.0.0.8'));
    const clash = (list: string) => errorOf(() => allocator.setPool(pool('q', 'net', list)));
    expect(clash('10.0.0.3..10.0.0.5').message).toBe(
      'ippool q has conflict IPs with ippool p: 10.0.0.4-10.0.0.5',
    );
    const v6 = clash('10.0.0.9,fd00::3..fd00::4');
    expect(v6.message).toBe('ippool q has conflict IPs with ippool p: fd00::4');
    expect(v6.reason).toBe('IPPoolConflict');
    expect(allocator.poolUsage('net', 'q')?.IPv4.availableRanges).toBe('10.0.0.8');
    allocator.setPool(pool('p', 'net', '10.0.0.5,10.0.0.7'));
    allocator.setPool(pool('q', 'net', '10.0.0.6'));
    expect(allocator.poolUsage('net', 'q')?.IPv4.availableRanges).toBe('10.0.0.6');
  });

  it('that changes leaves owners what they have', () => {
    const allocator = allocatorOf('10.0.0.0/28');
    allocator.setPool(pool('p', 'net', '10.0.0.4..10.0.0.5'));
    allocator.acquire(fromPool('a', 'p'));
    allocator.setPool(pool('p', 'net', '10.0.0.5..10.0.0.6'));
    expect(textOf(allocator.allocationOf('a'))).toBe('10.0.0.4');
    expect(allocator.poolUsage('net', 'p')?.IPv4.using).toBe(0n);
    allocator.release(owner('a'));
    expect(allocator.usage('net')?.IPv4.available).toBe(14n);
    expect(allocator.poolUsage('net', 'p')?.IPv4.availableRanges).toBe('10.0.0.5-10.0.0.6');
  });

  // As TestIPAMRemovedPoolReturnsAddressesToDefaultPool.
  it('that is removed leaves its addresses to the Subnet, as they are', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setPool(pool('p', 'net', '10.0.0.1..10.0.0.3'));
    allocator.acquire(fromPool('a', 'p'));
    allocator.acquire(fromPool('b', 'p'));
    allocator.release(owner('a'));
    allocator.removePool('net', 'p');
    const allocate = (nic: string) => textOf(allocator.acquire(dynamic(nic)));
    // The released one is the last.
    expect(['c', 'd', 'e', 'f', 'g'].map(allocate)).toEqual(
      ['3', '4', '5', '6', '1'].map((last) => `10.0.0.${last}`),
    );
    expect(allocator.poolUsage('net', 'p')).toBeUndefined();
    allocator.removePool('net', 'p');
    allocator.removePool('nowhere', 'p');
  });

  it('allocates none of what is excluded, and counts it where it is used', () => {
    const allocator = allocatorOf('10.0.0.0/29', { excludes: '10.0.0.4' });
    allocator.setPool(pool('p', 'net', '10.0.0.4..10.0.0.5'));
    expect(textOf(allocator.acquire(fromPool('a', 'p')))).toBe('10.0.0.5');
    allocator.acquire(fixed('b', '10.0.0.4'));
    expect(allocator.poolUsage('net', 'p')?.IPv4.using).toBe(2n);
    expect(allocator.usage('net')?.IPv4.usingRanges).toBe('10.0.0.5');
  });
});

describe('what is adopted after a restart', () => {
  it('stays where it is, however little the Subnet agrees', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125', {
      gateway: '10.0.0.1,fd00::1',
      excludes: '10.0.0.5',
    });
    allocator.setPool(pool('p', 'net', '10.0.0.4'));
    for (const text of ['10.0.0.5', '10.0.0.4', '10.0.0.2']) {
      const adopted = allocator.adopt(
        adoption(text, text, { mac: `02-00-00-00-00-0${text.at(-1)}` }),
      );
      expect(adopted).toMatchObject({ refused: [], misplaced: [] });
      expect(adopted.allocation?.mac).toBe(`02:00:00:00:00:0${text.at(-1)}`);
    }
    const strange = allocator.adopt(adoption('x', '192.168.7.7,fd00::1'));
    expect(textOf(strange.allocation)).toBe('192.168.7.7,fd00::1');
    expect(strange.misplaced.map(({ reason }) => reason)).toEqual([
      'AddressOutOfRange',
      'AddressConflict',
    ]);
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.3,fd00::2');
    expect(textOf(allocator.release(owner('x')))).toBe('192.168.7.7,fd00::1');
    expect(allocator.usage('net')?.IPv4.availableRanges).toBe('10.0.0.6');
  });

  it('is what the pod has when it asks again', () => {
    const allocator = allocatorOf('10.0.0.0/24,fd00::/64');
    const { allocation } = allocator.adopt(
      adoption('a', 'fd00::7,10.0.0.7', { mac: '02:00:00:00:00:07' }),
    );
    expect(textOf(allocation)).toBe('10.0.0.7,fd00::7');
    expect(allocator.acquire(dynamic('a'))).toEqual(allocation);
  });

  it("is not someone else's: that is told, and the rest adopted", () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125');
    allocator.adopt(adoption('a', '10.0.0.2,fd00::2', { mac: '02:00:00:00:00:07' }));
    const second = allocator.adopt(adoption('b', '10.0.0.2,fd00::3', { mac: '02:00:00:00:00:07' }));
    expect(textOf(second.allocation)).toBe('fd00::3');
    expect(second.allocation?.mac).toBeUndefined();
    expect(
      second.refused.map(({ reason, address: text, owners }) => [reason, text, owners]),
    ).toEqual([
      ['AddressConflict', '10.0.0.2', [owner('a')]],
      ['AddressConflict', '02:00:00:00:00:07', [owner('a')]],
    ]);
    expect(textOf(allocator.allocationOf('a'))).toBe('10.0.0.2,fd00::2');
    const third = allocator.adopt(adoption('c', '10.0.0.2'));
    expect(third).toMatchObject({
      allocation: undefined,
      refused: [{ reason: 'AddressConflict' }],
    });
    expect(allocator.allocationOf('c')).toBeUndefined();
  });

  it('is shared where two pods of a virtual machine have it', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.adopt(adoption('a', '10.0.0.2', { mac: '02:00:00:00:00:07' }));
    const shared = { mac: '02:00:00:00:00:07', mayShare: () => true };
    expect(allocator.adopt(adoption('b', '10.0.0.2', shared)).refused).toEqual([]);
    expect(allocator.ownersOf('net', address('10.0.0.2'))).toEqual(['a', 'b'].map(owner));
  });

  it('takes the place of what the NIC had, in another Subnet too', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setSubnet(subnet('other', '10.1.0.0/29'));
    allocator.adopt(adoption('a', '10.0.0.2'));
    allocator.adopt(adoption('a', '10.1.0.2', { subnet: 'other' }));
    expect(allocator.ownersOf('net', address('10.0.0.2'))).toEqual([]);
    expect(allocator.ownersOf('other', address('10.1.0.2'))).toEqual([owner('a')]);
  });

  it("is one address of each family, of the NIC's own pod, in a Subnet that is there", () => {
    const allocator = allocatorOf('10.0.0.0/29');
    const two = allocator.adopt(adoption('a', '10.0.0.2,10.0.0.3'));
    expect(textOf(two.allocation)).toBe('10.0.0.2');
    expect(two.refused).toMatchObject([{ reason: 'InvalidIPFamily', address: '10.0.0.3' }]);
    const stranger = allocator.adopt(adoption('a', '10.0.0.3', { pod: 'other/pod' }));
    expect(stranger.allocation).toBeUndefined();
    expect(stranger.refused).toMatchObject([{ reason: 'AddressConflict', owners: [owner('a')] }]);
    expect(allocator.ownersOf('net', address('10.0.0.3'))).toEqual([]);
    const nowhere = adoption('b', '10.0.0.3', { subnet: 'other' });
    expect(errorOf(() => allocator.adopt(nowhere)).reason).toBe('NoSubnet');
  });
});

describe('what is reserved for a NIC', () => {
  it('waits for its pod, and for the next, until the reservation is over', () => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125');
    const promise = fixed('web-0', '10.0.0.4', withMac('02:00:00:00:00:04'));
    const reserved = allocator.reserve(promise);
    expect(reserved).toMatchObject({ reserved: true, mac: '02:00:00:00:00:04' });
    expectRefused(allocator, fixed('x', '10.0.0.4'), 'AddressConflict');
    expect(allocator.acquire(dynamic('web-0'))).toEqual(reserved);
    expect(allocator.release(owner('web-0'))).toBeUndefined();
    expect(allocator.allocationOf('web-0')).toEqual(reserved);
    allocator.unreserve(owner('web-0'));
    expect(textOf(allocator.allocationOf('web-0'))).toBe('10.0.0.4,fd00::1');
    expect(textOf(allocator.release(owner('web-0')))).toBe('10.0.0.4,fd00::1');
    allocator.unreserve(owner('web-0'));
    expect(allocator.allocationOf('web-0')).toBeUndefined();
  });

  it('is not exchanged for any address, but for one asked for by name', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    allocator.setPool(pool('p', 'net', '10.0.0.6'));
    allocator.reserve(fixed('a', '10.0.0.4'));
    expect(textOf(allocator.acquire(fromPool('a', 'p')))).toBe('10.0.0.4');
    const skip = [address('10.0.0.4')];
    expect(textOf(allocator.acquire(dynamic('a', { skip })))).toBe('10.0.0.4');
    expect(allocator.acquire(fixed('a', '10.0.0.5'))).toMatchObject({
      addresses: [address('10.0.0.5')],
      reserved: true,
    });
  });

  it('is reserved after a restart too, whoever of IP object and pod comes first', () => {
    for (const first of [true, false]) {
      const allocator = allocatorOf('10.0.0.0/29');
      allocator.adopt(adoption('a', '10.0.0.4', { reserved: first }));
      allocator.adopt(adoption('a', '10.0.0.4', { reserved: !first }));
      expect(allocator.release(owner('a'))).toBeUndefined();
    }
  });

  it('has to be something that the NIC may have', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    const outside = fixed('a', '10.0.1.1');
    expect(errorOf(() => allocator.reserve(outside)).reason).toBe('AddressOutOfRange');
    expect(allocator.allocationOf('a')).toBeUndefined();
  });
});
