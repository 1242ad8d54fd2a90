/** Of several places where a limit may be written, which one counts. */
import { describe, expect, it } from 'vitest';
import type { Bandwidth } from '../../../../src/daemon/model/bandwidth.ts';
import { readLimits, refuseWrongLimits } from '../../../../src/daemon/model/limits.ts';
import { ATTACHED, under, WRITTEN } from '../nic/support.ts';
import { failureOf } from '../support.ts';

const ETH0 = { provider: 'ovn', ifName: 'eth0' };
const NET1 = { provider: ATTACHED, ifName: 'net1' };
const NETEM = ['latency', 'jitter', 'limit', 'loss'];

type Values = Record<string, string>;
/** Limits of the primary NIC with these annotations and what the controller writes. */
const read = (values: Values, bandwidth?: Bandwidth) =>
  readLimits(under('ovn', { ...WRITTEN, ...values }), ETH0, bandwidth);

describe('several NICs of one network', () => {
  const plain = under(ATTACHED, { ...WRITTEN, ingress_rate: '1', mirror: 'true' });
  const own = (values: Values) => under(`${ATTACHED}.net1`, values);

  it('have each its own limits where the longer key has an address', () => {
    const values = { ip_address: '', ingress_rate: '7', egress_rate: '8', latency: '9' };
    const limits = readLimits({ ...plain, ...own(values) }, NET1);
    expect(limits).toMatchObject({
      ingress: {
        value: { bitsPerSecond: 7_000_000 },
        source: `${ATTACHED}.net1.kubernetes.io/ingress_rate`,
      },
      egress: { value: { bitsPerSecond: 8_000_000 } },
      netem: { value: { latencyMs: 9 } },
    });
    expect(readLimits({ ...plain, ...own(values) }, { ...NET1, ifName: 'net2' })).toEqual(
      readLimits(plain, NET1),
    );
  });

  it("have none of the network's, and no limits of their own without an address there", () => {
    const allocated = under('ovn', WRITTEN);
    const limits = readLimits({ ...allocated, ...plain, ...own({ ip_address: '' }) }, NET1);
    expect(limits.ingress).toEqual({});
    const without = readLimits({ ...plain, ...own({ ingress_rate: '7' }) }, NET1);
    expect(without.ingress.value?.bitsPerSecond).toBe(1_000_000);
  });

  it('share the mirror, unless one has its own key', () => {
    const address = own({ ip_address: '' });
    expect(readLimits({ ...plain, ...address }, NET1).isMirrored).toBe(true);
    const only = { ...under(ATTACHED, WRITTEN), ...address, ...own({ mirror: 'true' }) };
    expect(readLimits(only, NET1)).toMatchObject({
      isMirrored: true,
      mirrorSource: `${ATTACHED}.net1.kubernetes.io/mirror`,
    });
    const refused = { ...plain, ...address, ...own({ mirror: 'false' }) };
    expect(readLimits(refused, NET1).isMirrored).toBe(false);
  });

  it('have their own key in an error', () => {
    const values = { ip_address: '', jitter: 'x' };
    const error = failureOf(() =>
      refuseWrongLimits(readLimits({ ...plain, ...own(values) }, NET1)),
    );
    expect(error.message).toBe(`annotation ${ATTACHED}.net1.kubernetes.io/jitter is wrong: "x"`);
  });
});

describe('the plain annotations', () => {
  const PLAIN = { ingress_rate: '1', ingress_burst: '2', egress_rate: '3', latency: '4' };
  const attached = (values: Values) => under(ATTACHED, { ...WRITTEN, ...values });
  const beside = (own: Values, plain: Values = PLAIN) =>
    readLimits({ ...under('ovn', plain), ...attached(own) }, NET1);

  it('count for an attached NIC where the pod has no NIC of provider ovn', () => {
    expect(beside({})).toMatchObject({
      ingress: {
        value: { bitsPerSecond: 1_000_000, burstBits: 2_000_000 },
        source: 'ovn.kubernetes.io/ingress_rate, ovn.kubernetes.io/ingress_burst',
      },
      egress: { value: { bitsPerSecond: 3_000_000 } },
      netem: { value: { latencyMs: 4 } },
    });
  });

  it.each([
    ['an allocation', { allocated: 'true' }, false],
    ['an answer of the controller', { ip_address: '10.16.0.2', cidr: '10.16.0.0/16' }, false],
    ['an address that is asked for', { ip_address: '10.16.0.2' }, true],
    ['an allocation that is not true', { allocated: 'false' }, true],
  ])('beside %s of provider ovn count or not (%#)', (_, written: Values, doCount) => {
    const { ingress } = beside({}, { ...PLAIN, ...written });
    expect(ingress.value?.bitsPerSecond).toBe(doCount ? 1_000_000 : undefined);
  });

  it.each([
    ['a rate', { ingress_rate: '7' }, { bitsPerSecond: 7_000_000 }],
    ['a rate of 0', { ingress_rate: '0' }, undefined],
    ['a rate of 0 and a burst', { ingress_rate: '0', ingress_burst: '7' }, undefined],
  ])('do not count where the NIC has %s of its own, which has its own burst', (_, own, value) => {
    const limits = beside(own);
    expect(limits.ingress.value).toEqual(value);
    expect(limits.ingress.wrong).toBeUndefined();
    expect(limits.egress.value).toEqual({ bitsPerSecond: 3_000_000 });
  });

  it('do not count where what the NIC has of its own is wrong', () => {
    for (const own of [{ ingress_rate: 'x' }, { ingress_burst: '7' }]) {
      const [name] = Object.keys(own);
      const { ingress } = beside(own);
      expect(ingress.value).toBeUndefined();
      expect(ingress.wrong?.message).toContain(`annotation ${ATTACHED}.kubernetes.io/${name} `);
    }
  });

  it.each(NETEM)('do not count for netem where the NIC has its own %s', (name) => {
    const plain = Object.fromEntries(NETEM.map((each) => [each, '4']));
    expect(beside({ [name]: '5' }, plain).netem).toEqual({
      value: {
        ...{ latencyMs: 0, jitterMs: 0, limitPackets: 0, lossPercent: 0 },
        ...{ latency: { latencyMs: 5 }, jitter: { jitterMs: 5 } }[name],
        ...{ limit: { limitPackets: 5 }, loss: { lossPercent: 5 } }[name],
      },
      source: `${ATTACHED}.kubernetes.io/${name}`,
    });
    expect(beside({ [name]: '0' }, plain).netem.value).toBeUndefined();
  });

  it('count where what the NIC has of its own is empty', () => {
    expect(beside({ ingress_rate: '', ingress_burst: '' }).ingress.value).toEqual({
      bitsPerSecond: 1_000_000,
      burstBits: 2_000_000,
    });
  });

  it('count for each of several NICs of one network', () => {
    const annotations = {
      ...under('ovn', PLAIN),
      ...under(`${ATTACHED}.net1`, { ip_address: '', egress_rate: '8' }),
      ...attached({ ingress_rate: '9' }),
    };
    const { ingress, egress } = readLimits(annotations, NET1);
    expect([ingress.value?.bitsPerSecond, egress.value?.bitsPerSecond]).toEqual([
      1_000_000, 8_000_000,
    ]);
  });

  it('that are wrong are named, and do not include the mirror', () => {
    expect(beside({}, { egress_rate: 'x' }).egress.wrong?.message).toBe(
      'annotation ovn.kubernetes.io/egress_rate is wrong: "x"',
    );
    expect(beside({}, { mirror: 'true' }).isMirrored).toBe(false);
  });
});

describe("the runtime's bandwidth", () => {
  const bandwidth = { ingressBps: 1, ingressBurstBits: 2, egressBps: 3 };

  it('counts where no annotation says a rate', () => {
    expect(read({ latency: '5' }, bandwidth)).toMatchObject({
      ingress: {
        value: { bitsPerSecond: 1, burstBits: 2 },
        source: 'runtimeConfig.bandwidth',
      },
      egress: { value: { bitsPerSecond: 3 }, source: 'runtimeConfig.bandwidth' },
      netem: { value: { latencyMs: 5 } },
    });
    expect(read({}, { egressBps: 3 }).ingress).toEqual({});
    expect(read({}, { ingressBps: 3 }).egress).toEqual({});
  });

  it.each([
    [{ ingress_rate: '5' }, { bitsPerSecond: 5_000_000 }],
    [{ ingress_rate: '0' }, undefined],
    [{ ingress_rate: 'x' }, undefined],
    [{ ingress_burst: '5' }, undefined],
    [{ ingress_rate: '' }, { bitsPerSecond: 1, burstBits: 2 }],
  ])('is less than an annotation of the same direction: %j', (values, value) => {
    const limits = read(values, bandwidth);
    expect(limits.ingress.value).toEqual(value);
    expect(limits.egress.value).toEqual({ bitsPerSecond: 3 });
  });

  it('is less than a plain annotation too, and more than none that counts', () => {
    const plain = under('ovn', { ingress_rate: '5' });
    expect(readLimits(plain, NET1, bandwidth).ingress.value?.bitsPerSecond).toBe(5_000_000);
    const ofPrimary = { ...plain, ...under('ovn', WRITTEN) };
    expect(readLimits(ofPrimary, NET1, bandwidth).ingress.value?.bitsPerSecond).toBe(1);
  });
});
