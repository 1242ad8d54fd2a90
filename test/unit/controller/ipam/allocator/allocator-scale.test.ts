import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import { addressOf } from '../../../../../src/controller/ranges/address-range.ts';
import { randomNumbers, shuffled } from '../../ranges/trees.ts';
import { address, dynamic, fixed, owner, subnet } from './support.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes that are in use. */
function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Time of the processor that this process has had; ms. Other processes do not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Gives that many NICs addresses of a Subnet. */
function filled(cidrs: string, count: number): Allocator {
  const allocator = new Allocator();
  allocator.setSubnet(subnet('net', cidrs));
  for (let index = 0; index < count; index += 1) allocator.acquire(dynamic(`nic-${index}`));
  return allocator;
}

// Processors are shared with other tests: no test has to be done in a certain time.
describe('a /8 and a /64', { timeout: 120_000 }, () => {
  it('give 100,000 NICs their addresses in seconds, and in memory for these only', () => {
    const [bytes, ms] = [heapUsed(), processorMs()];
    const allocator = filled('10.0.0.0/8,fd00::/64', 100_000);
    expect(processorMs() - ms).toBeLessThan(15_000);
    expect((heapUsed() - bytes) / 100_000).toBeLessThan(2_500);
    expect(allocator.usage('net')).toMatchObject({
      IPv4: { using: 100_000n, usingRanges: '10.0.0.1-10.1.134.160', available: 16_677_214n },
      IPv6: { available: (1n << 64n) - 2n - 100_000n },
    });
  });

  it('take no more memory than networks that hardly have room for as many', () => {
    const bytesOf = (cidrs: string) => {
      const before = heapUsed();
      const allocator = filled(cidrs, 16_000);
      const bytes = heapUsed() - before;
      expect(allocator.usage('net')?.IPv4.using).toBe(16_000n);
      return bytes;
    };
    // What is compiled and cached on the way is not counted.
    bytesOf('10.0.0.0/8,fd00::/64');
    expect(bytesOf('10.0.0.0/8,fd00::/64') / bytesOf('10.0.0.0/18,fd00::/114')).toBeLessThan(1.3);
  });

  it('take a few kilobytes each when nobody has an address', () => {
    const empty = heapUsed();
    const allocator = new Allocator();
    for (let index = 0; index < 1_000; index += 1) {
      allocator.setSubnet(subnet(`net-${index}`, '10.0.0.0/8,fd00::/64', { gateway: '10.0.0.1' }));
    }
    expect((heapUsed() - empty) / 1_000).toBeLessThan(10_000);
    expect(allocator.usage('net-999')?.IPv4.available).toBe(16_777_213n);
  });

  it('keep nothing of NICs that have come and gone', () => {
    const allocator = filled('10.0.0.0/8,fd00::/64', 1_000);
    for (let index = 0; index < 1_000; index += 1) allocator.release(owner(`nic-${index}`));
    const before = heapUsed();
    for (let index = 0; index < 20_000; index += 1) {
      allocator.acquire(dynamic(`guest-${index}`));
      allocator.release(owner(`guest-${index}`));
    }
    expect((heapUsed() - before) / 20_000).toBeLessThan(20);
    expect(allocator.usage('net')?.IPv4.using).toBe(0n);
  });
});

describe('a Subnet in pieces', { timeout: 120_000 }, () => {
  /** Every second address is used: there are that many ranges of used and of free ones. */
  function inPieces(ranges: number): Allocator {
    const allocator = new Allocator();
    allocator.setSubnet(subnet('net', '10.0.0.0/8'));
    const numbers = Array.from({ length: ranges }, (_, index) => 0x0a000001n + 2n * BigInt(index));
    for (const number of shuffled(numbers)) {
      const { text } = addressOf('IPv4', number);
      allocator.acquire(fixed(text, text));
    }
    return allocator;
  }

  /** Median of the time that 200 moves of a NIC and 200 visits of another one take; ms. */
  function moveMs(allocator: Allocator, ranges: number): number {
    const random = randomNumbers();
    const times = Array.from({ length: 9 }, () => {
      const free = Array.from({ length: 200 }, () =>
        addressOf('IPv4', 0x0a000002n + 2n * BigInt(random() % ranges)),
      );
      const startedMs = processorMs();
      for (const { text } of free) allocator.acquire(fixed('mover', text));
      for (let index = 0; index < 200; index += 1) {
        allocator.acquire(dynamic('guest'));
        allocator.release(owner('guest'));
      }
      return processorMs() - startedMs;
    });
    return times.sort((a, b) => a - b)[4] ?? 0;
  }

  it('takes hardly longer for an allocation when there are ten times the pieces', () => {
    const few = inPieces(1_500);
    const many = inPieces(15_000);
    // Both are compiled before either is measured.
    moveMs(few, 1_500);
    moveMs(many, 15_000);
    expect(moveMs(many, 15_000) / moveMs(few, 1_500)).toBeLessThan(4);
    expect(many.ownersOf('net', address('10.0.0.1'))).toEqual([owner('10.0.0.1')]);
  });

  it('with a thousand IPPools takes hardly longer than with ten', () => {
    const withPools = (count: number) => {
      const allocator = new Allocator();
      allocator.setSubnet(subnet('net', '10.0.0.0/8'));
      for (let index = 0; index < count; index += 1) {
        const first = addressOf('IPv4', 0x0a000002n + 4n * BigInt(index));
        allocator.setPool({
          ...{ name: `pool-${index}`, subnet: 'net' },
          ranges: [{ first, last: first }],
        });
      }
      return allocator;
    };
    const [few, many] = [withPools(10), withPools(1_000)];
    for (const allocator of [few, many]) moveMs(allocator, 1_000);
    expect(moveMs(many, 1_000) / moveMs(few, 1_000)).toBeLessThan(4);
  });
});
