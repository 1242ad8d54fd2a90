/**
 * Prometheus' text format, version 0.0.4, read strictly: what is not in its specification is an error.
 * Written off the specification and independent of the library that writes it.
 */

export interface ReadSeries {
  /** `cni_op_latency_seconds_bucket`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  readonly series: readonly ReadSeries[];
}

/** Families by name. */
export class ReadMetrics {
  readonly families: ReadonlyMap<string, ReadFamily>;

  constructor(families: ReadonlyMap<string, ReadFamily>) {
    this.families = families;
  }

  /** Series with this name, of any family, that have these labels and perhaps more. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): ReadSeries[] {
    return [...this.families.values()]
      .flatMap(({ series }) => series)
      .filter((one) => one.name === name)
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value));
  }

  /** The sum of these series; 0 where there are none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.find(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) (.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const LABELS = /\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)*)\}/;
const SERIES = new RegExp(`^(${NAME})(?:${LABELS.source})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/g;
const NUMBER = /^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN)$/;

/** @throws Error that names the line which is wrong */
export function readExposition(text: string): ReadMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const reader = new Reader();
  for (const line of text.split('\n')) {
    if (line !== '') reader.read(line);
  }
  for (const [name, { type, series }] of reader.families) {
    if (type === 'histogram') checkHistogram(name, series);
  }
  return new ReadMetrics(reader.families);
}

class Reader {
  readonly families = new Map<string, { type: string; help: string; series: ReadSeries[] }>();
  readonly #seen = new Set<string>();
  #current = '';

  read(line: string): void {
    if (line.startsWith('# HELP ')) this.#begin(line);
    else if (line.startsWith('# TYPE ')) this.#take(line);
    else this.#add(line);
  }

  #begin(line: string): void {
    const [, name, help = ''] = HELP.exec(line) ?? [];
    if (name === undefined || this.families.has(name)) throw new Error(`not expected: ${line}`);
    this.families.set(name, { type: '', help, series: [] });
    this.#current = name;
  }

  #take(line: string): void {
    const [, name, type = ''] = TYPE.exec(line) ?? [];
    const family = this.families.get(this.#current);
    if (name !== this.#current || family?.type !== '') throw new Error(`not expected: ${line}`);
    family.type = type;
  }

  #add(line: string): void {
    const series = readSeries(line);
    const key = line.slice(0, line.lastIndexOf(' '));
    const family = this.families.get(this.#current);
    const isExpected = family?.type && isOf(series.name, this.#current, family.type);
    if (!isExpected || this.#seen.has(key)) throw new Error(`not expected: ${line}`);
    this.#seen.add(key);
    family.series.push(series);
  }
}

function readSeries(line: string): ReadSeries {
  const [, name, labels = '', value = ''] = SERIES.exec(line) ?? [];
  if (name === undefined || !NUMBER.test(value)) throw new Error(`cannot be read: ${line}`);
  const pairs = [...labels.matchAll(LABEL)].map(([, key = '', said = '']) => [
    key,
    unescaped(said),
  ]);
  return {
    name,
    labels: Object.fromEntries(pairs),
    value: Number(value.replace('Inf', 'Infinity')),
  };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark));
}

function isOf(name: string, family: string, type: string): boolean {
  if (type !== 'histogram') return name === family;
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family + suffix);
}

/** Buckets grow, the last is infinite, and has as many as were counted. */
function checkHistogram(name: string, series: readonly ReadSeries[]): void {
  const groups = Map.groupBy(series, ({ labels: { le: _, ...rest } }) => JSON.stringify(rest));
  for (const [labels, group] of groups) {
    const buckets = group.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le = '' } }) => Number(le.replace('Inf', 'Infinity')));
    const grow = (values: readonly number[]) =>
      values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
    const count = group.find((one) => one.name === `${name}_count`)?.value;
    const isRight =
      grow(bounds) &&
      grow(buckets.map(({ value }) => value)) &&
      bounds.at(-1) === Infinity &&
      buckets.at(-1)?.value === count &&
      group.some((one) => one.name === `${name}_sum`);
    if (!isRight) throw new Error(`histogram ${name}${labels} is wrong`);
  }
}
