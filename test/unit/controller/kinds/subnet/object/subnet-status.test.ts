import { describe, expect, it } from 'vitest';
import {
  projectSubnetStatus,
  subnetConditionsPatch,
  subnetUsagePatch,
  usingCount,
} from '../../../../../../src/controller/kinds/subnet/object/subnet-status.ts';
import type { Outcome } from '../../../../../../src/controller/model/conditions.ts';
import type { Usage } from '../../../../../../src/controller/ranges/usage.ts';
import { address, subnetOf } from '../../object-support.ts';

const NOTHING = { using: 0n, usingRanges: '', available: 0n, availableRanges: '' };
const NOW = new Date('2026-11-21T16:00:00.789Z');
const LATER = new Date('2026-11-21T17:00:00Z');

function ranges(v4: object, v6: object = {}): Usage {
  return { IPv4: { ...NOTHING, ...v4 }, IPv6: { ...NOTHING, ...v6 } };
}

const patched = (status: unknown, patch: unknown) => ({
  ...(status as object),
  ...(patch as { status: object }).status,
});

describe("a Subnet's addresses", () => {
  const subnet = subnetOf({ cidrBlock: '10.100.0.0/16', gateway: '10.100.0.1' });
  const onePod = ranges({
    usingRanges: '10.100.0.2',
    availableRanges: '10.100.0.3-10.100.255.254',
  });
  const expected = {
    v4availableIPs: 65532,
    v4availableIPrange: '10.100.0.3-10.100.255.254',
    v4usingIPs: 1,
    v4usingIPrange: '10.100.0.2',
    v6availableIPs: 0,
    v6availableIPrange: '',
    v6usingIPs: 0,
    v6usingIPrange: '',
  };

  it('are all but network number, broadcast and gateway', () => {
    const patch = subnetUsagePatch(subnet, projectSubnetStatus(undefined), 0, ranges({}));
    expect(patch).toMatchObject({ status: { v4availableIPs: 65533, v4usingIPs: 0 } });
  });

  it('are counted by IP objects, and their ranges are the allocator’s', () => {
    const patch = subnetUsagePatch(subnet, projectSubnetStatus({}), 1, onePod);
    expect(patch).toEqual({ status: expected });
  });

  it('are not written again where they are written', () => {
    const status = projectSubnetStatus(expected);
    expect(subnetUsagePatch(subnet, status, 1, onePod)).toBeUndefined();
    const texts = projectSubnetStatus({ ...expected, v4availableIPs: '65532' });
    expect(subnetUsagePatch(subnet, texts, 1, onePod)).toBeUndefined();
  });

  it('are written where something changed, and only that', () => {
    const status = projectSubnetStatus({ ...expected, v4usingIPs: 7 });
    expect(subnetUsagePatch(subnet, status, 1, onePod)).toEqual({ status: { v4usingIPs: 1 } });
  });

  it('are never fewer than none', () => {
    const small = subnetOf({ cidrBlock: '10.0.0.0/30' });
    const patch = subnetUsagePatch(small, projectSubnetStatus({}), 9, ranges({}));
    expect(patch).toMatchObject({ status: { v4availableIPs: 0 } });
  });

  it('are none of an underlay with a DHCP server of its own', () => {
    const macOnly = subnetOf({ vlan: 'vlan1' });
    expect(subnetUsagePatch(macOnly, projectSubnetStatus({}), 3, ranges({}))).toBeUndefined();
  });

  it('of both families have one count', () => {
    const dual = subnetOf({ cidrBlock: '10.0.0.0/24,fd00::/64' });
    const usage = ranges({ usingRanges: '10.0.0.2' }, { usingRanges: 'fd00::2' });
    const patch = subnetUsagePatch(dual, projectSubnetStatus({}), 2, usage);
    expect(patch).toMatchObject({
      status: {
        v4availableIPs: 251,
        v4usingIPs: 2,
        v6usingIPs: 2,
        v6availableIPs: 2 ** 64,
        v6usingIPrange: 'fd00::2',
      },
    });
  });

  it('that are too many for a number are not written again either', () => {
    const wide = subnetOf({ cidrBlock: 'fd00::/48' });
    const patch = subnetUsagePatch(wide, projectSubnetStatus({}), 1, ranges({}));
    // What the API server keeps of it.
    const kept: unknown = JSON.parse(JSON.stringify(patched({}, patch)));
    expect(subnetUsagePatch(wide, projectSubnetStatus(kept), 1, ranges({}))).toBeUndefined();
  });

  it.each([
    ['a range that begins at the network number', ['10.0.0.0..10.0.0.9'], 245],
    ['a range that ends at the broadcast address', ['10.0.0.250..10.0.0.255'], 248],
    ['addresses of others', ['192.168.0.1..192.168.0.9', '10.0.0.255'], 253],
  ])('lack what is excluded: %s', (_, excludeIps, available) => {
    const subnet = subnetOf({ cidrBlock: '10.0.0.0/24', gateway: '10.0.0.1', excludeIps });
    const patch = subnetUsagePatch(subnet, projectSubnetStatus({}), 0, ranges({}));
    expect(patch).toMatchObject({ status: { v4availableIPs: available } });
  });
});

describe('an IP object', () => {
  const subnet = subnetOf({
    cidrBlock: '10.0.0.0/24,fd00::/64',
    gateway: '10.0.0.1,fd00::1',
    excludeIps: ['10.0.0.1', '10.0.0.20..10.0.0.30', 'fd00::9'],
  });

  it.each([
    ['a usual one', ['10.0.0.5', 'fd00::5'], true],
    ['one in a range that is excluded', ['10.0.0.20'], false],
    ['one whose other address is excluded', ['10.0.0.5', 'fd00::9'], false],
    ["one with the gateway's address", ['10.0.0.1'], true],
    ['one without an address', [], true],
  ])('counts as using addresses or not: %s', (_, texts, counts) => {
    const ips = new Map([['web', { addresses: texts.map(address) }]]);
    expect(usingCount(subnet, ips)).toBe(counts ? 1 : 0);
  });
});

describe("a Subnet's conditions", () => {
  const says = (status: unknown) => {
    const { conditions } = projectSubnetStatus(status);
    return Object.fromEntries(
      conditions.map(({ type, status: is, reason, message }) => [
        type,
        [is, reason, message].filter(Boolean).join(' '),
      ]),
    );
  };
  const after = (
    status: unknown,
    reason: Outcome['reason'],
    message?: string,
    now = NOW,
  ): unknown => {
    const outcome = message === undefined ? { reason } : { reason, message };
    const patch = subnetConditionsPatch(projectSubnetStatus(status), outcome, now);
    return patch === undefined ? undefined : patched(status, patch);
  };

  it('are ready when its network is', () => {
    expect(says(after({}, 'SetNonOvnSubnetSuccess'))).toEqual({
      Validated: 'True SetNonOvnSubnetSuccess',
      Ready: 'True SetNonOvnSubnetSuccess',
      Error: 'Unknown Init Not Observed',
    });
  });

  it("are not ready by a success that is not its network's", () => {
    expect(says(after({}, 'UpdateIPAMSucceeded'))).toMatchObject({
      Validated: 'True UpdateIPAMSucceeded',
      Ready: 'Unknown Init Not Observed',
    });
  });

  it('say what is not valid', () => {
    expect(says(after({}, 'ValidateLogicalSwitchFailed', 'no good'))).toEqual({
      Error: 'True ValidateLogicalSwitchFailed no good',
      Validated: 'False ValidateLogicalSwitchFailed no good',
      Ready: 'False ValidateLogicalSwitchFailed no good',
    });
  });

  it('say what else failed with a valid Subnet', () => {
    expect(says(after({}, 'CreateLogicalSwitchFailed', 'no good'))).toEqual({
      Error: 'True CreateLogicalSwitchFailed no good',
      Validated: 'True CreateLogicalSwitchFailed',
      Ready: 'False CreateLogicalSwitchFailed no good',
    });
  });

  it('say that an error is over', () => {
    const failed = after({}, 'CreateLogicalSwitchFailed', 'no good');
    expect(says(after(failed, 'ResetLogicalSwitchAclSuccess'))).toMatchObject({
      Error: 'False NoError No error seen',
      Ready: 'True ResetLogicalSwitchAclSuccess',
    });
  });

  it('are not written again where they say so', () => {
    const ready = after({}, 'SetNonOvnSubnetSuccess');
    expect(after(ready, 'SetNonOvnSubnetSuccess', undefined, LATER)).toBeUndefined();
  });

  it('have their times: of the last change, and of the last change of status', () => {
    const first = after({}, 'SetNonOvnSubnetSuccess');
    const second = after(first, 'ResetLogicalSwitchAclSuccess', undefined, LATER);
    const ready = projectSubnetStatus(second).conditions.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({
      lastUpdateTime: '2026-11-21T17:00:00Z',
      lastTransitionTime: '2026-11-21T16:00:00Z',
    });
    const third = after(second, 'ValidateLogicalSwitchFailed', 'x', NOW);
    const notReady = projectSubnetStatus(third).conditions.find(({ type }) => type === 'Ready');
    expect(notReady?.lastTransitionTime).toBe('2026-11-21T16:00:00Z');
  });

  it('of others stay as they are', () => {
    const other = { type: 'Other', status: 'True', observedGeneration: 7 };
    const conditions = after({ conditions: [other, 'x', { type: 'y' }] }, 'SetNonOvnSubnetSuccess');
    expect((conditions as { conditions: unknown[] }).conditions[0]).toMatchObject(other);
  });
});
