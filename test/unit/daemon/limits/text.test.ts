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
    [NO_CONTROL, 'to the pod no limit; from the pod no limit'],
    [
      { policing: { rateKbps: 3000, burstKbit: 2400 }, qos: HTB, isMirrored: true },
      'to the pod 5 Mbit/s, burst 500 kbit; from the pod 3 Mbit/s, burst 2.4 Mbit; a mirror',
    ],
    [
      { ...NO_CONTROL, qos: NETEM },
      'to the pod no limit; from the pod no limit; netem with latency 10 ms, jitter 2 ms, loss 0.5 %, limit 30 packets',
    ],
  ])('say all that a port has (%#)', (control, text) => {
    expect(controlText(control)).toBe(text);
  });

  it('have the rate to the pod, whatever is beside it', () => {
    expect(shapingText(undefined)).toBe('no limit');
    expect(shapingText(NETEM)).toBe('no limit');
    const shaped = (config: Qos['config']) => shapingText({ type: 'linux-htb', config });
    expect(shaped({ 'max-rate': '5000000' })).toBe('5 Mbit/s, burst 0 bit');
    expect(shaped({ 'max-rate': '1', burst: '0' })).toBe('1 bit/s, burst 0 bit');
  });

  it('have the rate from the pod, and a burst only beside it', () => {
    expect(policingText({ rateKbps: 0, burstKbit: 5 })).toBe('no limit');
    expect(policingText({ rateKbps: 1, burstKbit: 0 })).toBe('1 kbit/s, burst 0 bit');
  });

  it('have netem in one order, however OVS has it', () => {
    const reversed = Object.fromEntries(Object.entries(NETEM.config).reverse());
    expect(netemText({ ...NETEM, config: reversed })).toBe(netemText(NETEM));
    expect(netemText(undefined)).toBe('none');
    expect(netemText(HTB)).toBe('none');
  });

  it('have the mirror', () => {
    expect([mirrorText(true), mirrorText(false)]).toEqual(['on', 'off']);
  });
});
