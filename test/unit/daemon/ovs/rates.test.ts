import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { htbColumns, parseRates, policingColumns } from '../../../../src/daemon/ovs/rates.ts';
import { expectReadable, failureOf, HOSTILE_TEXTS } from '../support.ts';

const parse = (values: Record<string, string>) =>
  parseRates(
    (name) => values[name] ?? '',
    (name) => `ovn.kubernetes.io/${name}`,
  );
const NAMES = ['ingress_rate', 'egress_rate', 'ingress_burst', 'egress_burst'];

describe('the rates of a NIC', () => {
  it('are no limit where nothing is written', () => {
    const rates = parse({});
    expect(rates).toEqual({ ingressMbps: 0, egressMbps: 0 });
    expect(htbColumns(rates)).toBeUndefined();
    expect(policingColumns(rates)).toEqual({ rateKbps: 0, burstKbit: 0 });
  });

  it('are Mbit/s and Mbit', () => {
    const written = { ingress_rate: '5', egress_rate: '3', ingress_burst: '2', egress_burst: '0' };
    expect(parse(written)).toEqual({
      ingressMbps: 5,
      egressMbps: 3,
      ingressBurstMbit: 2,
      egressBurstMbit: 0,
    });
  });

  it('may be as large as Kube-OVN allows, and no larger', () => {
    expect(parse({ ingress_rate: '10000000' }).ingressMbps).toBe(10_000_000);
    for (const name of NAMES) {
      const error = failureOf(() => parse({ [name]: '10000001' }));
      expect(error.message).toContain(`ovn.kubernetes.io/${name}`);
    }
  });

  it.each(NAMES)('are never wrong in %s without an error that names it', (name) => {
    const wrong = ['-1', '+1', '1.5', '1e3', '0x10', ' 1', '1 ', '1k', 'NaN', 'Infinity', '１'];
    for (const text of [...wrong, ...HOSTILE_TEXTS]) {
      const error = failureOf(() => parse({ [name]: text }));
      expect(error.code).toBe(7);
      expect(error.message.startsWith(`annotation ovn.kubernetes.io/${name} is wrong: `)).toBe(
        true,
      );
      expectReadable(error);
    }
  });
});

describe("OVS's columns", () => {
  it("police the pod's egress in kbit/s, with a burst of 80 % of a second", () => {
    const rates = parse({ egress_rate: '3' });
    expect(policingColumns(rates)).toEqual({ rateKbps: 3000, burstKbit: 2400 });
    expect(htbColumns(rates)).toBeUndefined();
  });

  it("shape the pod's ingress in bit/s, with a burst of a tenth of that number in bytes", () => {
    const rates = parse({ ingress_rate: '5' });
    expect(htbColumns(rates)).toEqual({ maxRateBps: 5_000_000, burstBytes: 500_000 });
    expect(policingColumns(rates)).toEqual({ rateKbps: 0, burstKbit: 0 });
  });

  it('have the burst that is written: kbit for policing, bytes for shaping', () => {
    const rates = parse({
      ingress_rate: '5',
      egress_rate: '3',
      ingress_burst: '2',
      egress_burst: '4',
    });
    expect(policingColumns(rates)).toEqual({ rateKbps: 3000, burstKbit: 4000 });
    expect(htbColumns(rates)).toEqual({ maxRateBps: 5_000_000, burstBytes: 250_000 });
  });

  it('have no burst where none is wanted', () => {
    const rates = parse({
      ingress_rate: '5',
      egress_rate: '3',
      ingress_burst: '0',
      egress_burst: '0',
    });
    expect(policingColumns(rates).burstKbit).toBe(0);
    expect(htbColumns(rates)?.burstBytes).toBe(0);
  });

  it('have no burst without a rate', () => {
    const rates = parse({ ingress_burst: '2', egress_burst: '4' });
    expect(policingColumns(rates)).toEqual({ rateKbps: 0, burstKbit: 0 });
    expect(htbColumns(rates)).toBeUndefined();
  });

  it('are whole numbers written without an exponent, whatever the rates', async () => {
    const value = fc.oneof(fc.constant(''), fc.nat(10_000_000).map(String));
    const written = fc.record(Object.fromEntries(NAMES.map((name) => [name, value])));
    await fc.assert(
      fc.property(written, (values) => {
        const rates = parse(values);
        const columns = { ...policingColumns(rates), ...htbColumns(rates) };
        for (const number of Object.values(columns)) expect(`${number}`).toMatch(/^\d{1,15}$/);
      }),
    );
  });
});
