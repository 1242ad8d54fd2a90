/**
 * The CNI capability `bandwidth` (CONVENTIONS.md of the CNI project, "Well-known Capabilities"):
 * `runtimeConfig.bandwidth` of the configuration, where a runtime puts the pod's annotations
 * `kubernetes.io/ingress-bandwidth` and `egress-bandwidth`, and Multus a network's `bandwidth`.
 */
import type { CniRequest } from '../wire/messages.ts';
import { object, type Source, wholeNumber } from './fields.ts';

/**
 * The request's part of it; empty where nothing is asked for, which a zero is, too.
 * Throws error 7, which names the field.
 */
export function bandwidth(top: Source): Pick<CniRequest, 'bandwidth'> {
  const said = object(object(top, 'runtimeConfig'), 'bandwidth');
  const found = {
    ingress_rate: wholeNumber(said, 'ingressRate', 'a whole number of bit/s'),
    ingress_burst: wholeNumber(said, 'ingressBurst', 'a whole number of bits'),
    egress_rate: wholeNumber(said, 'egressRate', 'a whole number of bit/s'),
    egress_burst: wholeNumber(said, 'egressBurst', 'a whole number of bits'),
  };
  return Object.values(found).some((value) => value > 0) ? { bandwidth: found } : {};
}
