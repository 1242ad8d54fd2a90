import { describe, expect, it } from 'vitest';
import {
  ipPoolConflict,
  projectIpPool,
} from '../../../../../../src/controller/kinds/ippool/object/ippool.ts';
import {
  ipPoolConditionsPatch,
  ipPoolUsagePatch,
  projectIpPoolStatus,
} from '../../../../../../src/controller/kinds/ippool/object/ippool-status.ts';
import { messagesOf, rawObject, rightOf } from '../../object-support.ts';

const pool = (name: string, spec: object, metadata = {}) =>
  projectIpPool(rawObject(name, { spec, metadata }));

describe('an IPPool', () => {
  it('has addresses, ranges and CIDRs of a Subnet', () => {
    const ips = ['10.0.0.5', '10.0.0.7..10.0.0.9', '10.0.1.0/24', 'FD00::0:5'];
    const { checked } = pool('p', { subnet: 'net', ips, namespaces: ['shop'] });
    const { subnet, ranges, namespaces, enableAddressSet } = rightOf(checked);
    expect({ subnet, namespaces, enableAddressSet }).toEqual({
      subnet: 'net',
      namespaces: ['shop'],
      enableAddressSet: false,
    });
    expect(ranges.map(({ first, last }) => `${first.text} ${last.text}`)).toEqual([
      '10.0.0.5 10.0.0.5',
      '10.0.0.7 10.0.0.9',
      '10.0.1.0 10.0.1.255',
      'fd00::5 fd00::5',
    ]);
  });

  it.each([
    ['a Subnet', { ips: [] }, 'ippool p has no subnet'],
    [
      'addresses',
      { subnet: 'net', ips: ['10.0.0.5-10.0.0.7'] },
      'invalid ip range 10.0.0.5-10.0.0.7 in ippool p',
    ],
    [
      'ranges that go up',
      { subnet: 'net', ips: ['10.0.0.7..10.0.0.5'] },
      'invalid ip range 10.0.0.7..10.0.0.5 in ippool p',
    ],
    ['a list', { subnet: 'net', ips: '10.0.0.5' }, 'spec.ips is wrong: "10.0.0.5"'],
  ])('needs %s', (_, spec, message) => {
    expect(messagesOf(pool('p', spec).checked)).toEqual([message]);
  });
});

describe('two IPPools of a Subnet', () => {
  const old = { creationTimestamp: '2026-01-01T00:00:00Z' };
  const young = { creationTimestamp: '2026-01-02T00:00:00Z' };
  const a = pool('a', { subnet: 'net', ips: ['10.0.0.5..10.0.0.9'] }, old);
  const b = pool('b', { subnet: 'net', ips: ['10.0.0.8', 'fd00::/64'] }, young);

  it('share no address: the older one has it', () => {
    expect(ipPoolConflict(b, [a, b])?.message).toBe(
      'ippool b has conflict IPs with ippool a: 10.0.0.8..10.0.0.8',
    );
    expect(ipPoolConflict(a, [a, b])).toBeUndefined();
  });

  it('may be side by side, and on different Subnets', () => {
    const beside = pool('c', { subnet: 'net', ips: ['10.0.0.10', 'fd00::5'] }, young);
    expect(ipPoolConflict(beside, [a])).toBeUndefined();
    const elsewhere = pool('d', { subnet: 'other', ips: ['10.0.0.8'] }, young);
    expect(ipPoolConflict(elsewhere, [a])).toBeUndefined();
  });
});

describe("an IPPool's status", () => {
  const usage = {
    IPv4: {
      using: 1n,
      usingRanges: '10.0.0.5',
      available: 2n,
      availableRanges: '10.0.0.6-10.0.0.7',
    },
    IPv6: { using: 0n, usingRanges: '', available: 0n, availableRanges: '' },
  };
  const written = {
    v4AvailableIPs: 2,
    v4AvailableIPRange: '10.0.0.6-10.0.0.7',
    v4UsingIPs: 1,
    v4UsingIPRange: '10.0.0.5',
    v6AvailableIPs: 0,
    v6AvailableIPRange: '',
    v6UsingIPs: 0,
    v6UsingIPRange: '',
  };

  it('has its own names for what a Subnet’s has, and is written once', () => {
    expect(ipPoolUsagePatch(projectIpPoolStatus({}), usage)).toEqual({ status: written });
    expect(ipPoolUsagePatch(projectIpPoolStatus(written), usage)).toBeUndefined();
  });

  it('says whether it can be used, and that an error is over', () => {
    const now = new Date('2026-11-21T16:00:00Z');
    const failed = ipPoolConditionsPatch(
      projectIpPoolStatus({}),
      { reason: 'UpdateIPAMFailed', message: 'no good' },
      now,
    ) as { status: { conditions: object[] } };
    expect(failed.status.conditions).toMatchObject([
      { type: 'Error', status: 'True', reason: 'UpdateIPAMFailed', message: 'no good' },
      { type: 'Ready', status: 'False', reason: 'UpdateIPAMFailed', message: 'no good' },
    ]);
    const done = { reason: 'UpdateIPAMSucceeded' } as const;
    const ready = ipPoolConditionsPatch(projectIpPoolStatus(failed.status), done, now) as {
      status: { conditions: object[] };
    };
    expect(ready.status.conditions).toMatchObject([
      { type: 'Error', status: 'False', reason: 'NoError' },
      { type: 'Ready', status: 'True', reason: 'UpdateIPAMSucceeded', message: '' },
    ]);
    expect(ipPoolConditionsPatch(projectIpPoolStatus(ready.status), done, now)).toBeUndefined();
  });
});
