import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CniError } from '../../../../src/daemon/call/error.ts';
import type { Bandwidth } from '../../../../src/daemon/model/bandwidth.ts';
import {
  type Asked,
  type AskedLimits,
  limitWarnings,
  readLimits,
  refuseWrongLimits,
} from '../../../../src/daemon/model/limits.ts';
import { ATTACHED, under, WRITTEN } from '../nic/support.ts';
import { expectReadable, failureOf, HOSTILE_TEXTS } from '../support.ts';

const ETH0 = { provider: 'ovn', ifName: 'eth0' };
const NET1 = { provider: ATTACHED, ifName: 'net1' };

type Values = Record<string, string>;
/** Limits of the primary NIC with these annotations and what the controller writes. */
const read = (values: Values, bandwidth?: Bandwidth) =>
  readLimits(under('ovn', { ...WRITTEN, ...values }), ETH0, bandwidth);

const RATES = ['ingress_rate', 'egress_rate'];
const BURSTS = ['ingress_burst', 'egress_burst'];
const NETEM = ['latency', 'jitter', 'limit', 'loss'];
const NAMES = [...RATES, ...BURSTS, ...NETEM];
/** The limit that an annotation belongs to. */
const limitOf = (limits: AskedLimits, name: string): Asked<unknown> =>
  NETEM.includes(name) ? limits.netem : limits[name.startsWith('in') ? 'ingress' : 'egress'];
const wrongOf = (limits: AskedLimits, name: string) => limitOf(limits, name).wrong;
/** A rate beside it, in order that a burst means something. */
const besideRate = (name: string, text: string): Values =>
  BURSTS.includes(name) ? { [name.replace('burst', 'rate')]: '5', [name]: text } : { [name]: text };

describe('the limits of a NIC', () => {
  it('are none where nothing is written', () => {
    const none = { ingress: {}, egress: {}, netem: {}, isMirrored: false };
    expect(read({})).toEqual(none);
    expect(readLimits({}, NET1)).toEqual(none);
    expect(read(Object.fromEntries(NAMES.map((name) => [name, ''])))).toEqual(none);
  });

  it('are Mbit/s and Mbit, each with the annotations that say so', () => {
    const values = { ingress_rate: '5', egress_rate: '3', ingress_burst: '2', egress_burst: '0' };
    expect(read(values)).toEqual({
      ingress: {
        value: { bitsPerSecond: 5_000_000, burstBits: 2_000_000 },
        source: 'ovn.kubernetes.io/ingress_rate, ovn.kubernetes.io/ingress_burst',
      },
      egress: {
        value: { bitsPerSecond: 3_000_000, burstBits: 0 },
        source: 'ovn.kubernetes.io/egress_rate, ovn.kubernetes.io/egress_burst',
      },
      netem: {},
      isMirrored: false,
    });
  });

  it('leave a burst that is not written to the default', () => {
    expect(read({ ingress_rate: '5' }).ingress).toEqual({
      value: { bitsPerSecond: 5_000_000 },
      source: 'ovn.kubernetes.io/ingress_rate',
    });
  });

  it('are ms, packets and percent for netem', () => {
    expect(read({ latency: '10', jitter: '2', limit: '30', loss: '0.5' }).netem).toEqual({
      value: { latencyMs: 10, jitterMs: 2, limitPackets: 30, lossPercent: 0.5 },
      source: NETEM.map((name) => `ovn.kubernetes.io/${name}`).join(', '),
    });
    expect(read({ loss: '5' }).netem).toEqual({
      value: { latencyMs: 0, jitterMs: 0, limitPackets: 0, lossPercent: 5 },
      source: 'ovn.kubernetes.io/loss',
    });
  });

  it.each([
    [{ ingress_rate: '0' }, 'ingress'],
    [{ ingress_rate: '000', ingress_burst: '5' }, 'ingress'],
    [{ egress_rate: '0', egress_burst: '0' }, 'egress'],
    [{ latency: '0', loss: '0.0' }, 'netem'],
    [{ limit: '0' }, 'netem'],
  ] as const)('are none with %j, which is said and not wrong', (values, name) => {
    const { source, ...others } = read(values)[name];
    expect(others).toEqual({});
    expect(source?.split(', ')).toEqual(
      Object.keys(values).map((key) => `ovn.kubernetes.io/${key}`),
    );
  });

  it.each([
    ['true', true],
    ['false', false],
    ['True', false],
    ['true ', false],
    ['1', false],
    ['', false],
  ])('have a mirror only where it is "true": %j', (mirror, isMirrored) => {
    expect(read({ mirror }).isMirrored).toBe(isMirrored);
  });
});

describe('the range of a limit', () => {
  it.each([
    ['ingress_rate', '10000000', '10000001'],
    ['egress_rate', '10000000', '10000001'],
    ['ingress_burst', '10000000', '10000001'],
    ['egress_burst', '10000000', '10000001'],
    ['latency', '274877', '274878'],
    ['jitter', '274877', '274878'],
    ['limit', '4294967295', '4294967296'],
    ['loss', '100', '101'],
    ['loss', '100.000000', '100.000001'],
    ['loss', '0.000001', '0.0000001'],
  ])('of %s ends at %s, and has no %s', (name, most, more) => {
    const right = limitOf(read(besideRate(name, most)), name);
    expect(right.wrong).toBeUndefined();
    const unit = NETEM.includes(name) ? 1 : 1_000_000;
    expect(Object.values(right.value as object)).toContain(Number(most) * unit);
    expect(wrongOf(read(besideRate(name, more)), name)?.message).toBe(
      `annotation ovn.kubernetes.io/${name} is wrong: "${more}"`,
    );
  });

  it('has a fraction for loss only', () => {
    expect(read({ loss: '99.5' }).netem.value?.lossPercent).toBe(99.5);
    for (const name of NAMES.filter((each) => each !== 'loss')) {
      expect(wrongOf(read(besideRate(name, '1.5')), name)?.code).toBe(7);
    }
  });
});

describe('a limit that is wrong', () => {
  const wrong = ['-1', '+1', '1e3', '0x10', ' 1', '1 ', '1k', '1,5', '.5', '5.', 'NaN', 'Infinity'];

  it.each(NAMES)('in %s is an error that names it and is readable', (name) => {
    for (const text of [...wrong, '１', ...HOSTILE_TEXTS]) {
      const limits = read(besideRate(name, text));
      const { value, source, wrong: error } = limitOf(limits, name);
      expect([value, error?.code]).toEqual([undefined, 7]);
      expect(source).toContain(`ovn.kubernetes.io/${name}`);
      const start = `annotation ovn.kubernetes.io/${name} is wrong: `;
      expect(error?.message.startsWith(start)).toBe(true);
      expect(error?.details).toMatch(/^expected a (whole )?number of [\w/]+, up to \d+$/);
      expectReadable(error as CniError);
      expect(failureOf(() => refuseWrongLimits(limits))).toBe(error);
    }
  });

  it.each(NAMES)('in %s leaves the others readable', (name) => {
    const others = {
      ...{ ingress_rate: '5', egress_rate: '3', latency: '10' },
      ...{ ingress_burst: '2', egress_burst: '1', loss: '1' },
    };
    const [all, limits] = [read(others), read({ ...others, [name]: 'x' })];
    for (const each of ['ingress', 'egress', 'netem'] as const) {
      if (limitOf(limits, name) === limits[each]) expect(limits[each].value).toBeUndefined();
      else expect(limits[each]).toEqual(all[each]);
    }
  });

  it.each(BURSTS)('is %s without a rate', (burst) => {
    const rate = `ovn.kubernetes.io/${burst.replace('burst', 'rate')}`;
    for (const text of ['0', '5']) {
      const error = failureOf(() => refuseWrongLimits(read({ [burst]: text })));
      expect([error.code, error.message, error.details]).toEqual([
        7,
        `annotation ovn.kubernetes.io/${burst} is wrong: "${text}"`,
        `expected ${rate} beside it: without a rate a burst means nothing`,
      ]);
    }
  });

  it('is none that a call is refused for where all are right', () => {
    refuseWrongLimits(read({ ingress_rate: '5', ingress_burst: '2', loss: '0.5' }));
    refuseWrongLimits(readLimits({}, NET1));
  });
});

describe('the warnings about limits', () => {
  const warnings = (values: Values) => limitWarnings(read(values));

  it('are none where all is well, or nothing is written', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({ ingress_rate: '5', egress_rate: '5', latency: '0' })).toEqual([]);
    expect(warnings({ ingress_rate: '0', egress_rate: '5', latency: '5', loss: '5.0' })).toEqual(
      [],
    );
  });

  it('name each that is wrong, and what it should be', () => {
    expect(warnings({ ingress_rate: '-1', egress_burst: '5', loss: 'x' })).toEqual([
      'annotation ovn.kubernetes.io/ingress_rate is wrong: "-1"; expected a whole number of Mbit/s, up to 10000000. The limit stays as it was',
      'annotation ovn.kubernetes.io/egress_burst is wrong: "5"; expected ovn.kubernetes.io/egress_rate beside it: without a rate a burst means nothing. The limit stays as it was',
      'annotation ovn.kubernetes.io/loss is wrong: "x"; expected a number of percent, up to 100. The limit stays as it was',
    ]);
  });

  it('say that a rate wins over netem', () => {
    const values = { ingress_rate: '5', latency: '10', loss: '0.5' };
    expect(warnings(values)).toEqual([
      'ovn.kubernetes.io/latency, ovn.kubernetes.io/loss has no effect: an interface has either a rate or netem, and ovn.kubernetes.io/ingress_rate wins; remove one of them',
    ]);
    const runtime = limitWarnings(read({ latency: '10' }, { ingressBps: 5 }));
    expect(runtime[0]).toContain('and runtimeConfig.bandwidth wins');
  });

  it('say that a fraction of loss does not work', () => {
    expect(warnings({ loss: '0.5' })).toEqual([
      'loss of 0.5 percent in ovn.kubernetes.io/loss has no effect: Open vSwitch takes whole percents only',
    ]);
  });
});

describe('arbitrary annotations', () => {
  const PREFIXES = ['ovn', ATTACHED, `${ATTACHED}.net1`];
  const digits = fc.stringMatching(/^\d{1,11}(\.\d{0,7})?$/);
  const text = fc.oneof(
    { weight: 4, arbitrary: digits },
    { weight: 4, arbitrary: fc.nat(200).map(String) },
    { weight: 1, arbitrary: fc.double().map(String) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.constantFrom('', ...HOSTILE_TEXTS.filter((t) => t.length < 99)) },
  );
  const key = fc
    .tuple(
      fc.constantFrom(...PREFIXES),
      fc.constantFrom(...NAMES, 'mirror', 'ip_address', 'cidr', 'allocated'),
    )
    .map(([prefix, name]) => `${prefix}.kubernetes.io/${name}`);
  const rate = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  const bandwidth = fc.record({ ingressBps: rate, egressBps: rate }, { requiredKeys: [] });

  it('never throw, and what is taken of them is in its range', async () => {
    const outcomes = { value: 0, wrong: 0, none: 0 };
    await fc.assert(
      fc.property(
        fc.dictionary(key, text, { maxKeys: 12 }),
        fc.constantFrom(ETH0, NET1),
        bandwidth,
        (annotations, nic, asked) => {
          const limits = readLimits(annotations, nic, asked);
          for (const each of [limits.ingress, limits.egress, limits.netem]) {
            expectSound(each);
            const said = each.source === undefined ? 'none' : 'value';
            outcomes[each.wrong ? 'wrong' : said] += 1;
          }
          for (const warning of limitWarnings(limits)) {
            expect([...warning].every((character) => character >= ' ')).toBe(true);
            expect(warning.length).toBeLessThan(1000);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(300);
  });
});

/** Ranges, in the words of OVS and the kernel. */
function expectSound({ value, wrong, source }: Asked<object>): void {
  if (wrong !== undefined) {
    expectReadable(wrong);
    expect([wrong.code, value, typeof source]).toEqual([7, undefined, 'string']);
  }
  if (value === undefined) return;
  const numbers = Object.entries(value as Record<string, number>);
  expect(typeof source).toBe('string');
  expect(numbers.some(([, number]) => number > 0)).toBe(true);
  for (const [name, number] of numbers) {
    expect(number).toBeGreaterThanOrEqual(0);
    if (name === 'lossPercent') expect(number).toBeLessThanOrEqual(100);
    else expect(Number.isSafeInteger(number)).toBe(true);
    if (name === 'limitPackets') expect(number).toBeLessThan(2 ** 32);
    // 64 ns each, counted in 32 bits.
    if (name.endsWith('Ms')) expect((number * 1e6) / 64).toBeLessThan(2 ** 32);
    if (name === 'bitsPerSecond') expect(number).toBeGreaterThan(0);
  }
}
