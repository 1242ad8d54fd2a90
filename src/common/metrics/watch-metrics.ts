/**
 * Metrics of watches: whether what is known of each kind of object is up to date.
 */
import { resourceName, resourceOf } from '../kubernetes/path.ts';
import type { Metrics } from './metrics.ts';

/** A collection that is followed. */
export interface Followed {
  /** Of the collection: `/api/v1/pods`. */
  readonly path: string;
  readonly isSynced: boolean;
  /** Infinity before the server was heard for the first time. */
  readonly msSinceContact: number;
  readonly size: number;
}

/** @param followed asked when somebody asks for the metrics */
export function addWatchMetrics(metrics: Metrics, followed: () => readonly Followed[]): void {
  const read = (value: (one: Followed) => number) => () =>
    followed().map((one) => ({
      labels: { resource: resourceName(resourceOf(one.path)) },
      value: value(one),
    }));
  const labels = ['resource'] as const;
  metrics.gauge(
    {
      name: 'kube_ovn_watch_silence_seconds',
      help: 'Time since the API server was heard about a kind (a list, an event, a bookmark, which comes about once a minute), or since the start; seconds.',
      labels,
    },
    read(({ msSinceContact }) => Math.min(msSinceContact / 1000, process.uptime())),
  );
  metrics.gauge(
    { name: 'kube_ovn_watch_synced', help: 'Whether the first list of a kind has come.', labels },
    read(({ isSynced }) => Number(isSynced)),
  );
  metrics.gauge(
    { name: 'kube_ovn_watch_objects', help: 'Objects of a kind that are known.', labels },
    read(({ size }) => size),
  );
}
