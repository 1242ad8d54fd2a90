/**
 * Annotated rates against those that OVS has on a port. Pure.
 */
import { OwnCode } from '../error.ts';
import type { InspectedPort, Shaping } from '../ovs/port-inspection.ts';
import { htbColumns, policingColumns, type Rates } from '../ovs/rates.ts';
import { compared, type Difference } from './difference.ts';

const CODE = OwnCode.limitsDiffer;

export function compareLimits(
  rates: Rates,
  { name, policing, shaping }: InspectedPort,
): Difference[] {
  const htb = htbColumns(rates);
  const expected = htb && { maxRate: String(htb.maxRateBps), burst: String(htb.burstBytes) };
  // Older versions of Kube-OVN leave the burst to OVS unless it is annotated.
  const usualBurst = rates.ingressBurstMbit === undefined ? expected?.burst : undefined;
  const found = shaping && { ...shaping, burst: shaping.burst ?? usualBurst };
  return [
    ...compared(CODE, `ingress_rate on ${name}`, shapingText(expected), shapingText(found)),
    ...compared(
      CODE,
      `egress_rate on ${name}`,
      policingText(policingColumns(rates)),
      policingText(policing),
    ),
  ];
}

function shapingText(shaping: Shaping | undefined): string {
  if (shaping === undefined) return 'no limit';
  const { maxRate, burst } = shaping;
  return `${maxRate} bit/s with ${burst === undefined ? 'no burst' : `a burst of ${burst} bytes`}`;
}

/** Without a rate OVS does not look at the burst. */
function policingText({ rateKbps, burstKbit }: InspectedPort['policing']): string {
  return rateKbps === 0 ? 'no limit' : `${rateKbps} kbit/s with a burst of ${burstKbit} kbit`;
}
