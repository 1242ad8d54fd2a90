/**
 * Limits in words, for events, CHECK and people at a terminal. Pure.
 */
import type { Policing, Qos, TrafficControl } from '../ovs/traffic-control.ts';

/** What a port has or is to have: "10 Mbit/s to the pod, …". */
export function controlText({ policing, qos, isMirrored }: TrafficControl): string {
  const parts = [
    `${shapingText(qos)} to the pod`,
    `${policingText(policing)} from the pod`,
    ...(qos?.type === 'linux-netem' ? [netemText(qos)] : []),
    ...(isMirrored ? ['a mirror'] : []),
  ];
  return parts.join(', ');
}

/** The rate limit of a QoS; netem is none. */
export function shapingText(qos: Qos | undefined): string {
  if (qos?.type !== 'linux-htb') return 'no limit';
  const { 'max-rate': maxRate, burst } = qos.config;
  return `${Number(maxRate) / 1_000_000} Mbit/s with ${burst === undefined ? 'no burst' : `a burst of ${burst} bytes`}`;
}

export function policingText({ rateKbps, burstKbit }: Policing): string {
  // Without a rate OVS does not look at the burst.
  if (rateKbps === 0) return 'no limit';
  return `${rateKbps / 1000} Mbit/s with a burst of ${burstKbit / 1000} Mbit`;
}

/** "netem with latency 10000 µs, loss 5 %". */
export function netemText(qos: Qos | undefined): string {
  if (qos?.type !== 'linux-netem') return 'no netem';
  const units: Readonly<Record<string, string>> = { latency: ' µs', jitter: ' µs', loss: ' %' };
  const entries = Object.entries(qos.config).sort(([one], [other]) => (one < other ? -1 : 1));
  const words = entries.map(([key, value]) => `${key} ${value}${units[key] ?? ''}`);
  return `netem with ${words.join(', ')}`;
}

export function mirrorText(isMirrored: boolean): string {
  return isMirrored ? 'on' : 'off';
}
