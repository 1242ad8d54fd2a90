/**
 * The daemon as a writer of Events: as whom it writes, and how much it asks of the API server, to
 * which every node writes.
 */
import { OBJECT_ALLOWANCE } from '../../common/kubernetes/event-budget.ts';
import { EventRecorder, type EventRecorderOptions } from '../../common/kubernetes/events.ts';

/**
 * A node has a hundred pods or so, and starts them all at once at times; each has an event or two in its
 * life, and some more where something is wrong.
 */
const LIMITS = {
  waiting: 100,
  atOnce: 1,
  remembered: 256,
  rates: {
    perObject: OBJECT_ALLOWANCE,
    total: { burst: 500, everyMs: 500 },
  },
};

/**
 * The recorder of a node's daemon: at most 500 events at once and then two in a second, and about each object
 * as OBJECT_ALLOWANCE says.
 */
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
