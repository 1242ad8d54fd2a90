import { describe, expect, it } from 'vitest';
import { Metrics, SECONDS, single } from '../../../../src/common/metrics/metrics.ts';
import { addProcessMetrics } from '../../../../src/common/metrics/process-metrics.ts';
import { readExposition } from '../../../lab/exposition.ts';

async function read(metrics: Metrics) {
  const { contentType, body } = await metrics.expose();
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readExposition(body);
}

describe('metrics', () => {
  it('are counts, distributions, and values that are read when somebody asks', async () => {
    const metrics = new Metrics();
    const count = metrics.counter({ name: 'calls_total', help: 'Calls.', labels: ['verb'] });
    const time = metrics.histogram(
      { name: 'call_seconds', help: 'Time.', labels: ['verb'] },
      SECONDS,
    );
    let length = 3;
    metrics.gauge({ name: 'queue_length', help: 'Length.' }, () => single(length));
    metrics.readCounter({ name: 'lines_total', help: 'Lines.' }, () => single(7));
    count.add({ verb: 'ADD' });
    count.add({ verb: 'ADD' }, 2);
    time.observe({ verb: 'ADD' }, 0.003);
    time.observe({ verb: 'ADD' }, 110);
    time.observe({ verb: 'ADD' }, 500);
    for (const expected of [3, 5]) {
      length = expected;
      const found = await read(metrics);
      expect(found.find('calls_total')).toMatchObject([{ labels: { verb: 'ADD' }, value: 3 }]);
      expect(found.sum('queue_length')).toBe(expected);
      expect(found.sum('lines_total')).toBe(7);
      expect(found.sum('call_seconds_bucket', { le: '0.004' })).toBe(1);
      expect(found.sum('call_seconds_bucket', { le: '131.072' })).toBe(2);
      expect(found.sum('call_seconds_count')).toBe(3);
    }
  });

  it('of which the source has no more series are no longer told', async () => {
    const metrics = new Metrics();
    let names = ['a', 'b'];
    metrics.gauge({ name: 'subnets', help: 'Subnets.', labels: ['name'] }, () =>
      names.map((name) => ({ labels: { name }, value: 1 })),
    );
    expect((await read(metrics)).find('subnets')).toHaveLength(2);
    names = ['b'];
    expect((await read(metrics)).find('subnets')).toMatchObject([{ labels: { name: 'b' } }]);
  });

  it('have labels that end no line and no text, whatever is in them', async () => {
    const metrics = new Metrics();
    const name = 'a"b\\c\nd} 1';
    metrics.gauge({ name: 'subnets', help: 'Two\nlines.', labels: ['name'] }, () => [
      { labels: { name }, value: 1 },
    ]);
    expect((await read(metrics)).find('subnets')).toEqual([
      { name: 'subnets', labels: { name }, value: 1 },
    ]);
  });

  it('have buckets that tell a wait of two minutes from one of a second', () => {
    expect(SECONDS.at(0)).toBe(0.001);
    expect(SECONDS.at(-1)).toBeGreaterThan(120);
  });
});

describe('a process', () => {
  it("tells the names of Prometheus' own clients, and its values are its own", async () => {
    const metrics = new Metrics();
    addProcessMetrics(metrics);
    const found = await read(metrics);
    const { user, system } = process.cpuUsage();
    expect(found.sum('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(found.sum('process_cpu_seconds_total')).toBeLessThanOrEqual((user + system) / 1e6);
    expect(found.sum('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(found.sum('process_virtual_memory_bytes')).toBeGreaterThan(
      found.sum('process_resident_memory_bytes'),
    );
    expect(found.sum('process_open_fds')).toBeGreaterThan(2);
    expect(found.sum('process_max_fds')).toBeGreaterThan(found.sum('process_open_fds'));
    expect(found.sum('process_start_time_seconds') * 1000).toBeCloseTo(performance.timeOrigin, -3);
    const before = found.sum('go_goroutines');
    const timers = Array.from({ length: 5 }, () => setTimeout(() => {}, 60_000));
    expect((await read(metrics)).sum('go_goroutines')).toBeGreaterThanOrEqual(before + 5);
    for (const timer of timers) clearTimeout(timer);
  });
});
