/** Alerts and dashboard ask for metrics that the programs have, by labels that these have. */
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MetricFamily } from '../../../src/common/metrics/metrics.ts';
import { ProgramMetrics } from '../../../src/common/metrics/program-metrics.ts';
import { createProgramLog } from '../../../src/common/program-log.ts';
import { ControllerMetrics } from '../../../src/controller/metrics.ts';
import { DaemonMetrics } from '../../../src/daemon/report/metrics.ts';
import { VERSION } from '../../../src/wire/version.ts';
import { find, type Manifest, rendered, whyNotRendered } from './rendered.ts';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly gridPos: {
      readonly x: number;
      readonly y: number;
      readonly w: number;
      readonly h: number;
    };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** All families of both programs, by name. */
function families(): ReadonlyMap<string, MetricFamily> {
  const program = new ProgramMetrics(createProgramLog(), VERSION);
  program.addRequests('server');
  new ControllerMetrics(program.metrics);
  const daemon = new ProgramMetrics(createProgramLog(), VERSION);
  new DaemonMetrics(daemon.metrics, 'node1');
  const all = [...program.metrics.families, ...daemon.metrics.families];
  return new Map(all.map((family) => [family.name, family]));
}

/** Labels that Prometheus and the ServiceMonitor add. */
const TARGET_LABELS = ['job', 'instance', 'node', 'pod', 'namespace'];

/** A metric that a query asks for, with the labels that it is chosen by. */
interface Asked {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What a query asks for. @throws Error where it is no PromQL */
function readQuery(query: string): { asked: Asked[]; grouped: string[] } {
  const asked: { metric: string; labels: string[] }[] = [];
  const grouped: string[] = [];
  let isGrouping = false;
  parser.parse(query).iterate({
    enter: ({ name, type, from, to }) => {
      const text = query.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from}: ${query}`);
      if (name === 'GroupingLabels') isGrouping = true;
      if (name === 'VectorSelector') isGrouping = false;
      if (name === 'Identifier') asked.push({ metric: text, labels: [] });
      if (name === 'LabelName') (isGrouping ? grouped : asked.at(-1)?.labels)?.push(text);
    },
  });
  return { asked, grouped };
}

function familyOf(
  metric: string,
  known: ReadonlyMap<string, MetricFamily>,
): MetricFamily | undefined {
  const found = known.get(metric);
  if (found !== undefined && found.type !== 'histogram') return found;
  const series = known.get(metric.replace(/_(bucket|sum|count)$/, ''));
  return series?.type === 'histogram' && series.name !== metric ? series : undefined;
}

/** What is wrong with a query: metrics and labels that nothing has. */
function mistakes(query: string, known: ReadonlyMap<string, MetricFamily>): string[] {
  const { asked, grouped } = readQuery(query);
  const labels = new Set(TARGET_LABELS);
  const found: string[] = [];
  for (const { metric, labels: chosen } of asked) {
    if (metric === 'up') continue;
    const family = familyOf(metric, known);
    if (family === undefined) found.push(`${metric}: no such metric`);
    const own = [
      ...TARGET_LABELS,
      ...(family?.labels ?? []),
      ...(metric.endsWith('_bucket') ? ['le'] : []),
    ];
    for (const label of own) labels.add(label);
    found.push(
      ...chosen
        .filter((label) => !own.includes(label))
        .map((label) => `${metric}: no label ${label}`),
    );
  }
  found.push(...grouped.filter((label) => !labels.has(label)).map((label) => `no label ${label}`));
  return found;
}

describe('a query', () => {
  it.each([
    ['sum(rate(kube_ovn_nothing[5m]))', 'kube_ovn_nothing: no such metric'],
    ['cni_op_latency_seconds', 'cni_op_latency_seconds: no such metric'],
    ['kube_ovn_cni_ports{pod_name="a"}', 'kube_ovn_cni_ports: no label pod_name'],
    ['sum by (stages) (kube_ovn_cni_calls_in_stage)', 'no label stages'],
  ])('%s is found to be wrong', (query, mistake) => {
    expect(mistakes(query, families())).toEqual([mistake]);
  });

  it('that is none is refused', () => {
    expect(() => mistakes('rate(kube_ovn_cni_ports[5m', families())).toThrow('no PromQL');
  });
});

describe.skipIf(whyNotRendered)('the component monitoring', () => {
  let objects: readonly Manifest[];
  let rules: readonly AlertRule[];
  let dashboard: Dashboard;
  beforeAll(() => {
    objects = rendered('examples/monitored');
    const { spec } = find(objects, 'PrometheusRule', 'kube-ovn') as unknown as {
      spec: { groups: readonly { rules: readonly AlertRule[] }[] };
    };
    rules = spec.groups.flatMap((group) => group.rules);
    const { data } = find(objects, 'ConfigMap', 'kube-ovn-dashboard');
    dashboard = JSON.parse(data?.['kube-ovn.json'] ?? '');
  });

  it('has alerts about metrics that the programs have', () => {
    expect(rules.length).toBeGreaterThan(10);
    const known = families();
    for (const { alert, expr } of rules)
      expect([alert, mistakes(expr, known)]).toEqual([alert, []]);
  });

  it.each([
    ['stuck ADDs', 'kube_ovn_cni_oldest_in_stage_seconds'],
    ['failures by stage', 'kube_ovn_cni_failures_total'],
    ['watches that are silent', 'kube_ovn_watch_silence_seconds'],
    ['DELs that wait', 'kube_ovn_cni_recorded_del_oldest_seconds'],
    ['an event loop that is held', 'kube_ovn_event_loop_delay_seconds_bucket'],
    ['addresses that run out', 'subnet_available_ip_count'],
  ])('has an alert for %s', (_, metric) => {
    expect(rules.some(({ expr }) => expr.includes(metric))).toBe(true);
  });

  it('says with each alert what happens and what to look at, by labels that the alert has', () => {
    for (const { alert, expr, labels, annotations } of rules) {
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      const { summary = '', description = '' } = annotations;
      expect(summary, alert).not.toBe('');
      expect(description, alert).not.toBe('');
      const used = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g)].map(
        ([, name = '']) => name,
      );
      const { grouped } = readQuery(expr);
      const has = grouped.length === 0 ? TARGET_LABELS : grouped;
      expect([alert, used.filter((name) => !has.includes(name))]).toEqual([alert, []]);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('has a dashboard of metrics that the programs have, whose panels do not cover each other', () => {
    const known = families();
    const places = dashboard.panels.map(({ title, gridPos, datasource, targets }) => {
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
      for (const { expr } of targets) expect([title, mistakes(expr, known)]).toEqual([title, []]);
      return `${gridPos.x},${gridPos.y}`;
    });
    expect(places.length).toBeGreaterThan(10);
    expect(new Set(places).size).toBe(places.length);
  });

  it.each([
    ['kube-ovn-cni', 'DaemonSet', 10_665],
    ['kube-ovn-controller', 'Deployment', 10_660],
  ])(
    'has %s scraped by a Service of its name, as Kube-OVN’s dashboards have the job',
    (name, kind, port) => {
      const service = find(objects, 'Service', name);
      const monitor = find(objects, 'ServiceMonitor', name);
      expect(service.spec).toMatchObject({
        selector: { app: name },
        ports: [{ name: 'metrics', port }],
      });
      expect(monitor.spec).toMatchObject({
        selector: { matchLabels: service.metadata.labels },
        endpoints: [{ port: 'metrics' }],
      });
      expect(find(objects, kind, name).spec?.template?.metadata?.labels).toMatchObject({
        app: name,
      });
    },
  );
});
