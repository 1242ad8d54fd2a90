/**
 * The Lease by which one controller leads: what it says, and the requests that take, renew and
 * release it.
 *
 * It is the object that the Go controller takes, too (cmd/controller/controller.go), and is used
 * as client-go's leader election uses it: so each of the two stands by while the other one leads.
 * What they differ in is the name of the holder. The Go controller's is the name of its pod, and
 * no name in Kubernetes has a slash. An annotation would not do to tell them apart: client-go
 * keeps the annotations of the holder before.
 */

import { randomUUID } from 'node:crypto';
import { isNotFound, type KubernetesApi } from '../../common/kubernetes/api.ts';
import { below, collectionPath, KINDS } from '../../common/kubernetes/path.ts';

/** What a Lease says. */
export interface Lease {
  readonly resourceVersion: string;
  /** Empty where nobody has it. */
  readonly holder: string;
  /** For how long after each renewal it is the holder's; ms. Undefined where it is not said. */
  readonly durationMs: number | undefined;
  readonly transitions: number;
  /** All that holders write, as a text that every renewal changes. */
  readonly record: string;
}

/** Name of the Lease, which is the Go controller's. */
export const LEASE_NAME = 'kube-ovn-controller';

const OURS = 'kube-ovn-ts/';

/** The name of a holder: no other process ever has the same, not even in the same pod. */
export function newHolder(podName: string): string {
  return `${OURS}${podName}/${randomUUID()}`;
}

/** True for holders that are controllers like this one. */
export function isOurKind(holder: string): boolean {
  return holder.startsWith(OURS);
}

/** @throws TypeError for what the API server does not send */
export function projectLease(raw: unknown): Lease {
  const { metadata, spec } = raw as {
    metadata: { resourceVersion?: unknown };
    spec?: Readonly<Record<string, unknown>> | null;
  };
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = spec ?? {};
  return {
    resourceVersion: String(metadata.resourceVersion ?? ''),
    holder: typeof holderIdentity === 'string' ? holderIdentity : '',
    durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1000 : undefined,
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    record: JSON.stringify(spec ?? {}),
  };
}

/** All requests reject as those of KubernetesApi do: with a conflict where the Lease has changed. */
export class LeaseObject {
  /** Of all Leases of the namespace. */
  readonly collection: string;
  readonly path: string;
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi, namespace: string) {
    this.#api = api;
    this.collection = collectionPath(KINDS.leases, namespace);
    this.path = below(this.collection, LEASE_NAME);
  }

  /** Reads it, and not from a cache of the server's; undefined where there is none. */
  async read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return projectLease(await this.#api.get(this.path, {}, signal));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Makes it `holder`'s, or renews it.
   * @param before what it is replaced from; undefined where there is none
   * @param seconds for how long
   */
  async take(
    before: Lease | undefined,
    { holder, seconds }: { holder: string; seconds: number },
    signal: AbortSignal,
  ): Promise<Lease> {
    const now = microTime();
    const transitions = before === undefined ? 0 : before.transitions + 1;
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: seconds,
      renewTime: now,
      ...(before?.holder === holder ? {} : { acquireTime: now, leaseTransitions: transitions }),
    };
    return projectLease(await this.#write(before, spec, signal));
  }

  /** Makes it nobody's, so that another one takes it at once. */
  async release(before: Lease, signal: AbortSignal): Promise<void> {
    // As client-go leaves it: what has no holder has expired a second later for everybody.
    const spec = { holderIdentity: null, leaseDurationSeconds: 1, renewTime: microTime() };
    await this.#write(before, spec, signal);
  }

  #write(before: Lease | undefined, spec: object, signal: AbortSignal): Promise<unknown> {
    if (before === undefined) {
      const metadata = { name: LEASE_NAME };
      return this.#api.create(this.collection, { metadata, spec }, signal);
    }
    const metadata = { resourceVersion: before.resourceVersion };
    return this.#api.mergePatch(this.path, { metadata, spec }, signal);
  }
}

/** Now, as a MicroTime of the API: it reads nothing but six digits behind the point. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
