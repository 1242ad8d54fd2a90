/**
 * A cluster whose controller is killed again and again, and all that happens in it meanwhile: pods
 * of every kind come, go and come back, and Subnets change.
 */
import { abortable, startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import type { RecordedRequest } from '../../../lab/kubernetes/requests.ts';
import { Workloads } from '../../../lab/workloads.ts';
import { LeadingController } from '../../../unit/controller/leading-controller.ts';
import { AddressRecorder } from './address-recorder.ts';
import { problemsOf, reservationProblems } from './oracle.ts';

/** Far above what anything takes here that comes at all. */
const SETTLES_WITHIN_MS = 60_000;
const READS = ['get', 'list', 'watch'];
const UNCOUNTED = /\/(events|leases)(\/|$)/;

/** When a controller is killed. */
export interface KillPoint {
  /** Which of its writes it is about. */
  readonly write: number;
  /** As soon as the server has the request, or when the next change is made. */
  readonly when: 'asked' | 'done';
  /** Whether another one comes only after what happens next. */
  readonly isLongAway: boolean;
}

export class CrashCluster implements AsyncDisposable {
  readonly api: FakeApiServer;
  readonly workloads: Workloads;
  readonly recorder: AddressRecorder;
  /** What users reserved: addresses by name of the IP object, empty for any. */
  readonly reservations = new Map<string, string>();
  /** Of controllers, in order. */
  readonly #killPoints: KillPoint[];
  readonly #stack = new AsyncDisposableStack();
  #controller: LeadingController | undefined;
  /** Resolves when the one that is to be killed is. */
  #death = Promise.withResolvers<void>();
  #killPoint: KillPoint | undefined;
  /** Count of writes at which it is killed. */
  #killAt: number | undefined;
  #writeCount = 0;

  private constructor(api: FakeApiServer, killPoints: readonly KillPoint[]) {
    this.api = api;
    this.workloads = new Workloads(api, { nodeName: 'node-1' });
    this.#killPoints = [...killPoints];
    this.recorder = new AddressRecorder(api);
    this.#stack.use(api);
    this.#stack.use(this.recorder);
    this.#stack.defer(api.requests.onArrival((request) => this.#arrived(request)));
    for (const kind of ['Pod', 'IP', 'Subnet', 'IPPool', 'Vpc']) {
      this.#stack.defer(api.onChange(kind, () => this.#changed()));
    }
  }

  /** An empty cluster. @param killPoints of the first controllers; those after them live on */
  static async start(killPoints: readonly KillPoint[] = []): Promise<CrashCluster> {
    return new CrashCluster(await FakeApiServer.start(), killPoints);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#controller?.[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  /** Writes of the controllers so far. */
  get writeCount(): number {
    return this.#writeCount;
  }

  /** Kills the controller, where one is. */
  async kill(): Promise<void> {
    this.#controller?.kill();
    await this.#bury();
  }

  /**
   * Has a controller bring all into order, and the next one where it is killed, unless that is
   * to be long away.
   * @throws Error with what is wrong where that takes too long
   */
  async settle({ isLast = false } = {}): Promise<void> {
    using deadline = startDeadline(SETTLES_WITHIN_MS);
    for (;;) {
      this.#controller ??= await this.#begin();
      const isCalm = await Promise.race([
        this.#calm(deadline.signal).then(() => true),
        this.#death.promise.then(() => false),
      ]);
      if (isCalm) return;
      const isLongAway = this.#killPoint?.isLongAway ?? false;
      await this.#bury();
      if (isLongAway && !isLast) return;
    }
  }

  async #begin(): Promise<LeadingController> {
    this.#death = Promise.withResolvers();
    this.#killPoint = this.#killPoints.shift();
    this.#killAt = this.#killPoint && this.#writeCount + this.#killPoint.write;
    return await LeadingController.begin(this.api);
  }

  async #bury(): Promise<void> {
    await this.#controller?.[Symbol.asyncDispose]();
    this.#controller = undefined;
  }

  async #calm(signal: AbortSignal): Promise<void> {
    try {
      const node = () => this.#problems().length === 0;
      await abortable(this.api.untilSome('Node', node), signal);
    } catch {
      const lines = this.#controller?.log.lines.slice(-10).map((line) => JSON.stringify(line));
      throw new Error([...this.#problems(), ...(lines ?? [])].join('\n'));
    }
  }

  #problems(): string[] {
    return [...problemsOf(this.api), ...reservationProblems(this.api, this.reservations)];
  }

  #arrived({ verb, path }: RecordedRequest): void {
    if (READS.includes(verb) || UNCOUNTED.test(path)) return;
    this.#writeCount += 1;
    if (this.#killPoint?.when === 'asked' && this.#writeCount === this.#killAt) this.#die();
  }

  #changed(): void {
    const isDue = this.#writeCount >= (this.#killAt ?? Number.POSITIVE_INFINITY);
    if (this.#killPoint?.when === 'done' && isDue) this.#die();
  }

  #die(): void {
    if (this.#controller === undefined || this.#controller.isOver) return;
    this.#controller.kill();
    this.#death.resolve();
  }
}
