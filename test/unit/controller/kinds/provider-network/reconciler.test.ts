/** What the work on a ProviderNetwork writes: its status, and what older versions said on Nodes. */
import { describe, expect, it } from 'vitest';
import { ProviderNetworkReconciler } from '../../../../../src/controller/kinds/provider-network/reconciler.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { kubeOvn } from '../../support.ts';
import { setUp } from '../set-up.ts';

const DOMAIN = 'physnet.provider-network.kubernetes.io';
const READY = { [`${DOMAIN}/ready`]: 'true', [`${DOMAIN}/interface`]: 'eth1' };

const network = (spec: object = {}) =>
  kubeOvn('ProviderNetwork', 'physnet', { defaultInterface: 'eth1', ...spec });
const node = (name: string, metadata: object = {}) => ({
  kind: 'Node',
  metadata: { name, ...metadata },
});
const vlan = (name: string, id: number, provider = 'physnet') =>
  kubeOvn('Vlan', name, { id, provider });

/** A pod of a node's daemon, with what it says of the network. */
function agent(nodeName: string, error?: string, metadata: object = {}): NewObject {
  const annotations = error === undefined ? {} : { [`${DOMAIN}/err_mesg`]: error };
  const labels = { app: 'kube-ovn-cni' };
  const name = `agent-${nodeName}`;
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels, annotations, ...metadata },
    spec: { nodeName, hostNetwork: true },
  };
}

function setUpNetworks(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const reconciler = new ProviderNetworkReconciler(all.context);
  return {
    ...all,
    reconcile: () => reconciler.reconcile('physnet'),
    status: () => all.fake.get('ProviderNetwork', 'physnet')?.status,
    spec: () => all.fake.get('ProviderNetwork', 'physnet')?.spec,
    /** Of each condition its node, status, reason and message. */
    conditions: () => {
      const { conditions = [] } = all.fake.get('ProviderNetwork', 'physnet')?.status ?? {};
      return (conditions as Record<string, string>[]).map((condition) =>
        [condition.node, condition.status, condition.reason, condition.message].join(' ').trim(),
      );
    },
  };
}

describe('the status of a ProviderNetwork', () => {
  it('is ready where each node has its bridge', async () => {
    const nodes = ['b', 'a'].map((name) => node(name, { labels: READY }));
    const all = setUpNetworks(network(), ...nodes);
    await all.reconcile();
    expect(all.status()).toMatchObject({
      ready: true,
      readyNodes: ['a', 'b'],
      conditions: [
        { node: 'a', type: 'Ready', status: 'True', reason: 'InitOVSBridgeSucceeded', message: '' },
        { node: 'b', type: 'Ready', status: 'True', reason: 'InitOVSBridgeSucceeded', message: '' },
      ],
    });
  });

  it('says of each other node why, as its daemon has it', async () => {
    const all = setUpNetworks(
      ...[network(), node('a', { labels: READY }), node('b'), node('c'), node('d')],
      ...[agent('a'), agent('b', 'nic eth1 does not exist'), agent('c')],
    );
    await all.reconcile();
    expect(all.status()).toMatchObject({
      ready: false,
      readyNodes: ['a'],
      notReadyNodes: ['b', 'c', 'd'],
    });
    expect(all.conditions()).toEqual([
      'a True InitOVSBridgeSucceeded',
      'b False InitOVSBridgeFailed nic eth1 does not exist',
      'c False InitOVSBridgeFailed unknown error',
      'd False InitOVSBridgeFailed kube-ovn-cni pod on node d not found',
    ]);
  });

  it('believes no pod of another namespace that it is a daemon', async () => {
    const stranger = agent('a', 'all is well', { name: 'stranger', namespace: 'default' });
    const all = setUpNetworks(network(), node('a'), stranger);
    await all.reconcile();
    expect(all.conditions()).toEqual([
      'a False InitOVSBridgeFailed kube-ovn-cni pod on node a not found',
    ]);
  });

  it('goes by the daemon that comes, and not by the one that ends beside it', async () => {
    const all = setUpNetworks(network(), node('a'), agent('a', 'old'));
    all.fake.delete('Pod', 'kube-system/agent-a', { gracePeriodSeconds: 60 });
    all.fake.create(agent('a', 'new', { name: 'agent-next' }));
    await all.reconcile();
    expect(all.conditions()).toEqual(['a False InitOVSBridgeFailed new']);
  });

  it('passes on a bounded part of what a daemon says', async () => {
    const all = setUpNetworks(network(), node('a'), agent('a', 'x'.repeat(5000)));
    await all.reconcile();
    expect(all.conditions()[0]).toHaveLength('a False InitOVSBridgeFailed '.length + 1024);
  });

  it('has nothing of nodes that are left out, by name or by label, nor of those that have gone', async () => {
    const all = setUpNetworks(network(), ...['a', 'b', 'c'].map((name) => node(name)));
    await all.reconcile();
    expect(all.status()).toMatchObject({ notReadyNodes: ['a', 'b', 'c'] });
    all.fake.patch('ProviderNetwork', 'physnet', { spec: { excludeNodes: ['a'] } });
    all.fake.delete('Node', 'b');
    await all.reconcile();
    expect(all.conditions().map((each) => each.split(' ')[0])).toEqual(['c']);
    const nodeSelector = { matchLabels: { rack: '7' } };
    all.fake.patch('ProviderNetwork', 'physnet', { spec: { nodeSelector } });
    all.fake.patch('Node', 'a', { metadata: { labels: { rack: '7', ...READY } } });
    await all.reconcile();
    expect(all.status()).toMatchObject({ ready: true, readyNodes: ['a'], notReadyNodes: [] });
    expect(all.conditions()).toEqual(['a True InitOVSBridgeSucceeded']);
  });

  it('tells since when a node is as it is', async () => {
    const all = setUpNetworks(network(), node('a'), agent('a', 'first'));
    const condition = { type: 'Ready', status: 'False', reason: 'InitOVSBridgeFailed' };
    const past = '2020-01-01T00:00:00Z';
    const times = { lastUpdateTime: past, lastTransitionTime: past };
    const before = { node: 'a', message: 'earlier', ...condition, ...times };
    all.fake.patch('ProviderNetwork', 'physnet', { status: { conditions: [before] } });
    await all.reconcile();
    const { conditions = [] } = all.status() ?? {};
    const [after] = conditions as Record<string, string>[];
    expect(after).toMatchObject({ message: 'first', lastTransitionTime: past });
    expect(after?.lastUpdateTime).not.toBe(past);
  });

  it('lists the Vlans in it, each id once', async () => {
    const all = setUpNetworks(
      ...[network(), vlan('plain', 0), vlan('plain-too', 0), vlan('red', 7)],
      ...[vlan('red-again', 7), vlan('elsewhere', 8, 'other')],
    );
    all.fake.patch('Vlan', 'red', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } });
    await all.reconcile();
    expect(all.status()).toMatchObject({ vlans: ['plain', 'plain-too', 'red'] });
    all.fake.delete('Vlan', 'red');
    await all.reconcile();
    expect(all.status()).toMatchObject({ vlans: ['plain', 'plain-too', 'red-again'] });
  });

  it('of Kube-OVN’s controller stays as it is where it is right, in whatever order', async () => {
    const nodes = ['a', 'b'].map((name) => node(name, { labels: READY }));
    const all = setUpNetworks(network(), ...nodes, vlan('x', 1), vlan('y', 2));
    const time = '2020-01-01T00:00:00Z';
    const conditions = ['b', 'a'].map((name) => ({
      node: name,
      type: 'Ready',
      status: 'True',
      reason: 'InitOVSBridgeSucceeded',
      lastUpdateTime: time,
      lastTransitionTime: time,
    }));
    const lists = { readyNodes: ['b', 'a'], vlans: ['y', 'x'] };
    const status = { ready: true, ...lists, conditions };
    all.fake.patch('ProviderNetwork', 'physnet', { status });
    await all.reconcile();
    expect(all.writes.requests).toEqual([]);
  });

  it('is not written where the object is being deleted', async () => {
    const all = setUpNetworks(network(), node('a'));
    all.fake.patch('ProviderNetwork', 'physnet', { metadata: { finalizers: ['x/y'] } });
    all.fake.delete('ProviderNetwork', 'physnet');
    await all.reconcile();
    expect(all.writes.requests).toEqual([]);
  });
});

describe('annotations of Nodes, by which older versions were told of exceptions', () => {
  const exclude = { [`${DOMAIN}/exclude`]: 'true' };
  const link = (name: string) => ({ [`${DOMAIN}/interface`]: name });

  it('are moved into the object, and leave the Nodes', async () => {
    const all = setUpNetworks(
      network({ excludeNodes: ['z'], customInterfaces: [{ interface: 'eth2', nodes: ['x'] }] }),
      node('a', { annotations: { ...exclude, 'example.com/other': 'stays' } }),
      ...[node('b', { annotations: link('eth2') }), node('c', { annotations: link('eth3') })],
    );
    await all.reconcile();
    expect(all.spec()).toMatchObject({
      excludeNodes: ['z', 'a'],
      customInterfaces: [
        { interface: 'eth2', nodes: ['x', 'b'] },
        { interface: 'eth3', nodes: ['c'] },
      ],
    });
    expect(all.fake.get('Node', 'a')?.metadata.annotations).toEqual({
      'example.com/other': 'stays',
    });
    expect(all.fake.get('Node', 'b')?.metadata.annotations ?? {}).toEqual({});
    expect(all.status()).toMatchObject({ notReadyNodes: ['b', 'c'] });
  });

  it('give way to what the object says of the node', async () => {
    const custom = [{ interface: 'eth2', nodes: ['a'] }];
    const all = setUpNetworks(
      network({ customInterfaces: custom }),
      node('a', { annotations: link('eth9') }),
    );
    await all.reconcile();
    expect(all.spec()).toMatchObject({ customInterfaces: custom });
    expect(all.fake.get('Node', 'a')?.metadata.annotations ?? {}).toEqual({});
  });

  it('that name no interface stay where they are', async () => {
    const all = setUpNetworks(network(), node('a', { annotations: link('../../etc') }));
    await all.reconcile();
    expect(all.spec()).toEqual({ defaultInterface: 'eth1' });
    expect(all.fake.get('Node', 'a')?.metadata.annotations).toEqual(link('../../etc'));
  });

  it('of another network stay, too', async () => {
    const other = { 'other.provider-network.kubernetes.io/exclude': 'true' };
    const all = setUpNetworks(network(), node('a', { annotations: other }));
    await all.reconcile();
    expect(all.fake.get('Node', 'a')?.metadata.annotations).toEqual(other);
  });

  it('stay until the object says it', async () => {
    const all = setUpNetworks(network(), node('a', { annotations: exclude }));
    all.writes.failNext('patch', new Error('no'));
    await expect(all.reconcile()).rejects.toThrow('no');
    expect(all.fake.get('Node', 'a')?.metadata.annotations).toEqual(exclude);
    await all.reconcile();
    expect(all.spec()).toMatchObject({ excludeNodes: ['a'] });
    expect(all.fake.get('Node', 'a')?.metadata.annotations ?? {}).toEqual({});
  });
});
