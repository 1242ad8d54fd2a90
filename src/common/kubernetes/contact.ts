/**
 * Whether what we know of the cluster is up to date, as the log says it: the caches of one process
 * share one, so that an outage of the API server is two lines, whatever the number of caches.
 */
import type { Logger } from '../log.ts';
import { SharedOutage } from '../shared-outage.ts';

/** A line each when the first cache loses touch with the API server, and when all are back. */
export function createContact(log: Logger): SharedOutage {
  return new SharedOutage(log, {
    fields: {},
    lost: 'objects of the cluster may be out of date: lost touch with the API server, trying again',
    back: 'objects of the cluster are up to date again: back in touch with the API server',
  });
}
