/** Objects of the Kubernetes API: manifests are applied and taken away, and others are waited for. */
import { abortable, startDeadline } from '../../src/common/concurrency/deadline.ts';
import { apply } from '../../test/lab/kubectl.ts';
import type { FakeApiServer, KubernetesObject } from '../../test/lab/kubernetes/api.ts';
import { keyOf, type NewObject } from '../../test/lab/kubernetes/object.ts';

/** Far above what anything takes here that comes at all. */
const WAIT_MS = 30_000;

/** What `kubectl apply` does. */
export function applyAll(api: FakeApiServer, manifests: readonly NewObject[]): void {
  for (const manifest of manifests) apply(api, manifest);
}

/** Deletes objects that are in no namespace, and waits until they are gone. */
export async function removeAll(
  api: FakeApiServer,
  kind: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) api.delete(kind, name);
  for (const name of names) await untilGone(api, kind, name);
}

/**
 * Waits until an object is as `isWanted` wants it.
 * @throws Error with the object and all events where that takes too long
 */
export async function untilObject(
  api: FakeApiServer,
  kind: string,
  key: string,
  isWanted: (object: KubernetesObject) => boolean,
): Promise<KubernetesObject> {
  return await inTime(api, `${kind} ${key}`, api.until(kind, key, isWanted));
}

/** Waits until there is such an object no more. @throws Error as `untilObject` */
export async function untilGone(api: FakeApiServer, kind: string, key: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (!api.list(kind).some(({ metadata }) => keyOf(metadata) === key)) resolve();
  };
  const stop = api.onChange(kind, look);
  look();
  try {
    await inTime(api, `the end of ${kind} ${key}`, promise);
  } finally {
    stop();
  }
}

async function inTime<T>(api: FakeApiServer, what: string, task: Promise<T>): Promise<T> {
  using deadline = startDeadline(WAIT_MS);
  try {
    return await abortable(task, deadline.signal);
  } catch (error) {
    const events = api.list('Event').map(({ reason, message }) => `${reason}: ${message}`);
    throw new Error([`waited in vain for ${what}`, ...events].join('\n'), { cause: error });
  }
}
