/**
 * The CNI capability `bandwidth`: limits that a runtime or Multus asks for. From the request to a
 * checked value, and the text as which the Interface row keeps it. Pure.
 */
import type { CniRequest } from '../../wire/messages.ts';

/**
 * What the runtime asks for by the CNI capability `bandwidth`; the pod's annotations win over it.
 * Each is more than 0, at most `Number.MAX_SAFE_INTEGER`, and missing where nothing is asked for; at
 * least one rate is there.
 */
export interface Bandwidth {
  /** Traffic to the pod; bit/s. */
  readonly ingressBps?: number;
  /** Only beside its rate; bits. */
  readonly ingressBurstBits?: number;
  /** Traffic from the pod; bit/s. */
  readonly egressBps?: number;
  /** Only beside its rate; bits. */
  readonly egressBurstBits?: number;
}

/**
 * From here on a burst is none that anybody asked for; bits. Users give Kubernetes a rate only, and
 * CNI's bandwidth plugin refuses a rate without a burst, so that runtimes send the largest one they
 * think it takes: 2^31 - 1 kubelet's dockershim, 2^32 - 1 containerd, about eight times that CRI-O.
 */
const UNSAID_BURST_BITS = 2 ** 31 - 1;

/** What a request asks for; undefined where it asks for nothing. */
export function readBandwidth(said: CniRequest['bandwidth'] = {}): Bandwidth | undefined {
  const { ingress_rate, ingress_burst, egress_rate, egress_burst } = said;
  return bandwidthOf([ingress_rate, ingress_burst, egress_rate, egress_burst]);
}

/** One plain word, like `ingress=1000000/800000,egress=500000`: rates in bit/s, bursts in bits. */
export function formatBandwidth(bandwidth: Bandwidth): string {
  const { ingressBps, ingressBurstBits, egressBps, egressBurstBits } = bandwidth;
  return [
    ...formatLimit('ingress', ingressBps, ingressBurstBits),
    ...formatLimit('egress', egressBps, egressBurstBits),
  ].join();
}

const FORM = /^(?:ingress=(\d{1,16})(?:\/(\d{1,16}))?)?,?(?:egress=(\d{1,16})(?:\/(\d{1,16}))?)?$/;

/**
 * What `formatBandwidth` wrote; undefined for any other text. Somebody may have edited the row, and
 * of a text that only looks alike there is no telling what is meant.
 */
export function parseBandwidth(text: string | undefined): Bandwidth | undefined {
  const numbers = FORM.exec(text ?? '')?.slice(1) ?? [];
  const found = bandwidthOf(numbers.map((digits) => Number(digits ?? 0)));
  return found !== undefined && formatBandwidth(found) === text ? found : undefined;
}

/** @param numbers rate and burst to the pod, rate and burst from it; 0 says nothing */
function bandwidthOf(numbers: readonly (number | undefined)[]): Bandwidth | undefined {
  const [ingressBps = 0, ingressBurstBits = 0, egressBps = 0, egressBurstBits = 0] = numbers;
  const found = {
    ...(isRate(ingressBps) ? { ingressBps } : {}),
    ...(isRate(ingressBps) && isBurst(ingressBurstBits) ? { ingressBurstBits } : {}),
    ...(isRate(egressBps) ? { egressBps } : {}),
    ...(isRate(egressBps) && isBurst(egressBurstBits) ? { egressBurstBits } : {}),
  };
  return Object.keys(found).length > 0 ? found : undefined;
}

function isRate(bps: number): boolean {
  return bps > 0 && bps <= Number.MAX_SAFE_INTEGER;
}

function isBurst(bits: number): boolean {
  return bits > 0 && bits < UNSAID_BURST_BITS;
}

function formatLimit(name: string, bps: number | undefined, burstBits: number | undefined) {
  if (bps === undefined) return [];
  return [`${name}=${bps}${burstBits === undefined ? '' : `/${burstBits}`}`];
}
