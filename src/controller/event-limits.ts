/** How much the controller's events ask of the API server. */
import { OBJECT_ALLOWANCE } from '../common/kubernetes/event-budget.ts';
import type { EventLimits } from '../common/kubernetes/events.ts';

/**
 * Thousands of pods that come at once must not lose their events: each has one or two, and some more
 * where something is wrong. An author who has one object said about again and again has what client-go
 * lets a program say about it at once, and then one a minute; all together have twenty a second in the
 * long run.
 */
export const EVENT_LIMITS: EventLimits = {
  waiting: 20_000,
  atOnce: 4,
  remembered: 4096,
  rates: {
    perObject: OBJECT_ALLOWANCE,
    total: { burst: 20_000, everyMs: 50 },
  },
};
