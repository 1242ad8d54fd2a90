/**
 * Which of several controllers leads: the one that holds the Lease (leadership/lease.ts). The
 * others stand by, and take it as soon as it is released or has expired.
 */

import type { KubeConfig } from '@kubernetes/client-node';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { isConflict, KubernetesApi } from '../../common/kubernetes/api.ts';
import type { RequestObserver } from '../../common/kubernetes/request-observer.ts';
import type { Logger } from '../../common/log.ts';
import type { Leadership } from './leadership.ts';
import { LeaseObject, newHolder } from './lease.ts';
import { LeaseWatch } from './lease-watch.ts';
import { Term } from './term.ts';
import { type LeaseTimes, pauses, requestTimeoutMs } from './times.ts';

/** Where the Lease is, who wants it, and how long it lasts. */
export interface LeadershipOptions {
  readonly config: KubeConfig;
  /** Where the Lease is. */
  readonly namespace: string;
  /** Ours: the holder's name is made of it. */
  readonly podName: string;
  readonly times: LeaseTimes;
  readonly log: Logger;
  /** Called for each request. */
  readonly observe?: RequestObserver;
}

/**
 * Waits until this process leads. It may then write.
 * @throws LeadershipError where a controller of another kind leads; `signal.reason` when aborted
 */
export async function acquireLeadership(
  options: LeadershipOptions,
  signal: AbortSignal,
): Promise<Leadership> {
  const { config, namespace, podName, times, log, observe } = options;
  const holder = newHolder(podName);
  // Its connections are kept: renewals go over them.
  const object = new LeaseObject(new KubernetesApi(config, undefined, observe), namespace);
  const backoff = new Backoff(pauses(times));
  using watch = new LeaseWatch({ config, namespace, holder, times, log, observe });
  log.info({ path: object.path, holder }, 'standing by: waiting for the Lease');
  for (;;) {
    const { lease } = await watch.untilFree(signal);
    const sentAt = performance.now();
    try {
      // Not ended by `signal`: whether it had been taken would be unknown.
      const timeout = AbortSignal.timeout(requestTimeoutMs(times));
      const taken = await object.take(lease, { holder, seconds: times.leaseSeconds }, timeout);
      const term = new Term({ object, holder, times, log }, taken, sentAt);
      if (signal.aborted) await term.release();
      signal.throwIfAborted();
      log.info({ path: object.path, holder }, 'this controller leads');
      return term;
    } catch (error) {
      signal.throwIfAborted();
      // Another one was quicker: nothing is wrong.
      if (!isConflict(error)) watch.takeFailed(error);
    }
    await backoff.pause(signal);
    await watch.refresh(signal).catch(() => undefined);
    signal.throwIfAborted();
  }
}
