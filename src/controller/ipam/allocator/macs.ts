/**
 * The MAC addresses of one Subnet: who has which, and new ones. They are compared in one spelling,
 * lower case with colons: "0A-00-…" and "0a:00:…" are the same address.
 */
import { randomBytes } from 'node:crypto';
import { AllocationError, ownerText, takenBy } from './error.ts';
import type { MayShare, Owner } from './owners.ts';
import { Owners } from './owners.ts';

/** Gives this many random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** Bytes that are asked of the kernel at once: for a MAC each it is a system call else. */
const POOL_BYTES = 1536;

/** @param count no more than POOL_BYTES */
export function pooledRandomBytes(): RandomBytes {
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return (count) => {
    if (at + count > pool.length) {
      pool = randomBytes(POOL_BYTES);
      at = 0;
    }
    at += count;
    return pool.subarray(at - count, at);
  };
}

/**
 * Among 2^46 addresses even one collision is rare: this many in a row mean that the source of
 * randomness gives always the same.
 */
const ATTEMPTS_MAX = 100;

/**
 * Who has which MAC address in one Subnet. Addresses go in and out in canonical text; `take` and `release`
 * check nothing.
 */
export class SubnetMacs {
  readonly #subnet: string;
  readonly #randomBytes: RandomBytes;
  readonly #owners = new Owners<string>();
  #gatewayMac: string | undefined;

  constructor(subnet: string, randomBytes: RandomBytes) {
    this.#subnet = subnet;
    this.#randomBytes = randomBytes;
  }

  /**
   * The gateway has this address from now on, or one that is not known; owners keep theirs.
   * @returns what is wrong, where a NIC has the same
   */
  setGatewayMac(mac: string | undefined): AllocationError | undefined {
    this.#gatewayMac = mac === undefined ? undefined : canonicalMac(mac);
    if (this.#gatewayMac === undefined || this.ownersOf(this.#gatewayMac).length === 0) {
      return undefined;
    }
    return this.misplacement(this.#gatewayMac);
  }

  /** Why `owner` may not have this address, asked for by name, or undefined. */
  problem(mac: string, owner: Owner, mayShare: MayShare): AllocationError | undefined {
    return this.misplacement(mac) ?? this.conflict(mac, owner, mayShare);
  }

  /** Why nobody may have this address, or undefined. */
  misplacement(mac: string): AllocationError | undefined {
    if (mac !== this.#gatewayMac) return undefined;
    const owners = this.#owners.of(mac);
    const [owner] = owners;
    return new AllocationError({
      reason: 'AddressConflict',
      what: `MAC address ${mac} is the gateway's in subnet ${this.#subnet}${
        owner === undefined ? '' : `, and ${ownerText(owner)} has it`
      }`,
      details: 'use another MAC address',
      subnet: this.#subnet,
      address: mac,
      owners,
    });
  }

  /** Whose address it is, where that keeps `owner` from having it, as an error. */
  conflict(mac: string, owner: Owner, mayShare: MayShare): AllocationError | undefined {
    const others = this.#owners.against(owner, mac, mayShare);
    if (others.length === 0) return undefined;
    return takenBy(others, { kind: 'MAC address', address: mac, subnet: this.#subnet });
  }

  /** A unicast, locally administered address that nobody has; or why there is none. */
  next(): string | AllocationError {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const [first = 0, ...rest] = this.#randomBytes(6);
      const bytes = [(first | 0x02) & 0xfe, ...rest];
      const mac = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
      if (mac !== this.#gatewayMac && this.#owners.of(mac).length === 0) return mac;
    }
    return new AllocationError({
      reason: 'NoAvailableAddress',
      what: `no MAC address of subnet ${this.#subnet} was found that nobody has`,
      details: 'restart the controller: its source of random numbers is broken',
      subnet: this.#subnet,
    });
  }

  /** `owner` has the address from now on; whether it may was asked before. */
  take(mac: string, owner: Owner): void {
    this.#owners.add(mac, owner);
  }

  /** `owner` no longer has the address. */
  release(mac: string, owner: Owner): void {
    this.#owners.remove(mac, owner);
  }

  /** Who has an address, in whatever spelling. */
  ownersOf(mac: string): readonly Owner[] {
    return this.#owners.of(canonicalMac(mac));
  }
}

const CANONICAL = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/** The one spelling of a MAC address that Go would read, in any of its forms. */
export function canonicalMac(mac: string): string {
  if (CANONICAL.test(mac)) return mac;
  const digits = mac.toLowerCase().replace(/[^0-9a-f]/g, '');
  return digits.replace(/(?<=^(..)+)(?=.)/g, ':');
}
