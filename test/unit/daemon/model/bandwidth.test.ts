import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bandwidth,
  formatBandwidth,
  parseBandwidth,
  readBandwidth,
} from '../../../../src/daemon/model/bandwidth.ts';
import { HOSTILE_TEXTS } from '../support.ts';

const ALL = { ingressBps: 1_000_000, ingressBurstBits: 800_000, egressBps: 500_000 };

describe('what a request asks for', () => {
  it('has every rate and burst that is said', () => {
    const said = {
      ingress_rate: 2048,
      ingress_burst: 1600,
      egress_rate: Number.MAX_SAFE_INTEGER,
      egress_burst: 1,
    };
    expect(readBandwidth(said)).toEqual({
      ingressBps: 2048,
      ingressBurstBits: 1600,
      egressBps: Number.MAX_SAFE_INTEGER,
      egressBurstBits: 1,
    });
  });

  it.each([
    undefined,
    {},
    { ingress_rate: 0, egress_rate: 0 },
    { ingress_burst: 1600, egress_burst: 1600 },
    { ingress_rate: 0, ingress_burst: 1600, egress_rate: 0, egress_burst: 1600 },
  ])('is nothing where no rate is said: %j', (said) => {
    expect(readBandwidth(said)).toBeUndefined();
  });

  it('has no burst that no rate goes with, and none of zero', () => {
    expect(readBandwidth({ ingress_rate: 1, ingress_burst: 0, egress_burst: 5 })).toEqual({
      ingressBps: 1,
    });
    expect(readBandwidth({ egress_rate: 1, egress_burst: 0, ingress_burst: 5 })).toEqual({
      egressBps: 1,
    });
  });

  it.each([
    ['kubelet', 2 ** 31 - 1],
    ['containerd', 2 ** 32 - 1],
    ['CRI-O', 8 * (2 ** 32 - 1) - 1],
  ])('has no burst where %s sends %d for one that nobody said', (_, burst) => {
    const said = { ingress_burst: burst, egress_rate: 9, egress_burst: burst };
    expect(readBandwidth({ ingress_rate: 5, ...said })).toEqual({ ingressBps: 5, egressBps: 9 });
  });

  it('has a burst that is smaller than that by one', () => {
    const burst = 2 ** 31 - 2;
    const said = { ingress_rate: 5, ingress_burst: burst, egress_rate: 9, egress_burst: burst };
    expect(readBandwidth(said)).toEqual({
      ingressBps: 5,
      ingressBurstBits: burst,
      egressBps: 9,
      egressBurstBits: burst,
    });
  });
});

const TEXTS: readonly (readonly [string, Bandwidth])[] = [
  ['ingress=1000000/800000,egress=500000', ALL],
  ['ingress=1', { ingressBps: 1 }],
  ['egress=1/2', { egressBps: 1, egressBurstBits: 2 }],
  [
    'ingress=9007199254740991,egress=1/3',
    { ingressBps: 2 ** 53 - 1, egressBps: 1, egressBurstBits: 3 },
  ],
];

describe('the text of a bandwidth', () => {
  it.each(TEXTS)('is %s', (text, bandwidth) => {
    expect(formatBandwidth(bandwidth)).toBe(text);
    expect(parseBandwidth(text)).toEqual(bandwidth);
  });

  it('is one word, and reads back as what any request asked for', async () => {
    const rate = fc.oneof(fc.nat(2), fc.maxSafeNat());
    const burst = fc.oneof(fc.nat(2), fc.nat(2 ** 31 + 2), fc.maxSafeNat());
    const requests = fc.record(
      { ingress_rate: rate, ingress_burst: burst, egress_rate: rate, egress_burst: burst },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.property(requests, (said) => {
        const bandwidth = readBandwidth(said);
        const text = formatBandwidth(bandwidth ?? {});
        expect(text).toMatch(/^[a-z0-9=/,]*$/);
        expect(parseBandwidth(text)).toEqual(bandwidth);
      }),
    );
  });

  it('that is read is the one that would be written', async () => {
    const piece = fc.constantFrom(
      ...['ingress', 'egress', '=', '/', ',', '0', '1', '7', '2147483647', '9007199254740992'],
      ...['-', ' ', '.', 'e', ''],
    );
    const edited = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc
        .tuple(fc.constantFrom(...TEXTS), fc.nat(40), fc.nat(2), piece)
        .map(([[text], at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut)),
    );
    await fc.assert(
      fc.property(edited, (text) => {
        const found = parseBandwidth(text);
        if (found !== undefined) expect(formatBandwidth(found)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a text that is not of ours', () => {
  it.each([
    undefined,
    '',
    ',',
    'ingress=',
    'ingress=0',
    'ingress=0,egress=1',
    'ingress=01',
    'ingress=-1',
    'ingress=1.5',
    'ingress=1e3',
    'ingress=1/',
    'ingress=1/0',
    'ingress=1/2147483647',
    'ingress=9007199254740992',
    'ingress=9007199254740993',
    'ingress=99999999999999999999',
    'ingress=1,',
    ',egress=1',
    'ingress=1egress=1',
    'ingress=1,,egress=1',
    'ingress=1, egress=1',
    'egress=1,ingress=1',
    'ingress=1,ingress=2',
    'INGRESS=1',
    ' ingress=1',
    'ingress=1\n',
    'ingress=１',
    'ingress=1,egress=1,more=1',
    `ingress=${'1'.repeat(65_536)}`,
    ...HOSTILE_TEXTS,
  ])('says nothing: %.40j', (text) => {
    expect(parseBandwidth(text)).toBeUndefined();
  });
});
