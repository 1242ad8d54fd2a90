/**
 * Metrics of work queues, by their names: how much they have to do, and how long that takes. Names are
 * those of client-go's workqueues, where it has them.
 */
import type { WorkQueueFigures, WorkQueueObserver } from '../reconcile/queue-figures.ts';
import { type Metrics, SECONDS } from './metrics.ts';

/**
 * @param figures of each queue by its name; asked when somebody asks for the metrics
 * @returns the observer of the runs of a queue
 */
export function addQueueMetrics(
  metrics: Metrics,
  figures: () => ReadonlyMap<string, WorkQueueFigures>,
): (name: string) => WorkQueueObserver {
  const labels = ['name'] as const;
  const read = (value: (figures: WorkQueueFigures) => number) => () =>
    [...figures()].map(([name, own]) => ({ labels: { name }, value: value(own) }));
  const gauge = (name: string, help: string, value: (figures: WorkQueueFigures) => number) =>
    metrics.gauge({ name, help, labels }, read(value));
  const count = (name: string, help: string, value: (figures: WorkQueueFigures) => number) =>
    metrics.readCounter({ name, help, labels }, read(value));
  gauge('workqueue_depth', 'Objects in line.', ({ depth }) => depth);
  count('workqueue_adds_total', 'How often an object was put in line.', ({ adds }) => adds);
  count(
    'workqueue_retries_total',
    'Runs that failed, and are tried again or wait for what they lack.',
    ({ failures }) => failures,
  );
  count(
    'kube_ovn_workqueue_long_turns_total',
    'Runs that held the event loop for more than 50 ms before they first waited for something.',
    ({ longTurns }) => longTurns,
  );
  gauge(
    'workqueue_unfinished_work_seconds',
    'How long the runs that have not ended have taken so far, together; seconds.',
    ({ runningMs }) => runningMs / 1000,
  );
  gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the one has run that began first; seconds.',
    ({ longestRunMs }) => longestRunMs / 1000,
  );
  gauge(
    'kube_ovn_workqueue_waiting',
    'Objects whose last run failed: they are tried again after a pause, or wait for what they lack.',
    ({ paused }) => paused,
  );
  const waited = metrics.histogram(
    {
      name: 'workqueue_queue_duration_seconds',
      help: 'How long an object was in line; seconds.',
      labels,
    },
    SECONDS,
  );
  const worked = metrics.histogram(
    { name: 'workqueue_work_duration_seconds', help: 'Duration of a run; seconds.', labels },
    SECONDS,
  );
  return (name) => ({
    began: (waitedMs) => waited.observe({ name }, waitedMs / 1000),
    ended: (ms) => worked.observe({ name }, ms / 1000),
  });
}
