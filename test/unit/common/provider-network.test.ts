import { describe, expect, it } from 'vitest';
import {
  bridgeName,
  interfaceOf,
  isExcluded,
  projectProviderNetwork,
  providerNetworkErrorAnnotation,
  providerNetworkLabels,
  providerNetworkOfKey,
  providerNetworkProblems,
} from '../../../src/common/provider-network.ts';
import { projectVlan } from '../../../src/common/vlan.ts';

const raw = (spec: object = {}, name = 'net1') => ({
  metadata: { name, uid: 'u' },
  spec: { defaultInterface: 'eth1', ...spec },
});
const network = (spec: object = {}) => projectProviderNetwork(raw(spec));
const node = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: new Map(Object.entries(labels)),
});
const messages = (spec: object, name?: string) =>
  providerNetworkProblems(raw(spec, name)).map(({ message }) => message);

describe('a ProviderNetwork', () => {
  it('has its default interface on nodes that no entry lists, else that of the first entry that does', () => {
    const customInterfaces = [
      { interface: 'eth2', nodes: ['a', 'b'] },
      { interface: 'eth3', nodes: ['b', 'c'] },
    ];
    const found = network({ customInterfaces });
    expect(['a', 'b', 'c', 'd'].map((name) => interfaceOf(found, name))).toEqual([
      'eth2',
      'eth2',
      'eth3',
      'eth1',
    ]);
  });

  it('leaves out nodes that excludeNodes lists', () => {
    const found = network({ excludeNodes: ['a'] });
    expect(isExcluded(found, node('a'))).toBe(true);
    expect(isExcluded(found, node('b'))).toBe(false);
  });

  it('has with a nodeSelector the nodes that match, whatever excludeNodes lists', () => {
    const nodeSelector = { matchLabels: { rack: '1' } };
    const found = network({ nodeSelector, excludeNodes: ['a'] });
    expect(isExcluded(found, node('a', { rack: '1' }))).toBe(false);
    expect(isExcluded(found, node('b', { rack: '2' }))).toBe(true);
  });

  it('has every node with an empty nodeSelector, and with one that is null those not excluded', () => {
    expect(isExcluded(network({ nodeSelector: {}, excludeNodes: ['a'] }), node('a'))).toBe(false);
    expect(isExcluded(network({ nodeSelector: null, excludeNodes: ['a'] }), node('a'))).toBe(true);
  });

  it('reads what has a wrong type as absent, and names it', () => {
    expect(network({ exchangeLinkName: 'yes', vlanInterfaces: 7 })).toMatchObject({
      exchangeLinkName: false,
      vlanInterfaces: [],
    });
    expect(messages({ exchangeLinkName: 'yes' })).toEqual([
      'spec.exchangeLinkName is wrong: "yes"',
    ]);
    expect(projectProviderNetwork('nonsense').name).toBe('');
  });

  it('is refused with a name of more than 12 bytes: the bridge would have more than 15', () => {
    expect(messages({}, 'abcdefghijkl')).toEqual([]);
    expect(messages({}, 'abcdefghijklm')).toEqual([
      'the bridge "br-abcdefghijklm" would have more than 15 bytes in its name',
    ]);
  });

  it("is refused with a name that would make OVN's own bridge its bridge", () => {
    expect(messages({}, 'int')).toEqual(["its bridge would be br-int, which is OVN's own"]);
  });

  it.each(['', 'a/b', 'a b', '--if', 'eth0:1', 'a,b', '..', 'abcdefghijklmnop'])(
    'is refused with the interface %j',
    (name) => {
      expect(messages({ defaultInterface: name })).toHaveLength(1);
      expect(messages({ customInterfaces: [{ interface: name, nodes: ['a'] }] })).toHaveLength(1);
    },
  );

  it('is refused with an operator that there is not: nothing would match, and all nodes be left out', () => {
    const nodeSelector = { matchExpressions: [{ key: 'rack', operator: 'Like', values: ['1'] }] };
    expect(messages({ nodeSelector })).toEqual(['spec.nodeSelector has the operator "Like"']);
  });
});

describe('a nodeSelector', () => {
  it('that asks for a label which comes and goes with the bridge is refused: nodes would be in and out for ever', () => {
    const key = 'net1.provider-network.kubernetes.io/ready';
    const said = `spec.nodeSelector asks for the label "${key}", which comes and goes with the bridge`;
    const matchExpressions = [{ key, operator: 'DoesNotExist' }];
    expect(messages({ nodeSelector: { matchExpressions } })).toEqual([said]);
    expect(messages({ nodeSelector: { matchLabels: { [key]: 'true' } } })).toEqual([said]);
    const other = { 'net2.provider-network.kubernetes.io/ready': 'true' };
    expect(messages({ nodeSelector: { matchLabels: other } })).toEqual([]);
  });
});

describe('names of a provider network', () => {
  it('are those of Kube-OVN', () => {
    expect(bridgeName('net1')).toBe('br-net1');
    expect(providerNetworkLabels('net1')).toEqual({
      ready: 'net1.provider-network.kubernetes.io/ready',
      interface: 'net1.provider-network.kubernetes.io/interface',
      mtu: 'net1.provider-network.kubernetes.io/mtu',
      vlanInterfaces: 'net1.provider-network.kubernetes.io/vlan_interfaces',
      exclude: 'net1.provider-network.kubernetes.io/exclude',
    });
    expect(providerNetworkErrorAnnotation('net1')).toBe(
      'net1.provider-network.kubernetes.io/err_mesg',
    );
  });

  it('are found in keys of labels', () => {
    expect(providerNetworkOfKey('a.b.provider-network.kubernetes.io/ready')).toBe('a.b');
    expect(providerNetworkOfKey('provider-network.kubernetes.io/ready')).toBeUndefined();
    expect(providerNetworkOfKey('kubernetes.io/hostname')).toBeUndefined();
  });
});

describe('a Vlan', () => {
  it('has an id and a provider, also under their old names', () => {
    const metadata = { name: 'v' };
    const vlan = { name: 'v', id: 9, provider: 'net1' };
    expect(projectVlan({ metadata, spec: { id: 9, provider: 'net1' } })).toEqual(vlan);
    const old = { vlanId: 9, providerInterfaceName: 'net1' };
    expect(projectVlan({ metadata, spec: old })).toEqual(vlan);
  });

  it('is untagged with an id that is none', () => {
    expect(projectVlan({ metadata: { name: 'v' }, spec: { id: 4096 } }).id).toBe(0);
  });
});
