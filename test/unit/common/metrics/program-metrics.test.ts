import { describe, expect, it } from 'vitest';
import { ProgramMetrics } from '../../../../src/common/metrics/program-metrics.ts';
import { urlLabel } from '../../../../src/common/metrics/url-label.ts';
import { addWatchMetrics } from '../../../../src/common/metrics/watch-metrics.ts';
import { observed } from '../../../../src/common/ovs-commands.ts';
import { createProgramLog, levelOfVerbosity } from '../../../../src/common/program-log.ts';
import { VERSION } from '../../../../src/wire/version.ts';
import { readExposition } from '../../../lab/exposition.ts';

function setUp(verbosity = 0) {
  const lines: string[] = [];
  const programLog = createProgramLog({ write: (line) => void lines.push(line) });
  programLog.log.level = levelOfVerbosity(verbosity);
  const program = new ProgramMetrics(programLog, VERSION);
  const read = async () => readExposition((await program.expose()).body);
  return { program, read, lines, log: programLog.log };
}

describe('the metrics of both programs', () => {
  it('tell the version', async () => {
    const { read } = setUp();
    const found = await read();
    expect(found.find('kube_ovn_build_info')).toMatchObject([
      { labels: { version: VERSION }, value: 1 },
    ]);
  });

  it('count requests by code, method and server, and time them by kind', async () => {
    const { program, read } = setUp();
    const seen = program.addRequests('10.96.0.1:443');
    seen({ method: 'GET', path: '/apis/kubeovn.io/v1/ips/a.shop', status: 200, ms: 3 });
    seen({ method: 'GET', path: '/apis/kubeovn.io/v1/ips/b.shop', status: 200, ms: 3 });
    seen({
      method: 'PATCH',
      path: '/api/v1/namespaces/shop/pods/a',
      status: undefined,
      ms: 10_000,
    });
    const found = await read();
    const host = '10.96.0.1:443';
    const count = 'rest_client_requests_total';
    expect(found.sum(count, { code: '200', method: 'GET', host })).toBe(2);
    expect(found.sum(count, { code: '<error>', method: 'PATCH', host })).toBe(1);
    const url = { verb: 'PATCH', url: '/api/v1/pods' };
    expect(found.sum('rest_client_request_latency_seconds_sum', url)).toBe(10);
  });

  it('time commands of OVS by database, first command and outcome', async () => {
    const { program, read } = setUp();
    const failing = ['--', '--if-exists', 'destroy', 'QoS', 'a'];
    const run = async (commands: readonly string[]) => {
      if (commands === failing) throw new Error('broken');
      return 'said';
    };
    const vsctl = observed('ovsdb', run, program.onCommand);
    expect(await vsctl(['--', '--id=@port', 'create', 'Port', 'name=a'])).toBe('said');
    await expect(vsctl(failing)).rejects.toThrow('broken');
    await vsctl(['--', 'a-pods-name']);
    const found = await read();
    const series = found.find('ovs_client_request_latency_milliseconds_count');
    expect(series.map(({ labels, value }) => [...Object.values(labels), value])).toEqual([
      ['ovsdb', 'create', '0', 1],
      ['ovsdb', 'destroy', '1', 1],
      ['ovsdb', 'other', '0', 1],
    ]);
  });

  it('count the lines of the log under the names of klog', async () => {
    const { log, read, lines } = setUp();
    log.error({}, 'broken');
    log.info({}, 'fine');
    const found = await read();
    expect(found.sum('klog_lines_total', { level: 'ERROR' })).toBe(1);
    expect(found.sum('klog_lines_total', { level: 'WARN' })).toBe(0);
    expect(found.sum('klog_bytes_total')).toBe(lines.join('').length);
  });

  it('tell how long the event loop was held in each second', async () => {
    const { program, read } = setUp();
    program.onLoopDelay(3);
    program.onLoopDelay(900);
    const found = await read();
    expect(found.sum('kube_ovn_event_loop_delay_seconds_count')).toBe(2);
    expect(found.sum('kube_ovn_event_loop_delay_seconds_bucket', { le: '0.512' })).toBe(1);
  });

  it('tell which kinds are not up to date', async () => {
    const { program, read } = setUp();
    addWatchMetrics(program.metrics, () => [
      { path: '/api/v1/pods', isSynced: true, msSinceContact: 1, size: 7 },
      { path: '/apis/kubeovn.io/v1/ips', isSynced: false, msSinceContact: Infinity, size: 0 },
    ]);
    const found = await read();
    const silence = (resource: string) => found.sum('kube_ovn_watch_silence_seconds', { resource });
    expect(silence('pods')).toBe(0.001);
    expect(silence('ips.kubeovn.io')).toBeLessThanOrEqual(process.uptime());
    expect(silence('ips.kubeovn.io')).toBeGreaterThan(0);
    expect(found.sum('kube_ovn_watch_synced', { resource: 'pods' })).toBe(1);
    expect(found.sum('kube_ovn_watch_synced', { resource: 'ips.kubeovn.io' })).toBe(0);
    expect(found.sum('kube_ovn_watch_objects', { resource: 'pods' })).toBe(7);
  });

  it.each([
    [3, []],
    [4, ['command of OVS or OVN']],
    [5, ['command of OVS or OVN', 'request to the API server']],
  ])('are lines in the log at verbosity %i', (verbosity, expected) => {
    const { program, lines } = setUp(verbosity);
    program.onCommand({ db: 'ovsdb', method: 'get', succeeded: true, ms: 5 });
    program.addRequests('a')({ method: 'GET', path: '/api/v1/pods', status: 200, ms: 5 });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(expected);
  });
});

it.each([
  ['/api/v1/pods', '/api/v1/pods'],
  ['/api/v1/namespaces/shop/pods/web-0', '/api/v1/pods'],
  ['/api/v1/namespaces/shop/pods/web-0/status', '/api/v1/pods'],
  ['/api/v1/namespaces/shop', '/api/v1/namespaces'],
  ['/apis/kubeovn.io/v1/ips/web-0.shop', '/apis/kubeovn.io/v1/ips'],
  ['/apis/apps/v1/statefulsets', '/apis/apps/v1/statefulsets'],
  [
    '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/a',
    '/apis/coordination.k8s.io/v1/leases',
  ],
])('a request to %s is counted under %s', (path, label) => {
  expect(urlLabel(path)).toBe(label);
});
