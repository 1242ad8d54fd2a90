import { describe, expect, it } from 'vitest';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import {
  address,
  dynamic,
  expectRefused,
  fixed,
  fromPool,
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

describe('addresses that are asked for', () => {
  // As TestGetStaticAddressWithFamily and TestCheckAndAppendIpsForDual.
  it('are completed by one of the other family, unless one family is asked for', () => {
    const allocator = allocatorOf(DUAL);
    const v4 = fixed('a', '10.0.0.10', { family: 'IPv4' });
    const v6 = fixed('b', '2001:db8::10', { family: 'IPv6' });
    expect(textOf(allocator.acquire(v4))).toBe('10.0.0.10');
    expect(textOf(allocator.acquire(v6))).toBe('2001:db8::10');
    expect(textOf(allocator.acquire(fixed('c', '10.0.0.11')))).toBe('10.0.0.11,2001:db8::1');
    expect(textOf(allocator.acquire(fixed('d', '2001:db8::2')))).toBe('10.0.0.1,2001:db8::2');
    expect(textOf(allocator.acquire(fixed('e', '2001:db8::e,10.0.0.14')))).toBe(
      '10.0.0.14,2001:db8::e',
    );
  });

  it.each([
    ['2001:db8::11', 'IPv4'],
    ['10.0.0.11,2001:db8::11', 'IPv4'],
    ['10.0.0.11', 'IPv6'],
    ['10.0.0.11,10.0.0.12', undefined],
  ] as const)('are not %s where the family asked for is %s', (list, family) => {
    expectRefused(allocatorOf(DUAL), fixed('a', list, { family }), 'InvalidIPFamily');
  });

  it('are not one of a family that the Subnet does not have', () => {
    const allocator = allocatorOf('10.0.0.0/24');
    const error = expectRefused(allocator, fixed('a', '10.0.0.5,fd00::5'), 'AddressOutOfRange');
    expect(error.details).toBe('the Subnet has no IPv6 cidrBlock');
  });

  // As TestGetStaticAddressRejectsGatewayIP and case 6.4.
  it.each([
    ['10.0.0.1', 'AddressConflict', '10.0.0.1 is the gateway of subnet net'],
    ['10.0.0.9', 'AddressOutOfRange', '10.0.0.9 is outside of subnet net'],
    ['10.0.0.0', 'AddressOutOfRange', 'first or last address of 10.0.0.0/29 of subnet net'],
    ['10.0.0.7', 'AddressOutOfRange', 'first or last address of 10.0.0.0/29 of subnet net'],
    ['fd00::1', 'AddressConflict', 'fd00::1 is the gateway of subnet net'],
    ['fd00::', 'AddressOutOfRange', 'first or last address of fd00::/125 of subnet net'],
  ] as const)('are not %s, with or without sharing', (text, reason, what) => {
    const allocator = allocatorOf('10.0.0.0/29,fd00::/125', { gateway: '10.0.0.1,fd00::1' });
    for (const sharing of [false, true]) {
      const error = expectRefused(allocator, fixed('a', text, { mayShare: () => sharing }), reason);
      expect(error.message).toContain(`${reason}: `);
      expect(error.message).toContain(what);
      expect(error).toMatchObject({ subnet: 'net', address: text, owners: [] });
    }
  });

  it('say what is possible, and who has what is not', () => {
    const allocator = allocatorOf('10.0.0.0/29', { gateway: '10.0.0.1' });
    allocator.acquire(fixed('a', '10.0.0.3'));
    expect(expectRefused(allocator, fixed('b', '10.0.0.9'), 'AddressOutOfRange').details).toBe(
      'an address of 10.0.0.1-10.0.0.6 is possible',
    );
    const conflict = expectRefused(allocator, fixed('b', '10.0.0.3'), 'AddressConflict');
    expect(conflict.owners).toEqual([owner('a')]);
    expect(conflict.message).toBe(
      'AddressConflict: address 10.0.0.3 of subnet net belongs to NIC a of pod default/a',
    );
  });

  it('may be excluded, released and of any pool', () => {
    const allocator = allocatorOf('10.0.0.0/29', { gateway: '10.0.0.1', excludes: '10.0.0.6' });
    allocator.setPool(pool('p', 'net', '10.0.0.5'));
    allocator.acquire(dynamic('a'));
    allocator.release(owner('a'));
    for (const text of ['10.0.0.6', '10.0.0.5', '10.0.0.2']) {
      expect(textOf(allocator.acquire(fixed(text, text)))).toBe(text);
    }
    expectRefused(allocator, fromPool('b', 'p'), 'NoAvailableAddress');
  });

  it('are not those of another NIC of the same pod', () => {
    const allocator = allocatorOf('10.0.0.0/29');
    const pod = 'default/web';
    allocator.acquire(fixed('web.net1', '10.0.0.3', { pod }));
    for (const sharing of [false, true]) {
      const second = fixed('web.net2', '10.0.0.3', { pod, mayShare: () => sharing });
      expectRefused(allocator, second, 'AddressConflict');
    }
  });

  // As TestGetStaticAddressReleaseExisting.
  it('take the place of what the NIC has, and of no more than differs', () => {
    const allocator = allocatorOf(DUAL, { gateway: '10.0.0.1,2001:db8::1' });
    const { mac } = allocator.acquire(dynamic('a'));
    expect(textOf(allocator.acquire(fixed('a', '10.0.0.9')))).toBe('10.0.0.9,2001:db8::2');
    expect(textOf(allocator.acquire(fixed('a', '2001:db8::9')))).toBe('10.0.0.9,2001:db8::9');
    expect(textOf(allocator.acquire(dynamic('a')))).toBe('10.0.0.9,2001:db8::9');
    expect(allocator.allocationOf('a')?.mac).toBe(mac);
    expect(allocator.usage('net')?.IPv4.usingRanges).toBe('10.0.0.9');
    expectRefused(allocator, fixed('a', '10.0.0.1'), 'AddressConflict');
    expectRefused(allocator, fixed('a', '10.0.0.5,2001:db8::1'), 'AddressConflict');
  });
});

describe('a list of addresses', () => {
  it('gives the first that can be had, and that one again', () => {
    const allocator = allocatorOf('10.0.0.0/24', { gateway: '10.0.0.1' });
    const list = '10.0.0.20;10.0.0.21;10.0.0.22';
    expect(['a', 'b'].map((nic) => textOf(allocator.acquire(fixed(nic, list))))).toEqual([
      '10.0.0.20',
      '10.0.0.21',
    ]);
    allocator.release(owner('a'));
    expect(textOf(allocator.acquire(fixed('b', list)))).toBe('10.0.0.21');
    expect(textOf(allocator.acquire(fixed('c', list)))).toBe('10.0.0.20');
  });

  it('ends in the error of its last entry', () => {
    const allocator = allocatorOf('10.0.0.0/24', { gateway: '10.0.0.1' });
    allocator.acquire(fixed('a', '10.0.0.20'));
    expectRefused(allocator, fixed('b', '10.0.1.1;10.0.0.20'), 'AddressConflict');
    expectRefused(allocator, fixed('b', '10.0.0.20;10.0.1.1'), 'AddressOutOfRange');
  });

  it('may have pairs, of which a NIC gets both', () => {
    const allocator = allocatorOf(DUAL);
    allocator.acquire(fixed('a', '2001:db8::20', { family: 'IPv6' }));
    const list = '10.0.0.20,2001:db8::20;10.0.0.21,2001:db8::21';
    expect(textOf(allocator.acquire(fixed('b', list)))).toBe('10.0.0.21,2001:db8::21');
  });

  it('is left for another entry where the NIC has one that it may not have any more', () => {
    const allocator = allocatorOf('10.0.0.0/24');
    const list = '10.0.0.20;10.0.0.21';
    allocator.acquire(fixed('a', list));
    allocator.setSubnet(subnet('net', '10.0.0.0/24', { gateway: '10.0.0.20' }));
    expect(textOf(allocator.acquire(fixed('a', list)))).toBe('10.0.0.21');
  });

  it('gives a pod of a StatefulSet exactly the entry of its index', () => {
    const allocator = allocatorOf('10.0.0.0/24');
    const entries = ['10.0.0.20', '10.0.0.21'].map((text) => [address(text)]);
    const at = (nic: string, index: number) =>
      dynamic(nic, { addresses: { kind: 'fixed', entries, index } });
    expect(textOf(allocator.acquire(at('web-1', 1)))).toBe('10.0.0.21');
    expectRefused(allocator, at('other-1', 1), 'AddressConflict');
    const error = expectRefused(allocator, at('web-2', 2), 'NoAvailableAddress');
    expect(error.message).toBe('NoAvailableAddress: the list has 2 entries, and none for index 2');
  });

  it('without an entry gives nothing', () => {
    const request = dynamic('a', { addresses: { kind: 'fixed', entries: [] } });
    expectRefused(allocatorOf('10.0.0.0/24'), request, 'NoAvailableAddress');
  });
});

describe('a shared address', () => {
  it('has the owners that agreed to it, and is free when the last is gone', () => {
    const allocator = allocatorOf('10.0.0.0/30');
    allocator.acquire(fixed('source', '10.0.0.1'));
    expectRefused(allocator, fixed('target', '10.0.0.1'), 'AddressConflict');
    allocator.acquire(fixed('target', '10.0.0.1', { mayShare: () => true }));
    expect(allocator.ownersOf('net', address('10.0.0.1'))).toEqual(['source', 'target'].map(owner));
    expect(allocator.usage('net')?.IPv4.using).toBe(1n);
    // Who has it, has it: nothing changes for the first.
    expect(textOf(allocator.acquire(fixed('source', '10.0.0.1')))).toBe('10.0.0.1');
    allocator.release(owner('source'));
    expectRefused(allocator, fixed('x', '10.0.0.1'), 'AddressConflict');
    allocator.release(owner('target'));
    expect(textOf(allocator.acquire(fixed('x', '10.0.0.1')))).toBe('10.0.0.1');
  });

  it('is never allocated dynamically', () => {
    const allocator = allocatorOf('10.0.0.0/30');
    allocator.acquire(dynamic('a'));
    expect(textOf(allocator.acquire(dynamic('b', { mayShare: () => true })))).toBe('10.0.0.2');
    expectRefused(allocator, dynamic('c', { mayShare: () => true }), 'NoAvailableAddress');
  });
});
