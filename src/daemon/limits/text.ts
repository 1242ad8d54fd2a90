/**
 * Limits in words, for events, CHECK and people at a terminal. Pure.
 */
import type { Policing, Qos, TrafficControl } from '../ovs/traffic-control.ts';
import { limitText, netemOf, netemSummary } from './quantities.ts';

/** What a port has or is to have: "to the pod 10 Mbit/s, burst 1 Mbit; from the pod no limit". */
export function controlText({ policing, qos, isMirrored }: TrafficControl): string {
  const parts = [
    `to the pod ${shapingText(qos)}`,
    `from the pod ${policingText(policing)}`,
    ...(qos?.type === 'linux-netem' ? [`netem with ${netemText(qos)}`] : []),
    ...(isMirrored ? ['a mirror'] : []),
  ];
  return parts.join('; ');
}

/** The rate limit of a QoS; netem is none. OVS reads both numbers as bits. */
export function shapingText(qos: Qos | undefined): string {
  if (qos?.type !== 'linux-htb') return 'no limit';
  const { 'max-rate': maxRate, burst } = qos.config;
  return limitText(Number(maxRate), Number(burst ?? 0));
}

/** Without a rate OVS does not look at the burst. */
export function policingText({ rateKbps, burstKbit }: Policing): string {
  return rateKbps === 0 ? 'no limit' : limitText(rateKbps * 1000, burstKbit * 1000);
}

/** "latency 10 ms, loss 5 %". */
export function netemText(qos: Qos | undefined): string {
  return qos?.type === 'linux-netem' ? netemSummary(netemOf(qos)) : 'none';
}

/** Whether a port is mirrored, in a word. */
export function mirrorText(isMirrored: boolean): string {
  return isMirrored ? 'on' : 'off';
}
