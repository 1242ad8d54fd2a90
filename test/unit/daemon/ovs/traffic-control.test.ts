import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Asked, AskedLimits, Netem, Rate } from '../../../../src/daemon/model/limits.ts';
import { readLimits } from '../../../../src/daemon/model/limits.ts';
import {
  isSamePolicing,
  isSameQos,
  NO_CONTROL,
  type Qos,
  type TrafficControl,
  toTrafficControl,
} from '../../../../src/daemon/ovs/traffic-control.ts';

const NIC = { provider: 'ovn', ifName: 'eth0' };

/** What the annotations of a NIC ask for. */
function askedBy(values: Record<string, string>): AskedLimits {
  const entries = Object.entries(values).map(([name, value]) => [
    `ovn.kubernetes.io/${name}`,
    value,
  ]);
  return readLimits(Object.fromEntries(entries), NIC);
}

const wanted = (values: Record<string, string>, found: TrafficControl = NO_CONTROL) =>
  toTrafficControl(askedBy(values), found, false);

/** What is asked for directly, since a runtime's numbers are not those of annotations. */
const asking = (
  ingress?: Rate,
  egress?: Rate,
  netem?: Netem,
): Pick<AskedLimits, 'ingress' | 'egress' | 'netem' | 'isMirrored'> => {
  const asked = <T>(value: T | undefined): Asked<T> => (value === undefined ? {} : { value });
  return { ingress: asked(ingress), egress: asked(egress), netem: asked(netem), isMirrored: false };
};

const htb = (maxRate: string, burst: string): Qos => ({
  type: 'linux-htb',
  config: { 'max-rate': maxRate, burst },
});
const netem = (config: Record<string, string>): Qos => ({ type: 'linux-netem', config });

describe("OVS's columns", () => {
  it('are none where nothing is asked for', () => {
    expect(wanted({})).toEqual(NO_CONTROL);
  });

  it("police the pod's egress in kbit/s, with a burst of 80 % of a second", () => {
    const policing = { rateKbps: 3000, burstKbit: 2400 };
    expect(wanted({ egress_rate: '3' })).toEqual({ ...NO_CONTROL, policing });
  });

  it("shape the pod's ingress in bit/s, with a burst of a tenth of that number in bytes", () => {
    const qos = htb('5000000', '500000');
    expect(wanted({ ingress_rate: '5' })).toEqual({ ...NO_CONTROL, qos });
  });

  it('have the burst that is written: kbit for policing, bytes for shaping', () => {
    const bursts = { ingress_burst: '2', egress_burst: '4' };
    expect(wanted({ ingress_rate: '5', egress_rate: '3', ...bursts })).toMatchObject({
      policing: { rateKbps: 3000, burstKbit: 4000 },
      qos: htb('5000000', '250000'),
    });
  });

  it('have no burst where none is wanted', () => {
    const bursts = { ingress_burst: '0', egress_burst: '0' };
    expect(wanted({ ingress_rate: '5', egress_rate: '3', ...bursts })).toMatchObject({
      policing: { rateKbps: 3000, burstKbit: 0 },
      qos: htb('5000000', '0'),
    });
  });

  it('disturb in µs, packets and percent, and leave to OVS what is 0', () => {
    const all = { latency: '10', jitter: '2', limit: '30', loss: '0.5' };
    expect(wanted(all).qos).toEqual(
      netem({ latency: '10000', jitter: '2000', limit: '30', loss: '0.5' }),
    );
    expect(wanted({ ...all, latency: '0', limit: '0' }).qos).toEqual(
      netem({ jitter: '2000', loss: '0.5' }),
    );
    expect(wanted({ loss: '0.000001' }).qos).toEqual(netem({ loss: '0.000001' }));
    expect(wanted({ latency: '0', loss: '0' }).qos).toBeUndefined();
  });

  it('shape where both a rate and netem are asked for', () => {
    expect(wanted({ ingress_rate: '5', latency: '10' }).qos?.type).toBe('linux-htb');
    expect(wanted({ ingress_rate: '0', latency: '10' }).qos?.type).toBe('linux-netem');
  });

  it('limit also where a rate of the runtime is less than OVS can count', () => {
    const least = asking({ bitsPerSecond: 1 }, { bitsPerSecond: 1 });
    expect(toTrafficControl(least, NO_CONTROL, false)).toMatchObject({
      policing: { rateKbps: 1, burstKbit: 1 },
      qos: htb('1', '1'),
    });
    const odd = asking(
      { bitsPerSecond: 15, burstBits: 9 },
      { bitsPerSecond: 1001, burstBits: 1001 },
    );
    expect(toTrafficControl(odd, NO_CONTROL, false)).toMatchObject({
      policing: { rateKbps: 2, burstKbit: 2 },
      qos: htb('15', '2'),
    });
  });

  it('are whole numbers written without an exponent, whatever is asked for', async () => {
    const bits = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const rate = fc.record(
      { bitsPerSecond: bits, burstBits: fc.nat(2 ** 31 - 2) },
      { requiredKeys: ['bitsPerSecond'] },
    );
    await fc.assert(
      fc.property(rate, rate, (ingress, egress) => {
        const control = toTrafficControl(asking(ingress, egress), NO_CONTROL, false);
        const { rateKbps, burstKbit } = control.policing;
        const numbers = [rateKbps, burstKbit, ...Object.values(control.qos?.config ?? {})];
        for (const number of numbers) expect(`${number}`).toMatch(/^\d{1,16}$/);
        expect(rateKbps).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a limit that is wrong', () => {
  const found: TrafficControl = {
    policing: { rateKbps: 7000, burstKbit: 1 },
    qos: htb('7', '7'),
    isMirrored: true,
  };
  const disturbed = { ...found, qos: netem({ latency: '7' }) };

  it('from the pod stays as it was', () => {
    expect(wanted({ egress_rate: 'x' }, found).policing).toEqual(found.policing);
    expect(wanted({ egress_burst: '1' }, found).policing).toEqual(found.policing);
    expect(wanted({ egress_rate: 'x' }).policing).toEqual(NO_CONTROL.policing);
    expect(wanted({ egress_rate: '0' }, found).policing).toEqual(NO_CONTROL.policing);
  });

  it.each([
    ['a rate', found, found.qos],
    ['netem', disturbed, netem({ latency: '3000' })],
    ['nothing', NO_CONTROL, netem({ latency: '3000' })],
  ])('to the pod beside netem stays as it was, where there was %s', (_, before, qos) => {
    expect(wanted({ ingress_rate: 'x', latency: '3' }, before).qos).toEqual(qos);
  });

  it.each([
    ['a rate', found, found.qos],
    ['netem', disturbed, undefined],
    ['nothing', NO_CONTROL, undefined],
  ])('to the pod without netem stays as it was, where there was %s', (_, before, qos) => {
    expect(wanted({ ingress_rate: 'x' }, before).qos).toEqual(qos);
  });

  it.each([
    ['a rate', found, undefined],
    ['netem', disturbed, disturbed.qos],
    ['nothing', NO_CONTROL, undefined],
  ])('of netem stays as it was, where there was %s', (_, before, qos) => {
    expect(wanted({ latency: 'x', loss: '5' }, before).qos).toEqual(qos);
    expect(wanted({ latency: 'x', ingress_rate: '5' }, before).qos).toEqual(
      htb('5000000', '500000'),
    );
  });

  it.each([
    ['a rate', found],
    ['netem', disturbed],
    ['nothing', NO_CONTROL],
  ])('of both to the pod stays as it was, where there was %s', (_, before) => {
    expect(wanted({ latency: 'x', ingress_rate: 'x' }, before).qos).toEqual(before.qos);
  });

  it('holds up no other one', () => {
    expect(wanted({ ingress_rate: 'x', egress_rate: '3', mirror: 'true' }, found)).toEqual({
      policing: { rateKbps: 3000, burstKbit: 2400 },
      qos: found.qos,
      isMirrored: true,
    });
  });
});

describe('the choice of ports for the mirror', () => {
  it('is the annotation, or none where every packet is mirrored', () => {
    const [asked, not] = [askedBy({ mirror: 'true' }), askedBy({})];
    const mirrored = { ...NO_CONTROL, isMirrored: true };
    expect(toTrafficControl(asked, NO_CONTROL, false).isMirrored).toBe(true);
    expect(toTrafficControl(not, mirrored, false).isMirrored).toBe(false);
    expect(toTrafficControl(asked, NO_CONTROL, true).isMirrored).toBe(false);
    expect(toTrafficControl(not, mirrored, true).isMirrored).toBe(true);
  });
});

describe('a comparison', () => {
  it('of policing looks at the burst only beside a rate', () => {
    const isSame = (one: [number, number], other: [number, number]) => {
      const [a, b] = [one, other].map(([rateKbps, burstKbit]) => ({ rateKbps, burstKbit }));
      return a && b && isSamePolicing(a, b);
    };
    expect(isSame([0, 1], [0, 2])).toBe(true);
    expect(isSame([1, 1], [1, 1])).toBe(true);
    expect(isSame([1, 1], [1, 2])).toBe(false);
    expect(isSame([0, 1], [1, 1])).toBe(false);
    expect(isSame([1, 1], [0, 1])).toBe(false);
  });

  it('of a QoS looks at its type and every value, in any order', () => {
    expect(isSameQos(undefined, undefined)).toBe(true);
    expect(isSameQos(htb('1', '2'), undefined)).toBe(false);
    expect(isSameQos(undefined, htb('1', '2'))).toBe(false);
    expect(isSameQos(htb('1', '2'), htb('1', '2'))).toBe(true);
    expect(isSameQos(htb('1', '2'), htb('1', '3'))).toBe(false);
    expect(isSameQos(netem({ loss: '1', limit: '2' }), netem({ limit: '2', loss: '1' }))).toBe(
      true,
    );
    const shorter = netem({ loss: '1' });
    expect(isSameQos(netem({ loss: '1', limit: '2' }), shorter)).toBe(false);
    expect(isSameQos(shorter, netem({ loss: '1', limit: '2' }))).toBe(false);
    expect(isSameQos(netem({}), { type: 'linux-htb', config: {} })).toBe(false);
  });
});
