import { describe, expect, it } from 'vitest';
import { networkEvent } from '../../../../src/controller/kinds/pod/object/allocated-nic.ts';
import { failureEvent, outcomeEvent } from '../../../../src/controller/model/events.ts';
import { describeProblems, say, wrong } from '../../../../src/controller/model/problem.ts';
import { address, MACVLAN, subnetOf } from '../kinds/object-support.ts';

const nic = {
  kind: 'ipam',
  provider: 'macvlan.default',
  port: 'web-0.shop.macvlan.default',
  subnet: subnetOf(MACVLAN, 'macvlan'),
  addresses: [address('172.17.0.11')],
} as const;

describe('an event', () => {
  it('says of each NIC what it has', () => {
    const other = { ...nic, provider: 'ovn', port: 'web-0.shop', mac: '02:00:00:00:00:02' };
    expect(networkEvent('PodNetworkAllocated', [nic, other])).toEqual({
      type: 'Normal',
      reason: 'PodNetworkAllocated',
      message:
        'provider=macvlan.default subnet=macvlan ip=172.17.0.11 mac= logicalSwitchPort=web-0.shop.macvlan.default; provider=ovn subnet=macvlan ip=172.17.0.11 mac=02:00:00:00:00:02 logicalSwitchPort=web-0.shop',
    });
  });

  it('says what failed, and in which stage', () => {
    expect(failureEvent('AcquireAddressFailed', 'acquireAddress', 'NoAvailableAddress')).toEqual({
      type: 'Warning',
      reason: 'AcquireAddressFailed',
      message: 'stage=acquireAddress error=NoAvailableAddress',
    });
  });

  it('of a Subnet has the reason of its condition', () => {
    expect(outcomeEvent({ reason: 'SetNonOvnSubnetSuccess' })).toMatchObject({ type: 'Normal' });
    expect(outcomeEvent({ reason: 'ValidateLogicalSwitchFailed', message: 'x' })).toEqual({
      type: 'Warning',
      reason: 'ValidateLogicalSwitchFailed',
      message: 'x',
    });
  });
});

describe('what is said of a problem', () => {
  it('shows plain text as it is, and the rest so that it cannot deceive', () => {
    expect(say`a ${'10.0.0.1'} b ${7} c ${9n}`).toBe('a 10.0.0.1 b 7 c 9');
    expect(say`a ${'x\ny'}`).toBe('a "x\\ny"');
    expect(say`a ${'x'.repeat(300)}`).toHaveLength(203);
    expect(say`a ${undefined}`).toBe('a undefined');
  });

  it('has the advice with it', () => {
    const { problems } = wrong('no good', 'do better');
    expect(describeProblems([...problems, { message: 'bad', advice: 'mend it' }])).toBe(
      'no good: do better; bad: mend it',
    );
  });
});
