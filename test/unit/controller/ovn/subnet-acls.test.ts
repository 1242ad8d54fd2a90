import { describe, expect, it } from 'vitest';
import {
  ownAcls,
  privateAcls,
  subnetPolicies,
} from '../../../../src/controller/ovn/subnet-acls.ts';
import { cidr } from './support.ts';

describe('a private Subnet', () => {
  const acls = privateAcls({
    subnet: 's'.repeat(70),
    cidrs: [cidr('10.1.0.0/24'), cidr('fd00:1::/64')],
    allowed: [cidr('10.2.0.0/24'), cidr('fd00:2::/64')],
    nodes: [cidr('100.64.0.0/16')],
  });
  const lines = acls.map(({ priority, action, match }) => `${priority} ${action} ${match}`);

  it('is open to itself, to nodes and to those that it lists, and to nobody else', () => {
    expect(lines).toEqual([
      '1000 drop ip',
      '1001 allow-related ip4.src == 10.1.0.0/24 && ip4.dst == 10.1.0.0/24',
      '3000 allow-related ip4.src == 100.64.0.0/16',
      '1001 allow-related (ip4.src == 10.1.0.0/24 && ip4.dst == 10.2.0.0/24) || (ip4.src == 10.2.0.0/24 && ip4.dst == 10.1.0.0/24)',
      '1001 allow-related ip6.src == fd00:1::/64 && ip6.dst == fd00:1::/64',
      '1001 allow-related (ip6.src == fd00:1::/64 && ip6.dst == fd00:2::/64) || (ip6.src == fd00:2::/64 && ip6.dst == fd00:1::/64)',
    ]);
    expect(new Set(acls.map(({ direction }) => direction))).toEqual(new Set(['to-lport']));
  });

  it('logs what it drops, by a name that is not too long', () => {
    expect(acls[0]?.log).toEqual({ name: 's'.repeat(63), severity: 'warning' });
    expect(acls.slice(1).every(({ log }) => log === undefined)).toBe(true);
  });
});

describe("a Subnet's own ACLs", () => {
  const own = {
    direction: 'from-lport',
    priority: 1234,
    match: 'ip4.dst == 192.0.2.1',
    action: 'reject',
  } as const;

  it('are taken as they are', () => {
    expect(ownAcls([own], [])).toEqual([{ ...own, tier: 2 }]);
  });

  it('can leave out traffic within the Subnet', () => {
    const match = 'ip4.src == 10.1.0.0/24 && ip4.dst == 10.1.0.0/24';
    const within = { priority: 1900, match, action: 'allow', tier: 2 };
    expect(ownAcls([own], [cidr('10.1.0.0/24')])).toEqual([
      { ...within, direction: 'to-lport' },
      { ...within, direction: 'from-lport' },
      { ...own, tier: 2 },
    ]);
    expect(ownAcls([], [cidr('10.1.0.0/24')])).toEqual([]);
  });
});

it('what goes to a Subnet is exempt from policies of lower priority', () => {
  const cidrs = [cidr('10.1.0.0/24'), cidr('fd00:1::/64')];
  expect(subnetPolicies('front', cidrs).map(({ priority, match }) => [priority, match])).toEqual([
    [31_000, 'ip4.dst == 10.1.0.0/24'],
    [31_000, 'ip6.dst == fd00:1::/64'],
  ]);
});
