/** Records of NICs are read when a pod's allocation comes, by a daemon that may not follow them. */
import { expect, it, onTestFinished } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import { collectionPath, KINDS } from '../../../../src/common/kubernetes/path.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import { projectIp } from '../../../../src/daemon/model/ip.ts';
import { projectPod } from '../../../../src/daemon/model/pod.ts';
import { NicRecords } from '../../../../src/daemon/nic/records.ts';
import { DAEMON, FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { configOf, RecordingLog, shortLimits } from '../../common/kubernetes/support.ts';

const IPS = collectionPath(KINDS.ips);
const MACHINES = '/apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances';

async function setUp({ mayFollow = false } = {}) {
  const server = await FakeApiServer.start();
  if (!mayFollow) server.faults.failNext(1_000_000, 403, { verb: 'list', path: IPS });
  const config = configOf(server, DAEMON);
  const api = new KubernetesApi(config);
  const log = new RecordingLog();
  const more = { config, log, limits: shortLimits };
  const pods = new WatchCache({ ...more, path: '/api/v1/pods', project: projectPod });
  const ips = new WatchCache({ ...more, path: IPS, project: projectIp });
  const records = new NicRecords({ api, pods, ips });
  const parts = [records, pods, ips];
  onTestFinished(async () => {
    for (const part of parts) part.stop();
    api.destroy();
    await server.close();
  });
  for (const part of parts) part.start();
  await Promise.all([pods.synced, ips.settled]);
  const reads = () =>
    server.requests.all
      .filter(({ verb, path }) => verb === 'get' && /\/(ips|virtualmachineinstances)\//.test(path))
      .map(({ path }) => path);
  /** Resolves when all that was asked for before has been read. */
  const settled = async () => {
    const name = `last-${server.requests.count()}`;
    server.create(podOf(name, { 'last.default': '10.0.0.9' }));
    const read = { verb: 'get', path: `${IPS}/${name}.shop.last.default` } as const;
    if (!mayFollow) await server.requests.waitFor(read, 1);
    else await pods.until(() => pods.get(`shop/${name}`), AbortSignal.timeout(10_000));
    return reads().filter((path) => !path.includes('/last-'));
  };
  return { server, ips, log, settled };
}

function podOf(name: string, addresses: Readonly<Record<string, string>>, metadata: object = {}) {
  const entries = Object.entries(addresses).flatMap(([prefix, address]) => [
    [`${prefix}.kubernetes.io/ip_address`, address],
    [`${prefix}.kubernetes.io/cidr`, '10.0.0.0/16'],
    [`${prefix}.kubernetes.io/allocated`, 'true'],
  ]);
  const annotations = Object.fromEntries(entries);
  const whole = { name, namespace: 'shop', annotations, ...metadata };
  return { apiVersion: 'v1', kind: 'Pod', metadata: whole, spec: { containers: [] } };
}

it('of each NIC that has its address, once', async () => {
  const { server, settled } = await setUp();
  server.create(
    podOf('web', { ovn: '10.0.0.5', 'm.default': '10.0.0.6', 'n.ns.ovn.net1': '10.0.0.7' }),
  );
  expect(await settled()).toEqual([
    `${IPS}/web.shop`,
    `${IPS}/web.shop.m.default`,
    `${IPS}/web.shop.n.ns.ovn.net1`,
  ]);
  server.patch('Pod', 'shop/web', { status: { phase: 'Running' } });
  expect(await settled()).toHaveLength(3);
  // Not of what was not changed.
  const annotations = { 'm.default.kubernetes.io/ip_address': '10.0.0.8' };
  server.patch('Pod', 'shop/web', { metadata: { annotations } });
  expect((await settled()).slice(3)).toEqual([`${IPS}/web.shop.m.default`]);
});

it('not of NICs that are only asked for, nor of pods that have ended', async () => {
  const { server, settled } = await setUp();
  const asked = { 'm.default.kubernetes.io/ip_address': '10.0.0.6' };
  server.create(podOf('asks', {}, { annotations: asked }));
  server.create({ ...podOf('ended', { ovn: '10.0.0.7' }), status: { phase: 'Succeeded' } });
  expect(await settled()).toEqual([]);
});

it('of no more NICs than a pod may have, however many its author writes', async () => {
  const { server, settled } = await setUp();
  const many = Array.from({ length: 200 }, (_, index) => [`m${index}.default`, '10.0.0.6']);
  server.create(podOf('web', Object.fromEntries(many)));
  expect(await settled()).toHaveLength(64);
});

it('of a virtual machine, too, whose launcher it is', async () => {
  const { server, settled } = await setUp({ mayFollow: true });
  const owner = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    name: 'vm-1',
    uid: 'u',
  };
  server.create(podOf('web', { ovn: '10.0.0.5' }, { ownerReferences: [owner] }));
  await server.requests.waitFor({ verb: 'get', path: `${MACHINES}/vm-1` }, 1);
  // IP objects are followed, and none is read.
  expect(await settled()).toEqual([`${MACHINES}/vm-1`]);
});

it('and of pods that were there before it was known that IP objects cannot be followed, and the log says it once', async () => {
  const { server, ips, log, settled } = await setUp({ mayFollow: true });
  server.create(podOf('web', { ovn: '10.0.0.5' }));
  expect(await settled()).toEqual([]);
  server.faults.failNext(1_000_000, 403, { path: IPS });
  server.watches.endAll();
  server.compact();
  await server.requests.waitFor({ verb: 'get', path: `${IPS}/web.shop` }, 1);
  expect(ips.availability.state).toBe('forbidden');
  const { requests } = server;
  await requests.waitFor({ path: IPS }, requests.count({ path: IPS }) + 4);
  const lines = log.lines.filter(({ message }) => message.includes('may not be read'));
  expect(lines).toHaveLength(1);
});
