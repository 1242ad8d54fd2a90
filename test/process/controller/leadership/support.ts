/**
 * Controllers that contend for the Lease of a fake API server, each over a line of its own, and
 * the player of the Go controller.
 */

import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { acquireLeadership } from '../../../../src/controller/leadership/acquire.ts';
import { LeadershipError } from '../../../../src/controller/leadership/error.ts';
import type { Leadership } from '../../../../src/controller/leadership/leadership.ts';
import type { LeaseTimes } from '../../../../src/controller/leadership/times.ts';
import { CONTROLLER, FakeApiServer, type KubernetesObject } from '../../../lab/kubernetes/api.ts';
import { TcpLine } from '../../../lab/tcp-line.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

export const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
export const LEASE = `${LEASES}/kube-ovn-controller`;
const KEY = 'kube-system/kube-ovn-controller';

/** For tests of what happens when it expires; a lease can be no shorter. */
export const shortTimes: LeaseTimes = { leaseSeconds: 1, renewDeadlineMs: 600, renewEveryMs: 60 };
/** A lease so long that no test lives to see it expire. */
export const longTimes: LeaseTimes = {
  leaseSeconds: 600,
  renewDeadlineMs: 500_000,
  renewEveryMs: 60,
};

export interface Contender {
  readonly line: TcpLine;
  readonly log: RecordingLog;
  /** Settles when it leads, or never can. */
  readonly leadership: Promise<Leadership>;
  /** Ends its wait. */
  stop(): void;
}

/** A cluster without a Lease, and those who want it. */
export class Election implements AsyncDisposable {
  readonly server: FakeApiServer;
  readonly #stack = new AsyncDisposableStack();

  private constructor(server: FakeApiServer) {
    this.server = server;
    this.#stack.use(server);
  }

  static async start(): Promise<Election> {
    // Over HTTP/2 the client does not yet outlive a line that was cut: two tests tell.
    return new Election(await FakeApiServer.start({ protocol: 'http/1.1' }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  /** One more controller; its pod has this name. */
  async contend(podName: string, times: LeaseTimes = longTimes): Promise<Contender> {
    const line = await TcpLine.start(this.server.url);
    this.#stack.use(line);
    const config = new KubeConfig();
    config.loadFromString(this.server.kubeconfig(CONTROLLER).replaceAll(this.server.url, line.url));
    const log = new RecordingLog();
    const stopped = new AbortController();
    const options = { config, namespace: 'kube-system', podName, times, log };
    const leadership = acquireLeadership(options, stopped.signal);
    leadership.catch(() => {});
    this.#stack.defer(async () => {
      stopped.abort();
      const term = await leadership.catch(() => undefined);
      // A line that was cut stays so: the server is what ends here.
      line.cut();
      await term?.release();
    });
    return { line, log, leadership, stop: () => stopped.abort() };
  }

  /** The Lease's spec. */
  get spec(): Record<string, unknown> {
    return this.lease.spec ?? {};
  }

  get lease(): KubernetesObject {
    return this.server.get('Lease', KEY);
  }

  /** Resolves when the spec is so. */
  async until(isReady: (spec: Record<string, unknown>) => boolean): Promise<void> {
    await this.server.until('Lease', KEY, ({ spec = {} }) => isReady(spec));
  }

  /** Resolves when the Lease was renewed so often from now on. */
  async renewals(count: number): Promise<void> {
    const seen = new Set([this.spec.renewTime]);
    await this.until(({ renewTime }) => seen.add(renewTime).size > count);
  }

  /** Somebody else writes the Lease, whatever its version. */
  write(spec: Record<string, unknown>): void {
    const exists = this.server.list('Lease').length > 0;
    if (exists) this.server.patch('Lease', KEY, { spec });
    else {
      const metadata = { name: 'kube-ovn-controller', namespace: 'kube-system' };
      this.server.create({ kind: 'Lease', metadata, spec });
    }
  }

  deleteLease(): void {
    this.server.delete('Lease', KEY);
  }

  /** What client-go writes in the Go controller: the holder is the pod's name. */
  goHolds(holder = 'kube-ovn-controller-7c9d5b6f4-x2x7k', leaseDurationSeconds = 1): void {
    const now = microTime();
    this.write({ holderIdentity: holder, leaseDurationSeconds, acquireTime: now, renewTime: now });
  }

  /** What client-go does when the Go controller ends in order. */
  goReleases(): void {
    const now = microTime();
    const released = { holderIdentity: null, leaseDurationSeconds: 1 };
    this.write({ ...released, acquireTime: now, renewTime: now });
  }
}

export function microTime(at = Date.now()): string {
  return new Date(at).toISOString().replace('Z', '123Z');
}

/** True where it neither says that it is over nor is. */
export function leads(leadership: Leadership): boolean {
  try {
    leadership.throwIfLost();
  } catch {
    return false;
  }
  return !leadership.lost.aborted;
}

/** Resolves with the reason when it is over. */
export async function endOf({ lost }: Leadership): Promise<LeadershipError> {
  if (!lost.aborted) {
    await new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }));
  }
  expect(lost.reason).toBeInstanceOf(LeadershipError);
  return lost.reason as LeadershipError;
}

/** The error that a contender ends with. */
export async function refusalOf({ leadership }: Contender): Promise<LeadershipError> {
  const error = await leadership.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LeadershipError);
  return error as LeadershipError;
}

/**
 * Whether a promise is settled, after all that can go on has gone on for a while; ms. On a busy machine
 * that while may end late: what is settled after `ms` was not settled before.
 */
export async function isPending(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const pending = Symbol('pending');
  const beganMs = performance.now();
  const waited = new Promise((resolve) => setTimeout(resolve, ms, pending));
  const first = await Promise.race([promise.catch(() => undefined), waited]);
  return first === pending || (ms > 0 && performance.now() - beganMs >= ms);
}
