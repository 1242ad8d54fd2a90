import { describe, expect, it } from 'vitest';
import { readNetem, readPolicing, readShaping } from '../../../../src/daemon/limits/enforcement.ts';

/** As ovs-vswitchd 3.1 prints it. */
const HTB = `QoS: c0ffee01_net1_h linux-htb
max-rate: 10000000000

Default:
  burst: 1000000
  min-rate: 11200
  max-rate: 10000000
  tx_packets: 13937
  tx_bytes: 19418277
  tx_errors: 0
`;

describe('what ovs-vswitchd says of a QoS', () => {
  it('has the rate of queue 0, and what bounds it', () => {
    const shaping = { type: 'linux-htb', queueBps: 10_000_000, maxBps: 1e10, minBps: 11_200 };
    expect(readShaping(HTB)).toEqual(shaping);
  });

  it('has one rate where the least and the most are the same', () => {
    expect(readShaping(HTB.replace('  max-rate: 10000000\n', ''))).toMatchObject({
      queueBps: 11_200,
    });
  });

  it('has no rate of a queue where there is none', () => {
    const [port = ''] = HTB.split('Default:');
    expect(readShaping(port)).toMatchObject({ type: 'linux-htb', queueBps: undefined });
    const netem = 'QoS: v0 linux-netem\nlimit: 1000\nloss: 0\nlatency: 50000\n';
    expect(readShaping(netem)).toMatchObject({ type: 'linux-netem', queueBps: undefined });
    expect(readShaping('QoS: v0 linux-other\n')).toMatchObject({ type: 'linux-other' });
  });

  it.each(['QoS not configured on v0\n', '', 'something else'])('is none in %j', (output) => {
    expect(readShaping(output)).toMatchObject({ type: 'none', queueBps: undefined });
  });
});

describe('what tc says of a policer', () => {
  const filter = (rate: string) => `filter protocol all pref 1 matchall chain 0 handle 0x1
  not_in_hw (rule hit 0)
\taction order 1:  police 0x1 rate ${rate} burst 1000Kb mtu 64Kb action drop/continue overhead 0b
\tref 1 bind 1  installed 5 sec used 5 sec`;

  it.each([
    ['10Mbit', 10_000_000],
    ['12345Kbit', 12_345_000],
    ['20Gbit', 20_000_000_000],
    ['800bit', 800],
    ['1.5Gbit', 1_500_000_000],
  ])('is its rate: %s', (rate, bps) => {
    expect(readPolicing(filter(rate))).toBe(bps);
  });

  it('is nothing where there is none', () => {
    expect(readPolicing('')).toBeUndefined();
    expect(readPolicing('filter protocol all pref 49 basic chain 0\n')).toBeUndefined();
  });
});

describe('what tc says of netem', () => {
  const qdisc = (options: object) =>
    JSON.stringify([
      { kind: 'netem', handle: '1:', root: true, options },
      { kind: 'ingress', handle: 'ffff:', parent: 'ffff:fff1', options: {} },
    ]);

  it('is what the kernel does, in the units of our rows', () => {
    const options = {
      limit: 77,
      delay: { delay: 0.05, jitter: 0.003, correlation: 0 },
      'loss-random': { loss: 0.07, correlation: 0 },
    };
    const found = readNetem(qdisc(options));
    expect(found).toMatchObject({ latencyUs: 50_000, jitterUs: 3000, limitPackets: 77 });
    expect(found?.lossPercent).toBeCloseTo(7);
  });

  it('is 0 where tc says nothing', () => {
    const none = { latencyUs: 0, jitterUs: 0, lossPercent: 0, limitPackets: 1000 };
    expect(readNetem(qdisc({ limit: 1000 }))).toEqual(none);
  });

  it('is nothing where there is none', () => {
    expect(readNetem('[]')).toBeUndefined();
    expect(readNetem('[{"kind":"htb","root":true,"options":{"r2q":10}}]')).toBeUndefined();
    expect(readNetem('[{"kind":"netem","parent":"1:1","options":{"limit":5}}]')).toBeUndefined();
  });
});
