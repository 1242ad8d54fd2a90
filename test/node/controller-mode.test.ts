/**
 * Non-primary mode is one switch with one meaning: the network of provider ovn on a pod's default
 * interface is another plugin's, and a pod without a network of Kube-OVN's costs nothing.
 */
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { NB_DATABASE } from '../lab/ovn-node.ts';
import {
  cni,
  createSandbox,
  deleteSandbox,
  inSandbox,
  type NetworkConfig,
  type Sandbox,
} from '../lab/runtime.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone, messagesAbout } from './controller-observe.ts';

const MODE = '--non-primary-cni-mode=true';
const PODS = 1000;
const PROVIDER = 'net.default.ovn';
const DEFAULT_NETWORK = 'v1.multus-cni.io/default-network';
const NOT_SUPPORTED = 'PodNetworkNotSupported';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: [MODE],
    daemonFlags: ['--add-timeout-seconds=10', MODE],
    primary: OTHER_PRIMARY_CONFIG,
  });
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { cidrBlock: '10.1.0.0/16', provider: PROVIDER }),
    macvlanNetwork('macvlan'),
    subnet('macvlan', { cidrBlock: '10.3.0.0/16', provider: 'macvlan.default' }),
    foreignNetwork,
  );
  await conditionBecomes(
    fixture,
    { kind: 'Subnet', name: 'net' },
    { type: 'Ready', status: 'True' },
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** OVN-Kubernetes' own, as its page about secondary networks has it. */
const foreignNetwork: NewObject = {
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'l3-network' },
  spec: {
    config: JSON.stringify({
      cniVersion: '0.4.0',
      name: 'l3-network',
      type: 'ovn-k8s-cni-overlay',
      topology: 'layer3',
      subnets: '10.245.0.0/16/24',
      netAttachDefName: 'default/l3-network',
    }),
  },
};

function northbound(): Promise<string> {
  return command('ovsdb-client', ['dump', NB_DATABASE, 'OVN_Northbound']);
}

/** Resolves when the controller has worked on all that came before, by a pod that OVN knows nothing of. */
async function workedUp(name: string): Promise<void> {
  fixture.schedule(podOf(name, 'macvlan'));
  await fixture.allocated(`default/${name}`, 'macvlan.default');
}

describe('pods that select no network of Kube-OVN', () => {
  test('cost no request, no object, no event, and nothing in OVN, be they a thousand', async () => {
    await workedUp('before');
    const before = await northbound();
    const { api } = fixture;
    api.requests.clear();
    for (let index = 0; index < PODS; index += 1) {
      const networks = { 'k8s.v1.cni.cncf.io/networks': 'l3-network' };
      const annotations = index % 2 === 0 ? {} : networks;
      const metadata = { name: `plain-${index}`, namespace: 'default', annotations };
      api.create({ kind: 'Pod', metadata, spec: { nodeName: fixture.node.chassis } });
      // The server is in this process: it answers others meanwhile.
      if (index % 10 === 0) await setImmediate();
    }
    await workedUp('after');
    const isOurs = (path: string) => /pods\/plain-|ips\/plain-/.test(path);
    const asked = api.requests.all.filter(({ path }) => isOurs(path));
    expect(asked).toEqual([]);
    for (const { metadata } of api.list('Pod')) {
      if (!metadata.name.startsWith('plain-')) continue;
      const keys = Object.keys(metadata.annotations ?? {});
      expect(keys.filter((key) => key.includes('ovn.kubernetes.io'))).toEqual([]);
    }
    const named = [
      ...api.list('IP').map(({ metadata }) => metadata.name),
      ...api.list('Event').map((event) => (event.involvedObject as { name: string }).name),
    ];
    expect(named.filter((name) => name.startsWith('plain-'))).toEqual([]);
    expect(await northbound()).toBe(before);
  });

  test('are told by one event that an address of the primary network is nobody’s to ask for', async () => {
    const annotations = { 'ovn.kubernetes.io/ip_address': '10.16.0.9' };
    fixture.schedule({ kind: 'Pod', metadata: { name: 'asks', annotations }, spec: {} });
    const query = { kind: 'Pod', name: 'asks', reason: NOT_SUPPORTED };
    expect(await eventAbout(fixture, query)).toContain('--non-primary-cni-mode');
    await workedUp('asked');
    expect(messagesAbout(fixture, query)).toHaveLength(1);
    const about = fixture.api.list('Event').filter(({ involvedObject }) => {
      return (involvedObject as { name: string }).name === 'asks';
    });
    expect(about).toHaveLength(1);
    expect(fixture.api.get('Pod', 'default/asks').metadata.annotations).toEqual(annotations);
  });
});

test('there is no Subnet of the primary network nor of nodes until a network refers to it', async () => {
  const names = () => fixture.api.list('Subnet').map(({ metadata }) => metadata.name);
  expect(names()).not.toContain('ovn-default');
  expect(names()).not.toContain('join');
  const config = { cniVersion: '0.3.1', type: 'kube-ovn', server_socket: SOCKET, provider: 'ovn' };
  fixture.apply({
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'plain' },
    spec: { config: JSON.stringify(config) },
  });
  const primary = { kind: 'Subnet', name: 'ovn-default' };
  await conditionBecomes(fixture, primary, { type: 'Ready', status: 'True' });
  await workedUp('made');
  // Nobody is warned of what a new cluster begins with.
  const warnings = fixture.api.list('Event').filter(({ type, involvedObject }) => {
    const { kind, name } = involvedObject as { kind: string; name: string };
    return type === 'Warning' && kind === 'Subnet' && ['ovn-default', 'join'].includes(name);
  });
  expect(warnings).toEqual([]);
});

test('a network of provider ovn is served as an attachment', async () => {
  const { pod, sandbox } = await fixture.pod(podOf('attached', 'plain'));
  const { ip_address: address } = await fixture.allocated(`default/${pod.name}`, 'ovn');
  expect(address).toMatch(/^10\.16\./);
  const shown = await inSandbox(sandbox, 'ip', '-4', '-o', 'addr', 'show', 'dev', 'net1');
  expect(shown).toContain(`${address}/16`);
  expect(await inSandbox(sandbox, 'ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0')).toContain(
    '10.244.0.',
  );
  expect(await inSandbox(sandbox, 'ip', 'route', 'show', 'default')).toContain('dev eth0');
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', 'attached.default');
});

test('an attached network leaves eth0 of the other plugin as it is, byte for byte', async () => {
  const pod = fixture.schedule(podOf('beside', 'net'));
  await fixture.allocated('default/beside', PROVIDER);
  const sandbox = await createSandbox(pod);
  const call = async (verb: string, ifName: string, config: NetworkConfig) => {
    const { exitCode, stdout } = await cni(verb, sandbox, ifName, config);
    expect(exitCode, stdout).toBe(0);
  };
  await call('ADD', 'eth0', OTHER_PRIMARY_CONFIG);
  // An IPv6 address of the link's own is tentative for a moment, with whatever comes after it.
  await expect.poll(() => eth0Of(sandbox)).not.toContain('tentative');
  const before = await eth0Of(sandbox);
  expect(before).toContain('10.244.0.');

  const nad = fixture.api.get('NetworkAttachmentDefinition', 'default/net');
  const config = { name: 'net', ...JSON.parse(String(nad.spec?.config)) };
  await call('ADD', 'net1', config);
  expect(await inSandbox(sandbox, 'ip', 'link', 'show', 'dev', 'net1')).toContain('UP');
  expect(await eth0Of(sandbox)).toBe(before);
  await call('DEL', 'net1', config);
  expect(await eth0Of(sandbox)).toBe(before);
  await call('DEL', 'eth0', OTHER_PRIMARY_CONFIG);
  await deleteSandbox(sandbox);
});

/** All that the kernel says of eth0, and the routes of the pod that another interface could change. */
async function eth0Of(sandbox: Sandbox): Promise<string> {
  const questions = [
    ['-d', '-j', 'link', 'show', 'dev', 'eth0'],
    ['-d', '-j', 'addr', 'show', 'dev', 'eth0'],
    ['-d', '-j', '-4', 'route', 'show', 'table', 'all', 'dev', 'eth0'],
    ['-d', '-j', '-6', 'route', 'show', 'table', 'all', 'dev', 'eth0'],
    ['-d', '-j', 'route', 'show', 'default'],
    ['-d', '-j', 'neigh', 'show', 'dev', 'eth0'],
    ['-d', '-j', 'rule', 'show'],
  ];
  const texts = await Promise.all(questions.map((words) => inSandbox(sandbox, 'ip', ...words)));
  const settings = await inSandbox(
    sandbox,
    'sysctl',
    '-a',
    '--pattern',
    '\\.(eth0|all|default)\\.',
  );
  return [...texts, settings].join('\n');
}

test('a network in the place of the primary one is eth0, by the word of the user', async () => {
  const annotations = { [DEFAULT_NETWORK]: 'default/net' };
  const manifest = { kind: 'Pod', metadata: { name: 'replaced', annotations }, spec: {} };
  const { pod, sandbox } = await fixture.pod(manifest);
  const { ip_address: address, routed } = await fixture.allocated('default/replaced', PROVIDER);
  expect(routed).toBe('true');
  const shown = await inSandbox(sandbox, 'ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0');
  expect(shown).toContain(`${address}/16`);
  expect(await inSandbox(sandbox, 'ip', 'route', 'show', 'default')).toContain(
    'via 10.1.0.1 dev eth0',
  );
  await fixture.kubelet.end(pod);
});
