import { describe, expect, it } from 'vitest';
import type { KernelNetem, Shaping } from '../../../../src/daemon/limits/enforcement.ts';
import { checkNetem, checkPolicing, checkShaping } from '../../../../src/daemon/limits/verdict.ts';
import type { Qos } from '../../../../src/daemon/ovs/traffic-control.ts';

const UNKNOWN = { unknown: 'ovs-vswitchd does not run' };
const NOBODY_KNOWS = { inForce: 'unknown', note: UNKNOWN.unknown };
const NOTHING = { inForce: '-' };

function htb(maxRate: number): Qos {
  return { type: 'linux-htb', config: { 'max-rate': `${maxRate}`, burst: '1' } };
}

describe('a rate to the pod', () => {
  const GBIT_10 = 10_000_000_000;
  const shaped = (queueBps: number | undefined, type = 'linux-htb') => {
    const value: Shaping = { type, queueBps, maxBps: GBIT_10, minBps: 11_200 };
    return { value };
  };

  it('is in force where OVS has it', () => {
    expect(checkShaping(htb(10_000_000), shaped(10_000_000))).toEqual({ inForce: 'yes' });
  });

  it('is in force in whole bytes', () => {
    expect(checkShaping(htb(1_000_001), shaped(1_000_000))).toEqual({ inForce: 'yes' });
  });

  it.each([
    [20_000_000_000, GBIT_10, 'in force as 10 Gbit/s: OVS shapes to no more'],
    [1000, 11_200, 'in force as 11.2 kbit/s: OVS shapes to no less'],
  ])('of %d bit/s is in force as OVS can have it', (rate, queueBps, note) => {
    expect(checkShaping(htb(rate), shaped(queueBps))).toEqual({ inForce: 'yes', note });
  });

  it.each([
    [shaped(5_000_000), 'OVS shapes to 5 Mbit/s'],
    [shaped(undefined), 'OVS has QoS "linux-htb" on the port: the log'],
    [shaped(undefined, 'linux-other'), 'OVS has QoS "linux-other" on the port: the log'],
    [shaped(undefined, 'none'), 'OVS has QoS "none" on the port: the log'],
  ])('is not where OVS has something else (%#)', (told, note) => {
    const verdict = checkShaping(htb(10_000_000), told);
    expect(verdict).toEqual({ inForce: 'no', note: expect.stringContaining(note) });
  });

  it('is unknown where nobody tells', () => {
    expect(checkShaping(htb(10_000_000), UNKNOWN)).toEqual(NOBODY_KNOWS);
  });

  it('is nothing to enforce where there is none, unless somebody else has one', () => {
    for (const told of [UNKNOWN, shaped(undefined, 'none'), shaped(GBIT_10)]) {
      expect(checkShaping(undefined, told)).toEqual(NOTHING);
    }
    expect(checkShaping(undefined, shaped(5_000_000))).toEqual({
      inForce: 'no',
      note: "OVS shapes to 5 Mbit/s all the same, by a QoS row that is not Kube-OVN's",
    });
  });
});

describe('a rate from the pod', () => {
  const LIMIT = { rateKbps: 20_000, burstKbit: 16_000 };
  const NONE = { rateKbps: 0, burstKbit: 0 };
  const value = (bps: number | undefined) => ({ value: bps });

  it.each([20_000_000, 20_100_000])('is in force where the kernel polices to %d', (bps) => {
    expect(checkPolicing(LIMIT, value(bps), false)).toEqual({ inForce: 'yes' });
  });

  it('is not where the kernel polices nothing, or to another rate', () => {
    const nothing =
      'the kernel polices nothing here: it needs act_police, and cls_basic or cls_matchall';
    expect(checkPolicing(LIMIT, value(undefined), false)).toEqual({ inForce: 'no', note: nothing });
    expect(checkPolicing(LIMIT, value(19_000_000), false)).toEqual({
      inForce: 'no',
      note: 'the kernel polices to 19 Mbit/s',
    });
  });

  it("is not on OVS's userspace datapath, whatever the kernel has", () => {
    for (const told of [value(20_000_000), value(undefined), UNKNOWN]) {
      const note = expect.stringContaining("OVS's userspace datapath takes packets before");
      expect(checkPolicing(LIMIT, told, true)).toEqual({ inForce: 'no', note });
    }
  });

  it('is unknown where nobody tells', () => {
    expect(checkPolicing(LIMIT, UNKNOWN, false)).toEqual(NOBODY_KNOWS);
  });

  it('is nothing to enforce where there is none, unless the kernel has one', () => {
    expect(checkPolicing(NONE, value(undefined), false)).toEqual(NOTHING);
    expect(checkPolicing(NONE, UNKNOWN, false)).toEqual(NOTHING);
    expect(checkPolicing(NONE, value(1), true)).toEqual(NOTHING);
    expect(checkPolicing(NONE, value(5_000_000), false)).toEqual({
      inForce: 'no',
      note: 'the kernel polices to 5 Mbit/s all the same',
    });
  });
});

describe('netem', () => {
  const netem = (config: Qos['config']): Qos => ({ type: 'linux-netem', config });
  const LATENCY = netem({ latency: '50000' });
  const kernel = (values: Partial<KernelNetem>) => {
    return { value: { latencyUs: 0, jitterUs: 0, lossPercent: 0, limitPackets: 1000, ...values } };
  };

  it.each([
    [LATENCY, { latencyUs: 50_000 }],
    [LATENCY, { latencyUs: 50_001 }],
    [netem({ loss: '7' }), { lossPercent: 6.999_999 }],
    [
      netem({ latency: '1000', jitter: '200', limit: '9' }),
      { latencyUs: 1000, jitterUs: 200, limitPackets: 9 },
    ],
  ])('is in force where the kernel has it (%#)', (qos, found) => {
    expect(checkNetem(qos, kernel(found))).toEqual({ inForce: 'yes' });
  });

  it.each([
    [LATENCY, undefined, 'the kernel has no netem here: it needs sch_netem'],
    [
      LATENCY,
      { latencyUs: 20_000 },
      'the kernel has latency 20 ms: OVS does not change netem that is there; take the annotations away, then write them again',
    ],
    [
      netem({ latency: '50000', jitter: '3000' }),
      { latencyUs: 50_000 },
      'the kernel has latency 50 ms: OVS knows no jitter before 3.2',
    ],
    [
      netem({ latency: '50000', loss: '0.5' }),
      { latencyUs: 50_000 },
      'the kernel has latency 50 ms: OVS takes whole percents only',
    ],
    [netem({ limit: '5' }), {}, 'the kernel has no effect: OVS does not change netem'],
  ])('is not where the kernel has something else (%#)', (qos, found, note) => {
    const told = found === undefined ? { value: undefined } : kernel(found);
    expect(checkNetem(qos, told)).toEqual({ inForce: 'no', note: expect.stringContaining(note) });
  });

  it('is unknown where nobody tells', () => {
    expect(checkNetem(LATENCY, UNKNOWN)).toEqual(NOBODY_KNOWS);
  });

  it('is nothing to enforce where there is none, unless the kernel has some', () => {
    expect(checkNetem(undefined, UNKNOWN)).toEqual(NOTHING);
    expect(checkNetem(undefined, { value: undefined })).toEqual(NOTHING);
    expect(checkNetem(undefined, kernel({ lossPercent: 5 }))).toEqual({
      inForce: 'no',
      note: 'the kernel has loss 5 % all the same',
    });
  });
});
