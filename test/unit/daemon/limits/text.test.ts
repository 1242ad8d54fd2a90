import { describe, expect, it } from 'vitest';
import {
  controlText,
  mirrorText,
  netemText,
  policingText,
  shapingText,
} from '../../../../src/daemon/limits/text.ts';
import { NO_CONTROL, type Qos } from '../../../../src/daemon/ovs/traffic-control.ts';

const HTB: Qos = { type: 'linux-htb', config: { 'max-rate': '5000000', burst: '500000' } };
const NETEM: Qos = {
  type: 'linux-netem',
  config: { loss: '0.5', limit: '30', latency: '10000', jitter: '2000' },
};

describe('limits in words', () => {
  it.each([
    [NO_CONTROL, 'no limit to the pod, no limit from the pod'],
    [
      { policing: { rateKbps: 3000, burstKbit: 2400 }, qos: HTB, isMirrored: true },
      '5 Mbit/s with a burst of 500000 bytes to the pod, 3 Mbit/s with a burst of 2.4 Mbit from the pod, a mirror',
    ],
    [
      { ...NO_CONTROL, qos: NETEM },
      'no limit to the pod, no limit from the pod, netem with jitter 2000 µs, latency 10000 µs, limit 30, loss 0.5 %',
    ],
  ])('say all that a port has (%#)', (control, text) => {
    expect(controlText(control)).toBe(text);
  });

  it('have the rate to the pod, whatever is beside it', () => {
    expect(shapingText(undefined)).toBe('no limit');
    expect(shapingText(NETEM)).toBe('no limit');
    const shaped = (config: Qos['config']) => shapingText({ type: 'linux-htb', config });
    expect(shaped({ 'max-rate': '5000000' })).toBe('5 Mbit/s with no burst');
    expect(shaped({ 'max-rate': '1', burst: '0' })).toBe('0.000001 Mbit/s with a burst of 0 bytes');
  });

  it('have the rate from the pod, and a burst only beside it', () => {
    expect(policingText({ rateKbps: 0, burstKbit: 5 })).toBe('no limit');
    expect(policingText({ rateKbps: 1, burstKbit: 0 })).toBe('0.001 Mbit/s with a burst of 0 Mbit');
  });

  it('have netem in one order, however OVS has it', () => {
    const reversed = Object.fromEntries(Object.entries(NETEM.config).reverse());
    expect(netemText({ ...NETEM, config: reversed })).toBe(netemText(NETEM));
    expect(netemText(undefined)).toBe('no netem');
    expect(netemText(HTB)).toBe('no netem');
  });

  it('have the mirror', () => {
    expect([mirrorText(true), mirrorText(false)]).toEqual(['on', 'off']);
  });
});
