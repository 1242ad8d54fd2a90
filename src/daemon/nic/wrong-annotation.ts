/**
 * An annotation that is wrong refuses an ADD only where the API server has it so now: the pod that the
 * daemon follows may be older than its correction, when a watch has just been lost or its packets
 * vanish.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Deadline } from '../../common/concurrency/deadline.ts';
import { isNotFound, type KubernetesApi, KubernetesError } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { messageOf } from '../../common/text.ts';
import { CniCode } from '../../wire/cni.ts';
import { CniError, tryAgain } from '../call/error.ts';
import { waiting } from '../call/waiting.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { isSamePod, type Pod, podKey, projectPod } from '../model/pod.ts';

/** Code 7 about the annotations of a pod, and not about a configuration or the node. */
export class WrongAnnotation extends CniError {
  /** @param refusal its stage is the one in which this has failed, too */
  constructor(refusal: CniError) {
    const { message, details } = refusal;
    super(CniCode.invalidConfig, message, details, { cause: refusal });
    this.name = 'WrongAnnotation';
  }
}

/**
 * Reads something of a pod's annotations.
 * @throws WrongAnnotation where `read` throws a CniError 7, else what `read` throws
 */
export function readAnnotations<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isWrong = error instanceof CniError && error.code === CniCode.invalidConfig;
    throw isWrong ? new WrongAnnotation(error) : error;
  }
}

/** What the look at the pod as it is uses. */
export interface CorrectionParts {
  readonly api: Pick<KubernetesApi, 'get'>;
  /** Pods of this node, by `namespace/name`. */
  readonly pods: Pick<WatchCache<Pod>, 'get' | 'until'>;
}

/**
 * For the API server to say how the pod is; ms. Of a connection that broke while it was made nothing is
 * heard for as long as PING is waited for: the second read goes over another one.
 */
const READ_TIMEOUTS_MS = [1500, 5000] as const;

/**
 * Returns when the daemon follows the pod with other annotations than those that were refused.
 * @throws CniError the refusal, where the API server has the same annotations; 11 with the refusal's
 *   words where it does not say, or where the other annotations do not arrive before the deadline
 */
export async function untilCorrected(
  refusal: WrongAnnotation,
  { pod: { namespace, name, uid } }: LiveAttachment,
  { api, pods }: CorrectionParts,
  { signal }: Deadline,
): Promise<void> {
  const key = podKey(namespace, name);
  const followed = pods.get(key);
  const current = await currentPod(api, { namespace, name }, signal).catch((error) => {
    signal.throwIfAborted();
    throw tryAgain(
      refusal.message,
      `${refusal.details}; the pod may have been corrected since this daemon heard of it: it cannot ask the API server (${messageOf(error)})`,
      error,
    );
  });
  const isRefused =
    current === undefined ||
    !isSamePod(current, uid) ||
    isDeepStrictEqual(current.annotations, followed?.annotations);
  if (isRefused) throw refusal;
  const correction = {
    what: `the annotations that pod ${key} has now: the ones that this daemon follows are older (${refusal.message})`,
    lookAt: "the daemon's log for a broken watch, and whether this node reaches the API server",
    stage: 'get-pod',
  } as const;
  await waiting(
    correction,
    pods.until(() => pods.get(key) !== followed || undefined, signal),
  );
}

/** Undefined where there is none. @throws KubernetesError; TimeoutError */
async function currentPod(
  api: CorrectionParts['api'],
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const path = objectPath(KINDS.pods, name, namespace);
  const read = (timeoutMs: number) =>
    api.get(path, {}, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  const [shortMs, longMs] = READ_TIMEOUTS_MS;
  try {
    const answer = await read(shortMs).catch((error: unknown) => {
      if (signal.aborted || error instanceof KubernetesError) throw error;
      return read(longMs);
    });
    return projectPod(answer);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
