/** The IP object learns its node, with no right more than Kube-OVN's charts grant. */
import { describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import type { Allocation } from '../../../../src/daemon/nic/allocation.ts';
import {
  createIpOutage,
  type IpObjectParts,
  recordNode,
} from '../../../../src/daemon/nic/ip-object.ts';
import { DAEMON, FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { configOf } from '../../common/kubernetes/support.ts';
import { RecordingLog } from '../recording-log.ts';

const NAME = 'web-0.shop.net.default.ovn';
const PATH = `/apis/kubeovn.io/v1/ips/${NAME}`;

async function setUp(more: Readonly<Record<string, string>> = {}) {
  const server = await FakeApiServer.start();
  const ip = { podName: 'web-0', namespace: 'shop', nodeName: '', ipAddress: '10.0.0.5' };
  const spec = { ...ip, subnet: 'net', ...more };
  const labels = { 'ovn.kubernetes.io/ip_reserved': 'false' };
  const finalizers = ['kubeovn.io/kube-ovn-controller'];
  server.create({ kind: 'IP', metadata: { name: NAME, labels, finalizers }, spec });
  const api = new KubernetesApi(configOf(server, DAEMON));
  const log = new RecordingLog();
  const ipOutage = createIpOutage(log);
  const parts = { api, nodeName: 'node1', ipOutage, log } as unknown as IpObjectParts;
  const record = (name = NAME) => {
    const nic = { addresses: ['10.0.0.5'], workload: 'web-0', logicalSwitch: 'annotated' };
    const allocation = { nic, pod: { namespace: 'shop' }, subnet: { name: 'annotated' } };
    return recordNode(allocation as unknown as Allocation, name, parts);
  };
  const dispose = async () => {
    api.destroy();
    await server.close();
  };
  return { server, log, record, [Symbol.asyncDispose]: dispose };
}

describe('the IP object', () => {
  it('learns the node, and keeps all else', async () => {
    await using all = await setUp();
    const before = all.server.get('IP', NAME);
    await all.record();
    expect(all.server.get('IP', NAME)).toEqual({
      ...before,
      metadata: {
        ...before.metadata,
        generation: 2,
        resourceVersion: expect.any(String),
        labels: { ...before.metadata.labels, 'ovn.kubernetes.io/node-name': 'node1', net: '' },
      },
      spec: { ...before.spec, nodeName: 'node1' },
    });
    expect(all.server.requests.all.map(({ verb }) => verb)).toEqual(['get', 'update']);
    expect(all.log.lines).toEqual([]);
  });

  it('is not written where it says so already', async () => {
    await using all = await setUp();
    await all.record();
    await all.record();
    expect(all.server.requests.count({ verb: 'update' })).toBe(1);
  });

  it('that somebody else writes meanwhile is read again', async () => {
    await using all = await setUp();
    let others = 0;
    all.server.requests.onArrival(({ verb }) => {
      if (verb !== 'update' || others === 2) return;
      others += 1;
      all.server.patch('IP', NAME, { metadata: { labels: { other: `${others}` } } });
    });
    await all.record();
    expect(all.server.get('IP', NAME)).toMatchObject({
      metadata: { labels: { other: '2', net: '' } },
      spec: { nodeName: 'node1' },
    });
    expect(all.log.lines).toEqual([]);
  });

  it('that is written again and again is given up, with a word', async () => {
    await using all = await setUp();
    all.server.faults.failNext(100, 409, { verb: 'update', path: PATH });
    await all.record();
    expect(all.server.requests.count({ verb: 'update' })).toBe(5);
    expect(all.log.lines).toMatchObject([{ level: 'warn', fields: { ip: NAME } }]);
  });

  it('of a Subnet whose name no label can have goes without that label', async () => {
    await using all = await setUp({ subnet: 'n'.repeat(64) });
    await all.record();
    const { metadata, spec } = all.server.get('IP', NAME);
    expect(Object.keys(metadata.labels ?? {}).toSorted()).toEqual([
      'ovn.kubernetes.io/ip_reserved',
      'ovn.kubernetes.io/node-name',
    ]);
    expect(spec?.nodeName).toBe('node1');
  });
});

describe('an IP object that is another one by now', () => {
  it.each([
    ['pod', { podName: 'web-0.shop' }],
    ['namespace', { namespace: 'prod' }],
  ])('(of another %s) is left alone', async (_, spec) => {
    await using all = await setUp(spec);
    const before = all.server.get('IP', NAME);
    await all.record();
    expect(all.server.get('IP', NAME)).toEqual(before);
    expect(all.log.lines).toEqual([]);
  });

  it('since it is being deleted, is left alone', async () => {
    await using all = await setUp();
    all.server.delete('IP', NAME);
    const before = all.server.get('IP', NAME);
    expect(before.metadata.deletionTimestamp).toBeDefined();
    await all.record();
    expect(all.server.get('IP', NAME)).toEqual(before);
  });
});

describe('an outage', () => {
  it.each([403, 503])('(%i) is one line when it begins and one when it is over', async (status) => {
    await using all = await setUp();
    all.server.faults.failAll(status);
    for (let count = 0; count < 5; count += 1) await all.record();
    all.server.faults.failAll(undefined);
    await all.record();
    expect(all.log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.message).toContain('grant the cluster role');
    // No stack.
    expect(JSON.stringify(all.log.lines[0])).not.toContain('.ts:');
  });

  it('is not what is wrong with one object', async () => {
    await using all = await setUp();
    await all.record('nobody.shop');
    expect(all.log.lines).toMatchObject([
      { level: 'warn', fields: { ip: 'nobody.shop', reason: expect.stringContaining('404') } },
    ]);
    await all.record();
    expect(all.log.lines).toHaveLength(1);
  });
});
