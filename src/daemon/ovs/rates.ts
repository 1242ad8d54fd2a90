/**
 * Rate limits of a NIC: from annotations to columns of OVS rows. Pure.
 *
 * Annotations speak from the pod's point of view, OVS from the bridge's: traffic to the pod
 * (`ingress_rate`) leaves OVS and is shaped by an HTB queue on the port; traffic from the pod
 * (`egress_rate`) enters OVS and is policed on the interface (ovs-vswitchd.conf.db(5), "QoS"
 * and "ingress_policing_rate").
 */
import { invalid } from '../error.ts';

export interface Rates {
  /** Traffic to the pod; Mbit/s; 0 for no limit. */
  readonly ingressMbps: number;
  /** Traffic from the pod; Mbit/s; 0 for no limit. */
  readonly egressMbps: number;
  /** Mbit; undefined for the default that follows from the rate. */
  readonly ingressBurstMbit?: number;
  readonly egressBurstMbit?: number;
}

/** Kube-OVN's limit: 10 Tbit/s, far from where bit/s overflow a 64-bit integer. */
const RATE_MBPS_MAX = 10_000_000;

/**
 * @param value value of an annotation by its name, empty where it is not there
 * @param key full key of that annotation, for the error
 * @throws CniError 7 that names the annotation
 */
export function parseRates(value: (name: string) => string, key: (name: string) => string): Rates {
  const read = (name: string, unit: string): number | undefined => {
    const text = value(name);
    if (text === '') return undefined;
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number <= RATE_MBPS_MAX) return number;
    throw invalid(
      `annotation ${key(name)}`,
      text,
      `a whole number of ${unit}, up to ${RATE_MBPS_MAX}`,
    );
  };
  const ingressBurstMbit = read('ingress_burst', 'Mbit');
  const egressBurstMbit = read('egress_burst', 'Mbit');
  return {
    ingressMbps: read('ingress_rate', 'Mbit/s') ?? 0,
    egressMbps: read('egress_rate', 'Mbit/s') ?? 0,
    ...(ingressBurstMbit === undefined ? {} : { ingressBurstMbit }),
    ...(egressBurstMbit === undefined ? {} : { egressBurstMbit }),
  };
}

/** `ingress_policing_*` columns of the Interface row (kbit/s, kbit); the burst defaults to 80 %. */
export function policingColumns(rates: Rates): { rateKbps: number; burstKbit: number } {
  const rateKbps = rates.egressMbps * 1000;
  if (rateKbps === 0) return { rateKbps: 0, burstKbit: 0 };
  const { egressBurstMbit } = rates;
  return {
    rateKbps,
    burstKbit: egressBurstMbit === undefined ? (rateKbps / 10) * 8 : egressBurstMbit * 1000,
  };
}

/**
 * `other_config` of the HTB queue (bit/s, and bytes as Kube-OVN writes them), or undefined for
 * no limit. The burst defaults to a tenth of the rate's number.
 */
export function htbColumns(rates: Rates): { maxRateBps: number; burstBytes: number } | undefined {
  if (rates.ingressMbps === 0) return undefined;
  const maxRateBps = rates.ingressMbps * 1_000_000;
  const { ingressBurstMbit } = rates;
  const burstBytes = ingressBurstMbit === undefined ? maxRateBps / 10 : ingressBurstMbit * 125_000;
  return { maxRateBps, burstBytes };
}
