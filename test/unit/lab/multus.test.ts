import { describe, expect, it } from 'vitest';
import {
  attachnetNetwork,
  macvlanMainPod,
  macvlanNetwork,
  macvlanRoutePod,
  multiNetworkPod,
  namesApart,
  staticAddress,
  twoProviders,
  vpcNetwork,
} from '../../lab/documented.ts';
import { apply } from '../../lab/kubectl.ts';
import { FakeApiServer, type NewObject } from '../../lab/kubernetes/api.ts';
import { PRIMARY_CONFIG, type Request, requestsOf } from '../../lab/multus.ts';
import type { NetworkConfig } from '../../lab/runtime.ts';
import { identityOf } from '../../lab/workloads.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const MACVLAN = { type: 'macvlan', name: 'macvlan', ipam: { provider: 'macvlan.default' } };

/** What is asked for a pod in a cluster with these networks. */
function requests(
  networks: readonly NewObject[],
  pod: NewObject,
  primary?: NetworkConfig,
): Request[] {
  const api = new FakeApiServer();
  for (const network of networks) apply(api, network);
  return requestsOf(api, identityOf(apply(api, pod)), primary);
}

function podWith(annotations: Readonly<Record<string, string>>, namespace = 'default'): NewObject {
  return { kind: 'Pod', metadata: { name: 'samplepod', namespace, annotations } };
}

function networkNamed(name: string, config: unknown): NewObject {
  const spec = { config: typeof config === 'string' ? config : JSON.stringify(config) };
  return { kind: 'NetworkAttachmentDefinition', metadata: { name, namespace: 'default' }, spec };
}

describe('the interfaces of a pod', () => {
  it('are net1 and so on in the order of the annotation, behind eth0', () => {
    const pod = podWith({ [NETWORKS]: 'default/macvlan, attachnet@net7,macvlan' });
    const found = requests([macvlanNetwork, attachnetNetwork], pod, PRIMARY_CONFIG);
    expect(found.map(({ ifName, network }) => `${ifName} ${network}`)).toEqual([
      'eth0 kube-ovn',
      'net1 default/macvlan',
      'net7 default/attachnet',
      'net3 default/macvlan',
    ]);
    expect(found.map(({ isDefault }) => isDefault)).toEqual([true, ...Array(3).fill(undefined)]);
  });

  it('have the name of their network in their configuration', () => {
    const [request] = requests([vpcNetwork], multiNetworkPod);
    expect(request?.config).toMatchObject({ name: 'kube-ovn-vpc-network', type: 'kube-ovn' });
  });

  it('are none where nothing is asked for', () => {
    expect(requests([], podWith({}))).toEqual([]);
  });

  it('have an eth0 by annotation instead of the own one of the cluster', () => {
    const found = requests([macvlanNetwork], macvlanMainPod, PRIMARY_CONFIG);
    expect(found).toMatchObject([{ ifName: 'eth0', isDefault: true, config: MACVLAN }]);
    expect(found[0]?.network).toBe('default/macvlan');
  });

  it('have gateways of default routes', () => {
    const [request] = requests([macvlanNetwork], macvlanRoutePod);
    expect(request).toMatchObject({ ifName: 'net1', config: MACVLAN, gateways: ['172.17.0.1'] });
  });

  it('may have a namespace, and a name of their own', () => {
    const networks = ['kube-ovn-network-1', 'kube-ovn-network-2'].map((name) =>
      networkNamed(name, { type: 'kube-ovn' }),
    );
    const found = requests(networks, podWith(namesApart(twoProviders), 'elsewhere'));
    expect(found.map(({ ifName, network }) => `${ifName} ${network}`)).toEqual([
      'net1 default/kube-ovn-network-1',
      'net2 default/kube-ovn-network-2',
    ]);
  });

  it('may ask for addresses, a MAC and a bandwidth', () => {
    const network = networkNamed('kube-ovn-network', { type: 'kube-ovn' });
    const [documented] = requests([network], podWith(namesApart(staticAddress)));
    expect(documented?.ips).toEqual(['10.100.0.100/16']);
    const element = { name: 'macvlan', mac: '00:00:00:53:6B:BB', bandwidth: { ingressRate: 1000 } };
    const pod = podWith({ [NETWORKS]: JSON.stringify([element]) });
    const { mac, bandwidth } = element;
    expect(requests([macvlanNetwork], pod)).toMatchObject([{ mac, bandwidth }]);
  });

  it('have the plugins of a list with the name and version of the whole', () => {
    const config = {
      cniVersion: '0.4.0',
      name: 'chain',
      plugins: [{ type: 'macvlan' }, { type: 'tuning', mtu: 1300 }],
    };
    const pod = podWith({ [NETWORKS]: 'list' });
    expect(requests([networkNamed('list', config)], pod)).toEqual([
      {
        ifName: 'net1',
        network: 'default/list',
        config: { cniVersion: '0.4.0', name: 'chain', type: 'macvlan' },
        chained: [{ cniVersion: '0.4.0', name: 'chain', type: 'tuning', mtu: 1300 }],
      },
    ]);
  });

  it('cannot be of a network that has no configuration or is not there', () => {
    const pod = podWith({ [NETWORKS]: 'empty' });
    expect(() => requests([networkNamed('empty', '')], pod)).toThrow('default/empty');
    expect(() => requests([], pod)).toThrow('not found');
  });
});

describe('what Multus refuses', () => {
  it.each([
    ['a namespace in a name in JSON', '[{"name":"default/macvlan"}]', "may not contain '/'"],
    ['no name', '[{"interface":"net1"}]', 'may not be empty'],
    ['an empty place in a list', 'macvlan,,macvlan', 'may not be empty'],
    ['one object in JSON', '{"name":"macvlan"}', 'JSON format'],
    ['half a JSON', '[{"name":"macvlan"', 'JSON format'],
    ['a name that is a number', '[{"name":7}]', 'JSON format'],
    ['two slashes', 'a/b/c', "failed at '/'"],
    ['two interfaces', 'macvlan@a@b', "failed at '@'"],
    ['an upper-case name', 'Macvlan', 'mismatch'],
    ['a dot in a name', 'mac.vlan', 'mismatch'],
    ['an interface name of 16 characters', `macvlan@${'i'.repeat(16)}`, 'interface name'],
    ['a wrong MAC', '[{"name":"macvlan","mac":"0:1:2"}]', 'failed to mac'],
    ['a wrong address', '[{"name":"macvlan","ips":["10.0.0.256"]}]', 'IP address'],
    ['a wrong mask', '[{"name":"macvlan","ips":["10.0.0.1/33"]}]', 'IP address'],
    [
      'two gateways of a family',
      '[{"name":"macvlan","default-route":["10.0.0.1","10.0.0.2"]}]',
      'ECMP',
    ],
  ])('%s', (_, annotation, why) => {
    const pod = podWith({ [NETWORKS]: annotation });
    expect(() => requests([macvlanNetwork], pod)).toThrow(why);
  });

  it('and a second default network', () => {
    const pod = podWith({ 'v1.multus-cni.io/default-network': 'default/macvlan,default/macvlan' });
    expect(() => requests([macvlanNetwork], pod)).toThrow('more than one default network');
  });
});
