/**
 * Objects that are read one at a time, with what the API server last said of each: it counts where the
 * server does not answer, so that pods that are known get their interfaces during an outage, too.
 */
import { isNotFound, type KubernetesApi, KubernetesError } from '../../common/kubernetes/api.ts';
import type { Pod } from '../model/pod.ts';

/** One read; ms. */
const READ_TIMEOUT_MS = 5000;
/** How long an answer is waited for where one is kept: no ADD loses its place by it; ms. */
const PATIENCE_MS = 300;

/** An object that is there, or the word that we may not read it (403). */
type Answer<T> = { readonly value: T } | { readonly refusal: KubernetesError };

/** From which API server objects are read, and of which pods answers are kept. */
export interface KeptAnswersOptions<T> {
  readonly api: Pick<KubernetesApi, 'get'>;
  /** Makes of a raw object what is kept. */
  readonly project: (raw: unknown) => T;
  /** Whether a pod is known; nothing is kept for another one. */
  readonly isKnown: (pod: Pod) => boolean;
}

/**
 * Reads objects, and falls back on the last answer where the server gives none within 300 ms. Answers are kept
 * until `forget`.
 */
export class KeptAnswers<T> {
  readonly #options: KeptAnswersOptions<T>;
  /** By the UID of the pod that they are about, and by path. */
  readonly #answers = new Map<string, Map<string, Answer<T>>>();

  constructor(options: KeptAnswersOptions<T>) {
    this.#options = options;
  }

  /**
   * Reads an object that says something of a pod. An answer that comes late is the next one's.
   * @throws KubernetesError, of the answer that is kept where there is none now; `signal.reason`
   */
  async read(pod: Pod, path: string, signal: AbortSignal): Promise<T> {
    const kept = this.#answers.get(pod.uid)?.get(path);
    const now = this.#readNow(pod, path, signal);
    if (kept === undefined) return await now;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('late')), PATIENCE_MS);
    try {
      return await Promise.race([now, late.promise]);
    } catch (error) {
      signal.throwIfAborted();
      if (isNotFound(error)) throw error;
      return contentOf(kept);
    } finally {
      clearTimeout(timer);
      now.catch(() => {});
    }
  }

  async #readNow(pod: Pod, path: string, signal: AbortSignal): Promise<T> {
    const { api, project } = this.#options;
    const reading = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    try {
      const value = project(await api.get(path, {}, reading));
      this.#keep(pod, path, { value });
      return value;
    } catch (error) {
      const answers = this.#answers.get(pod.uid);
      if (isNotFound(error)) answers?.delete(path);
      else if (isRefusal(error) && !answers?.has(path)) this.#keep(pod, path, { refusal: error });
      throw error;
    }
  }

  /** Forgets what is about a pod. */
  forget({ uid }: Pod): void {
    this.#answers.delete(uid);
  }

  #keep(pod: Pod, path: string, answer: Answer<T>): void {
    if (!this.#options.isKnown(pod)) return;
    const answers = this.#answers.get(pod.uid) ?? new Map<string, Answer<T>>();
    this.#answers.set(pod.uid, answers.set(path, answer));
  }
}

function contentOf<T>(answer: Answer<T>): T {
  if ('refusal' in answer) throw answer.refusal;
  return answer.value;
}

function isRefusal(error: unknown): error is KubernetesError {
  return error instanceof KubernetesError && error.status === 403;
}
