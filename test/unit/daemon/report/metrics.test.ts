import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../../src/common/metrics/metrics.ts';
import { CallStages, enterStage, inStage } from '../../../../src/daemon/call/stage.ts';
import { DaemonMetrics, type Watched } from '../../../../src/daemon/report/metrics.ts';
import { readExposition } from '../../../lab/exposition.ts';

function setUp() {
  const metrics = new Metrics();
  const daemon = new DaemonMetrics(metrics, 'node-1');
  const read = async () => readExposition((await metrics.expose()).body);
  return { daemon, read };
}

/** Stages of a call that took so long; ms. */
function stagesOf(ms: Readonly<Record<string, number>>): CallStages {
  const stages = new CallStages();
  for (const [stage, took] of Object.entries(ms)) {
    stages.took(stage as Parameters<CallStages['took']>[0], took);
  }
  return stages;
}

const ADD = { path: '/api/v1/add', verb: 'ADD' };

describe('the metrics of the daemon', () => {
  it("time calls under Kube-OVN's name and labels, those of two minutes too", async () => {
    const { daemon, read } = setUp();
    daemon.call({ ...ADD, status: 200, ms: 30 });
    daemon.call({ ...ADD, status: 500, ms: 110_000 });
    const found = await read();
    const labels = { node_name: 'node-1', method: '/api/v1/add' };
    expect(found.sum('cni_op_latency_seconds_count', { ...labels, status_code: '200' })).toBe(1);
    expect(found.sum('cni_op_latency_seconds_sum', { ...labels, status_code: '500' })).toBe(110);
    const below = { ...labels, status_code: '500', le: '65.536' };
    expect(found.sum('cni_op_latency_seconds_bucket', below)).toBe(0);
    expect(found.sum('cni_op_latency_seconds_bucket', { ...below, le: '131.072' })).toBe(1);
  });

  it('time the stages of a call, and count what it waited for under names of Kube-OVN', async () => {
    const { daemon, read } = setUp();
    const stages = stagesOf({ 'get-pod': 100, 'wait-address': 1400, 'check-gateway': 250 });
    daemon.call({ ...ADD, status: 200, ms: 2000, stages });
    const found = await read();
    const of = (stage: string) =>
      found.sum('kube_ovn_cni_stage_seconds_sum', { verb: 'ADD', stage });
    expect(of('wait-address')).toBe(1.4);
    expect(of('check-gateway')).toBe(0.25);
    const node = { node_name: 'node-1' };
    expect(found.sum('cni_wait_address_seconds_total', node)).toBe(1.5);
    expect(found.sum('cni_wait_connectivity_seconds_total', node)).toBe(0.25);
    expect(found.find('cni_wait_route_seconds_total', node)).toMatchObject([{ value: 0 }]);
  });

  it('count failures by verb, stage and code', async () => {
    const { daemon, read } = setUp();
    const failed = { ...ADD, status: 500, ms: 10 };
    daemon.call({ ...failed, failure: { code: 11, stage: 'install-flows' } });
    daemon.call({ ...failed, failure: { code: 7, stage: undefined } });
    const found = await read();
    const series = found.find('kube_ovn_cni_failures_total');
    expect(series.map(({ labels }) => labels)).toEqual([
      { verb: 'ADD', stage: 'install-flows', code: '11' },
      { verb: 'ADD', stage: 'none', code: '7' },
    ]);
  });

  it('tell what calls wait for now, and for how long the oldest has', async () => {
    const { read } = setUp();
    const first = enterStage('queue');
    const gate = Promise.withResolvers<void>();
    let stage: 'wait-address' | 'wait-route' = 'wait-address';
    const waits = inStage(() => stage, gate.promise);
    const calls = async (name: string) =>
      (await read()).sum('kube_ovn_cni_calls_in_stage', { stage: name });
    expect(await calls('queue')).toBe(1);
    expect(await calls('wait-address')).toBe(1);
    stage = 'wait-route';
    expect(await calls('wait-address')).toBe(0);
    expect(await calls('wait-route')).toBe(1);
    const found = await read();
    expect(found.sum('kube_ovn_cni_oldest_in_stage_seconds', { stage: 'queue' })).toBeGreaterThan(
      0,
    );
    first.leave();
    gate.resolve();
    await waits;
    expect((await read()).sum('kube_ovn_cni_calls_in_stage')).toBe(0);
    expect((await read()).sum('kube_ovn_cni_oldest_in_stage_seconds')).toBe(0);
  });

  it('count what was removed by what proved it', async () => {
    const { daemon, read } = setUp();
    daemon.removed('sandbox-gone', 1);
    daemon.removed('no-port', 3);
    const series = (await read()).find('kube_ovn_cni_removals_total');
    expect(series.map(({ labels: { proof }, value }) => [proof, value])).toEqual([
      ['sandbox-gone', 1],
      ['not-valid', 0],
      ['no-port', 3],
    ]);
  });

  it('read what waits and what is followed when somebody asks', async () => {
    const { daemon, read } = setUp();
    expect((await read()).sum('kube_ovn_cni_ovs_followed')).toBe(0);
    const cache = { path: '/api/v1/pods', isSynced: true, msSinceContact: 10, size: 2 };
    const row = { external_ids: { vendor: 'kube-ovn' } };
    const rows = new Map<string, object>([
      ['a', row],
      ['b', { external_ids: {} }],
    ]);
    const figures = {
      ...{ depth: 3, running: 1, paused: 0, adds: 9, runs: 6, failures: 0, longTurns: 2 },
      ...{ runningMs: 5, longestRunMs: 5 },
    };
    const watched = {
      pods: cache,
      subnets: { ...cache, path: '/apis/kubeovn.io/v1/subnets' },
      ips: { ...cache, path: '/apis/kubeovn.io/v1/ips' },
      node: { ...cache, path: '/api/v1/nodes' },
      interfaces: { isLive: true, rows },
      bridges: { isLive: false, rows: new Map() },
      recordedDels: { counts: { waiting: 2, setAside: 1, oldestMs: 5000 } },
      queue: { addCount: 4 },
      ipOutage: { reason: '403' },
      queues: { figures: () => new Map([['limits', figures]]) },
    };
    daemon.follow(watched as unknown as Watched);
    const found = await read();
    expect(found.sum('kube_ovn_cni_adds')).toBe(4);
    expect(found.sum('kube_ovn_cni_recorded_dels', { state: 'waiting' })).toBe(2);
    expect(found.sum('kube_ovn_cni_recorded_dels', { state: 'set-aside' })).toBe(1);
    expect(found.sum('kube_ovn_cni_recorded_del_oldest_seconds')).toBe(5);
    expect(found.sum('kube_ovn_cni_ip_objects_failing')).toBe(1);
    expect(found.sum('kube_ovn_cni_ovs_followed', { table: 'Interface' })).toBe(1);
    expect(found.sum('kube_ovn_cni_ovs_followed', { table: 'Bridge' })).toBe(0);
    expect(found.sum('kube_ovn_cni_ports')).toBe(1);
    expect(found.sum('workqueue_depth', { name: 'limits' })).toBe(3);
    expect(found.sum('kube_ovn_workqueue_long_turns_total', { name: 'limits' })).toBe(2);
    expect(found.find('kube_ovn_watch_silence_seconds')).toHaveLength(4);
  });

  it('tell parameters of the kernel where it has them, as Kube-OVN does', async () => {
    const { read } = setUp();
    const found = await read();
    const [range] = found.find('ip_local_port_range', { hostname: 'node-1' });
    expect(Number(range?.labels.end)).toBeGreaterThan(Number(range?.labels.start));
    expect(found.find('tcp_mem')).toHaveLength(1);
    expect(found.find('tcp_mtu_probing')).toHaveLength(1);
    expect(found.find('checksum_err_count')).toHaveLength(1);
    expect(found.find('dns_search_domain').length).toBeGreaterThan(0);
    // Gone from the kernel since 4.12.
    expect(found.find('tcp_tw_recycle')).toEqual([]);
  });
});
