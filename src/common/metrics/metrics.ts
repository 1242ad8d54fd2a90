/**
 * The metrics of a process: families, each made once, and their text for Prometheus. The only file that
 * knows the client library.
 *
 * What happens is counted when it happens; what is there anyway (the length of a queue, a count that
 * some part keeps) is read when Prometheus asks, so that it is kept once and costs nothing in between.
 *
 * A label has a bounded number of values: names of stages, kinds and Subnets, never of pods, and nothing
 * that a pod's author writes.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** The value of each label of a family; no label may be left out. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** One series of a family. */
export interface Sample<Name extends string = never> {
  readonly labels: Labels<Name>;
  readonly value: number;
}

/** Name, help text and labels of a family, as Prometheus shows them. */
export interface FamilyOptions<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Name[];
}

/** A family as documentation lists it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Counts what happens. */
export interface Count<Name extends string> {
  /** @param by not negative */
  add(labels: Labels<Name>, by?: number): void;
}

/** Sorts what is measured into buckets. */
export interface Distribution<Name extends string> {
  observe(labels: Labels<Name>, value: number): void;
}

/** Text for Prometheus. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Upper bounds as Kube-OVN's, which end at 0.512: 1 ms · 2ⁿ up to 131 s, so that a call that waits for
 * the two minutes of a runtime is told from one that takes a second.
 */
export const SECONDS = Array.from({ length: 18 }, (_, power) => 2 ** power / 1000);
/** The same bounds for families that Kube-OVN has in milliseconds. */
export const MILLISECONDS = SECONDS.map((seconds) => seconds * 1000);

/** The metrics of a program, which `/metrics` renders in Prometheus' text format. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #families: MetricFamily[] = [];

  /** All families, in the order in which they were made. */
  get families(): readonly MetricFamily[] {
    return this.#families;
  }

  /** A count that `add` makes larger. */
  counter<Name extends string = never>(options: FamilyOptions<Name>): Count<Name> {
    const counter = new Counter<string>(this.#made('counter', options));
    return { add: (labels, by = 1) => counter.inc(labels, by) };
  }

  /** @param buckets upper bounds, ascending */
  histogram<Name extends string = never>(
    options: FamilyOptions<Name>,
    buckets: readonly number[],
  ): Distribution<Name> {
    const made = this.#made('histogram', options);
    const histogram = new Histogram<string>({ ...made, buckets: [...buckets] });
    return { observe: (labels, value) => histogram.observe(labels, value) };
  }

  /** A value that is read when somebody asks. `read` must be quick and never throw. */
  gauge<Name extends string = never>(
    options: FamilyOptions<Name>,
    read: () => Iterable<Sample<Name>>,
  ): void {
    const gauge = new Gauge<string>({
      ...this.#made('gauge', options),
      collect() {
        gauge.reset();
        for (const { labels, value } of read()) gauge.set(labels, value);
      },
    });
  }

  /** A count that is kept elsewhere and only grows; read when somebody asks, as a gauge is. */
  readCounter<Name extends string = never>(
    options: FamilyOptions<Name>,
    read: () => Iterable<Sample<Name>>,
  ): void {
    const counter = new Counter<string>({
      ...this.#made('counter', options),
      collect() {
        counter.reset();
        for (const { labels, value } of read()) counter.inc(labels, value);
      },
    });
  }

  /** All families with their values now. */
  async expose(): Promise<Exposition> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #made<Name extends string>(type: MetricFamily['type'], options: FamilyOptions<Name>) {
    const { name, help, labels = [] } = options;
    this.#families.push({ name, type, help, labels });
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

/** The one series of a family without labels. */
export function single(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}
