import { expect, it, onTestFinished } from 'vitest';
import { Metrics } from '../../../src/common/metrics/metrics.ts';
import { Allocator } from '../../../src/controller/ipam/allocator/allocator.ts';
import { ControllerMetrics } from '../../../src/controller/metrics.ts';
import { readExposition } from '../../lab/exposition.ts';
import { dynamic, pool, subnet } from './ipam/allocator/support.ts';
import { kubeOvn, setUpCluster, start } from './support.ts';

const FIGURES = {
  ...{ depth: 3, running: 1, paused: 2, adds: 9, runs: 6, failures: 4, longTurns: 5 },
  ...{ runningMs: 2500, longestRunMs: 2000 },
};

async function setUp(objects: Parameters<typeof setUpCluster>[0] = []) {
  const live = await setUpCluster(objects);
  onTestFinished(() => live[Symbol.asyncDispose]());
  const { subnets, ipPools } = live.cluster;
  await start(subnets, ipPools);
  const metrics = new Metrics();
  const controller = new ControllerMetrics(metrics);
  const allocator = new Allocator();
  const lead = () => {
    controller.leads(() => true);
    const queueFigures = () => new Map([['pods', FIGURES]]);
    controller.follow({ cluster: live.cluster, allocator, queueFigures });
  };
  const read = async () => readExposition((await metrics.expose()).body);
  return { ...live, controller, allocator, lead, read };
}

/** With a status as the controller writes it. */
function withStatus(name: string, spec: object, status: object) {
  return { ...kubeOvn('Subnet', name, spec), status };
}

it('a controller that stands by tells that it does, and nothing of a cluster', async () => {
  const { read } = await setUp();
  const found = await read();
  expect(found.find('kube_ovn_controller_leader')).toMatchObject([{ value: 0 }]);
  expect(found.find('workqueue_depth')).toEqual([]);
  expect(found.find('kube_ovn_watch_synced')).toEqual([]);
});

it("a leader tells of its queues under client-go's names", async () => {
  const { controller, lead, read } = await setUp();
  lead();
  const observer = controller.observerOf('pods');
  observer.began(1500);
  observer.ended(20);
  const found = await read();
  const of = (name: string) => found.sum(name, { name: 'pods' });
  expect(found.sum('kube_ovn_controller_leader')).toBe(1);
  expect(of('workqueue_depth')).toBe(3);
  expect(of('workqueue_adds_total')).toBe(9);
  expect(of('workqueue_retries_total')).toBe(4);
  expect(of('kube_ovn_workqueue_long_turns_total')).toBe(5);
  expect(of('workqueue_unfinished_work_seconds')).toBe(2.5);
  expect(of('workqueue_longest_running_processor_seconds')).toBe(2);
  expect(of('workqueue_queue_duration_seconds_sum')).toBe(1.5);
  expect(of('workqueue_work_duration_seconds_count')).toBe(1);
  expect(of('kube_ovn_workqueue_waiting')).toBe(2);
  expect(found.sum('kube_ovn_watch_synced', { resource: 'subnets.kubeovn.io' })).toBe(1);
});

it('Subnets that are valid have the numbers of their status, of two families the smaller', async () => {
  const usage = { v4availableIPs: 250, v4usingIPs: 3, v6availableIPs: 10, v6usingIPs: 3 };
  const { lead, read } = await setUp([
    withStatus('v4', { protocol: 'IPv4', cidrBlock: '10.1.0.0/24' }, usage),
    withStatus('v6', { protocol: 'IPv6', cidrBlock: 'fd00:1::/64' }, { ...usage, v6usingIPs: 5 }),
    withStatus('both', { protocol: 'Dual', cidrBlock: '10.2.0.0/24,fd00:2::/64' }, usage),
    withStatus('wrong', { cidrBlock: '10.3.0.0/24', gateway: '10.9.0.1' }, usage),
  ]);
  lead();
  const found = await read();
  const available = found.find('subnet_available_ip_count');
  expect(available.map(({ labels, value }) => [labels, value])).toEqual([
    [{ subnet_name: 'both', protocol: 'Dual', subnet_cidr: '10.2.0.0/24,fd00:2::/64' }, 10],
    [{ subnet_name: 'v4', protocol: 'IPv4', subnet_cidr: '10.1.0.0/24' }, 250],
    [{ subnet_name: 'v6', protocol: 'IPv6', subnet_cidr: 'fd00:1::/64' }, 10],
  ]);
  const used = found.find('subnet_used_ip_count');
  expect(used.map(({ value }) => value)).toEqual([3, 3, 5]);
});

it('what the allocator has is told by family, and no address or pod by name', async () => {
  const cidrBlock = '10.1.0.0/29,fd00:1::/64';
  const { allocator, lead, read } = await setUp([
    kubeOvn('Subnet', 'net', { protocol: 'Dual', cidrBlock }),
    kubeOvn('IPPool', 'web', { subnet: 'net', ips: ['10.1.0.5', '10.1.0.6'] }),
  ]);
  allocator.setSubnet(subnet('net', cidrBlock, { gateway: '10.1.0.1,fd00:1::1' }));
  allocator.setPool(pool('web', 'net', '10.1.0.5,10.1.0.6'));
  allocator.acquire(dynamic('a'));
  lead();
  const found = await read();
  const name = 'kube_ovn_controller_subnet_addresses';
  const of = (family: string, state: string) =>
    found.sum(name, { subnet_name: 'net', family, state });
  expect(of('IPv4', 'used')).toBe(1);
  // Six, less the gateway, two of the IPPool, and the one that is used.
  expect(of('IPv4', 'available')).toBe(2);
  expect(of('IPv6', 'used')).toBe(1);
  expect(of('IPv6', 'available')).toBe(2 ** 64);
  const ofPool = { ippool_name: 'web', subnet_name: 'net' };
  expect(found.sum('kube_ovn_controller_ippool_available_addresses', ofPool)).toBe(2);
  const labels = [...found.families.values()].flatMap(({ series }) =>
    series.flatMap((one) => Object.values(one.labels)),
  );
  expect(labels.filter((label) => /10\.1\.0\.\d+$/.test(label))).toEqual([]);
});
