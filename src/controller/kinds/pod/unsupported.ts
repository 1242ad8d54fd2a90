/**
 * What a pod's annotations ask for and Kube-OVN acts on, and this controller does not.
 */
import type { ObjectEvent } from '../../../common/kubernetes/events.ts';
import { annotationKey } from '../../model/annotation-key.ts';
import { failureEvent } from '../../model/events.ts';
import type { Pod } from './object/pod.ts';
import type { AnnotatedNic } from './object/pod-annotations.ts';

/** Of a NIC that is a port of OVN. */
const NOT_SUPPORTED = ['dhcp-v4-options', 'dhcp-v6-options', 'activation_strategy'];

/** One event for each NIC that has such annotations. */
export function unsupportedEvents(
  { annotations }: Pick<Pod, 'annotations'>,
  nics: readonly Pick<AnnotatedNic, 'provider' | 'kind'>[],
): readonly ObjectEvent[] {
  return nics
    .filter(({ kind }) => kind === 'ovn')
    .flatMap(({ provider }) => {
      const keys = NOT_SUPPORTED.map((name) => annotationKey(provider, name));
      const given = keys.filter((key) => annotations[key]);
      if (given.length === 0) return [];
      const what = `${given.join(', ')}: not supported by this controller, and without effect`;
      return [failureEvent('PodNetworkNotSupported', 'annotations', what)];
    });
}
