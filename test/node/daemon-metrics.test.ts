/** What the built daemon tells at /metrics, and in its log, after calls that end well and badly. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadMetrics } from '../lab/exposition.ts';
import { AGENT_QUERIES } from '../lab/kube-ovn-queries.ts';
import { cni, deleteSandbox } from '../lab/runtime.ts';
import { scrape, scrapeUntil } from '../lab/scrape.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { mustAdd, mustDelete } from './observe.ts';

const PORT = 10_665;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=3']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The error of an ADD that must fail. */
async function failureOf(outcome: ReturnType<typeof cni>) {
  const { exitCode, stdout } = await outcome;
  expect(exitCode, stdout).toBe(1);
  return JSON.parse(stdout) as { code: number; msg: string; details: string };
}

test("after an ADD, a DEL and a failed ADD every query of Kube-OVN's dashboard finds a series", async () => {
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await mustDelete(sandbox, 'net1', ovnConfig());
  await failureOf(cni('ADD', sandbox, 'net1', ovnConfig({ provider: 'nobody.default.ovn' })));
  const found = await scrape(PORT);
  for (const { series, labels = [], where } of AGENT_QUERIES) {
    const [first] = found.find(series, where);
    expect(first, series).toBeDefined();
    expect(Object.keys(first?.labels ?? {}), series).toEqual(expect.arrayContaining([...labels]));
  }
  const calls = (method: string, status_code: string) =>
    found.sum('cni_op_latency_seconds_count', {
      node_name: fixture.node.chassis,
      method,
      status_code,
    });
  expect(calls('/api/v1/add', '200')).toBe(1);
  expect(calls('/api/v1/add', '400')).toBe(1);
  expect(calls('/api/v1/del', '204')).toBe(1);
});

test('the stages of an ADD are timed: from the queue to the gateway', async () => {
  const found = await scrape(PORT);
  const stages = found
    .find('kube_ovn_cni_stage_seconds_count', { verb: 'ADD' })
    .filter(({ value }) => value > 0)
    .map(({ labels }) => labels.stage);
  expect(stages).toEqual(
    expect.arrayContaining([
      ...['queue', 'get-pod', 'confirm-address', 'nic-slot', 'make-interface'],
      ...['make-port', 'configure-interface', 'install-flows', 'check-gateway'],
    ]),
  );
  expect(
    found.sum('kube_ovn_cni_failures_total', { verb: 'ADD', stage: 'provider', code: '7' }),
  ).toBe(1);
});

test('an ADD that waits is seen while it does, with what it waits for', async () => {
  const { sandbox } = await fixture.pod({ nic: () => undefined });
  const outcome = failureOf(cni('ADD', sandbox, 'net1', ovnConfig()));
  const waiting = { stage: 'wait-address' };
  const during = await scrapeUntil(PORT, (metrics) => {
    return metrics.sum('kube_ovn_cni_calls_in_stage', waiting) === 1;
  });
  expect(during.sum('kube_ovn_cni_adds')).toBe(1);
  expect(during.sum('kube_ovn_cni_oldest_in_stage_seconds', waiting)).toBeGreaterThan(0);
  expect((await outcome).code).toBe(11);
  const after = await scrape(PORT);
  expect(after.sum('kube_ovn_cni_calls_in_stage')).toBe(0);
  expect(after.sum('kube_ovn_cni_failures_total', { ...waiting, code: '11' })).toBe(1);
  expect(after.sum('cni_wait_address_seconds_total')).toBeGreaterThan(2);
});

test('the error of an ADD and the line about it in the log have the same operation id', async () => {
  const { sandbox } = await fixture.pod();
  const config = ovnConfig({ provider: 'nobody.default.ovn' });
  const { details } = await failureOf(cni('ADD', sandbox, 'net1', config));
  const [, operation = ''] = /operation ([0-9a-f]{12})$/.exec(details) ?? [];
  expect(operation).not.toBe('');
  await fixture.daemon.logged(operation);
  const lines = fixture.daemon.logLines(operation).map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    {
      ...{ verb: 'ADD', outcome: 'failed', stage: 'provider', code: 7, operation },
      ...{ namespace: 'default', pod: `default/${sandbox.pod.name}`, ifName: 'net1' },
      ...{ containerId: sandbox.containerId, provider: 'nobody.default.ovn' },
      ms: expect.any(Number),
    },
  ]);
  expect(lines[0]).not.toHaveProperty('err');
});

test('an ADD that ends well is one line at info', async () => {
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await fixture.daemon.logged(sandbox.containerId);
  const lines = fixture.daemon.logLines(sandbox.containerId).map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    {
      ...{ level: 30, msg: 'ADD done', verb: 'ADD', outcome: 'done', provider: ATTACHNET },
      ...{ operation: expect.stringMatching(/^[0-9a-f]{12}$/), ms: expect.any(Number) },
    },
  ]);
  await mustDelete(sandbox, 'net1', ovnConfig());
});

test('a port that goes with its sandbox is counted by its proof', async () => {
  const { sandbox } = await fixture.pod();
  const proof = { proof: 'sandbox-gone' };
  const removals = (metrics: ReadMetrics) => metrics.sum('kube_ovn_cni_removals_total', proof);
  const before = await scrape(PORT);
  await mustAdd(sandbox, 'net1', ovnConfig());
  const during = await scrape(PORT);
  expect(during.sum('kube_ovn_cni_ports')).toBeGreaterThan(0);
  expect(removals(during)).toBe(removals(before));
  await deleteSandbox(sandbox);
  await scrapeUntil(PORT, (metrics) => removals(metrics) === removals(before) + 1);
});

test('watches and OVS are told to be followed, and the log has its lines counted', async () => {
  const found = await scrape(PORT);
  for (const resource of ['pods', 'subnets.kubeovn.io', 'nodes']) {
    expect(found.sum('kube_ovn_watch_synced', { resource }), resource).toBe(1);
  }
  expect(found.sum('kube_ovn_watch_silence_seconds', { resource: 'pods' })).toBeLessThan(180);
  expect(found.sum('kube_ovn_cni_ovs_followed')).toBe(2);
  const lines = fixture.daemon.log.filter((line) => line.startsWith('{')).length;
  expect(found.sum('klog_lines_total')).toBeLessThanOrEqual(lines + 1);
  expect(found.sum('klog_lines_total', { level: 'WARN' })).toBeGreaterThan(0);
});

test('no label has the name of a pod, a container or an address', async () => {
  const found = await scrape(PORT);
  const labels = [...found.families.values()].flatMap(({ series }) =>
    series.flatMap((one) => Object.values(one.labels)),
  );
  expect(labels.filter((label) => /pod-\d|172\.17\.|[0-9a-f]{64}/.test(label))).toEqual([]);
});
