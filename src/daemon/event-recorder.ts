/**
 * The daemon as a writer of Events: as whom it writes, and how much it asks of the API server, to
 * which every node writes.
 */
import { EventRecorder, type EventRecorderOptions } from '../common/kubernetes/events.ts';

/** A node has a hundred pods or so. */
const LIMITS = { waiting: 100, atOnce: 1, remembered: 256 };

export function createEventRecorder({
  nodeName,
  ...rest
}: Pick<EventRecorderOptions, 'api' | 'log'> & { readonly nodeName: string }): EventRecorder {
  const reporter = {
    // As Kube-OVN's Go daemon has it.
    component: nodeName,
    host: nodeName,
    reportingComponent: 'kube-ovn-cni',
    reportingInstance: nodeName,
  };
  return new EventRecorder({ reporter, limits: LIMITS, ...rest });
}
