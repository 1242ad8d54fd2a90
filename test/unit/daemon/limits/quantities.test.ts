import { describe, expect, it } from 'vitest';
import {
  bitsText,
  limitText,
  netemSummary,
  rateText,
} from '../../../../src/daemon/limits/quantities.ts';

describe('quantities for a table', () => {
  it.each([
    [0, '0 bit/s'],
    [1, '1 bit/s'],
    [999, '999 bit/s'],
    [11_200, '11.2 kbit/s'],
    [10_000_000, '10 Mbit/s'],
    [999_000_000, '999 Mbit/s'],
    [1_000_000_000, '1 Gbit/s'],
    [34_359_738_360, '34.36 Gbit/s'],
    [10_000_000_000_000, '10 Tbit/s'],
    [Number.MAX_SAFE_INTEGER, '9007.199 Tbit/s'],
  ])('have the rate %d as %s', (bitsPerSecond, text) => {
    expect(rateText(bitsPerSecond)).toBe(text);
  });

  it('have the burst beside the rate, where there is one', () => {
    expect(limitText(10_000_000)).toBe('10 Mbit/s');
    expect(limitText(10_000_000, 1_250_000)).toBe('10 Mbit/s, burst 1.25 Mbit');
    expect(limitText(10_000_000, 0)).toBe('10 Mbit/s, burst 0 bit');
    expect(bitsText(16_000_000)).toBe('16 Mbit');
  });

  it.each([
    [[10_000, 0, 0, 1000], 'latency 10 ms'],
    [[10_000, 2500, 5, 30], 'latency 10 ms, jitter 2.5 ms, loss 5 %, limit 30 packets'],
    [[0, 0, 0.5, 1000], 'loss 0.5 %'],
    [[0, 0, 0, 1000], 'no effect'],
  ] as const)('have what netem does (%#)', (values, text) => {
    const [latencyUs, jitterUs, lossPercent, limitPackets] = values;
    expect(netemSummary({ latencyUs, jitterUs, lossPercent, limitPackets })).toBe(text);
  });
});
