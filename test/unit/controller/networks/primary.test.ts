import { describe, expect, it } from 'vitest';
import {
  type Cluster,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  ovnDefault,
  podOf,
  problemsOf,
  short,
} from './support.ts';

const subnet = (third: number, spec: object = {}) => ({
  cidrBlock: `10.${third}.0.0/16`,
  provider: 'ovn',
  ...spec,
});
const cluster: Cluster = {
  settings: { isPrimary: true },
  nads: { 'default/macvlan': MACVLAN_NAD },
  subnets: {
    'ovn-default': ovnDefault,
    one: subnet(1),
    two: subnet(2),
    macvlan: macvlanSubnet,
  },
  ipPools: {
    pool1: { subnet: 'one', ips: ['10.1.0.5'] },
    pool2: { subnet: 'two', ips: ['10.2.0.5'] },
  },
};
const P = 'ovn.kubernetes.io';
const attemptsOf = (annotations: object, changes: Partial<Cluster> = {}) =>
  nicsOf(podOf(annotations), { ...cluster, ...changes }).flatMap((nic) => short(nic).attempts);
const namespace = (annotations: object, labels: object = {}) => ({
  namespaces: { default: { annotations, labels } },
});

describe('the Subnet of the primary NIC', () => {
  it('is the default one', () => {
    expect(attemptsOf({})).toEqual(['ovn-default any']);
    const settings = { isPrimary: true, defaultSubnet: 'one' };
    expect(attemptsOf({}, { settings })).toEqual(['one any']);
  });

  it('is the one that the pod names', () => {
    expect(attemptsOf({ [`${P}/logical_switch`]: 'one' })).toEqual(['one any']);
  });

  it('is that of the IPPool that the pod names', () => {
    expect(attemptsOf({ [`${P}/ip_pool`]: 'pool2' })).toEqual(['two pool2']);
    const both = { [`${P}/ip_pool`]: 'pool2', [`${P}/logical_switch`]: 'two' };
    expect(attemptsOf(both)).toEqual(['two pool2']);
  });

  it('is one of those that the namespace names, in that order', () => {
    const written = namespace({ [`${P}/logical_switch`]: 'two,gone,one' });
    expect(attemptsOf({}, written)).toEqual(['two any', 'one any']);
  });

  it('is one that names the namespace', () => {
    const subnets = { ...cluster.subnets, three: subnet(3, { namespaces: ['default'] }) };
    expect(attemptsOf({}, { subnets })).toEqual(['three any']);
  });

  it('is one that selects the namespace by labels', () => {
    const namespaceSelectors = [{ matchLabels: { team: 'a' } }];
    const subnets = { ...cluster.subnets, three: subnet(3, { namespaceSelectors }) };
    expect(attemptsOf({}, { subnets, ...namespace({}, { team: 'a' }) })).toEqual(['three any']);
    expect(attemptsOf({}, { subnets, ...namespace({}, { team: 'b' }) })).toEqual([
      'ovn-default any',
    ]);
  });

  it('is the default one of the namespace’s VPC', () => {
    const vpcs = { vpc1: { namespaces: ['default'], defaultSubnet: 'two' } };
    expect(attemptsOf({}, { vpcs })).toEqual(['two any']);
  });

  it('is no network of another plugin', () => {
    const subnets = { ...cluster.subnets, a: { ...macvlanSubnet, namespaces: ['default'] } };
    expect(attemptsOf({}, { subnets })).toEqual(['ovn-default any']);
  });

  it.each([
    ['not there', { [`${P}/logical_switch`]: 'none' }, 'subnet none not found'],
    ['another plugin’s', { [`${P}/logical_switch`]: 'macvlan' }, 'subnet macvlan has provider'],
    ['that of no IPPool', { [`${P}/ip_pool`]: 'none' }, 'failed to get ippool none'],
    [
      'another than the IPPool’s',
      { [`${P}/ip_pool`]: 'pool1', [`${P}/logical_switch`]: 'two' },
      'ippool pool1 is of subnet one',
    ],
  ])('is refused where it is %s', (_, annotations, message) => {
    expect(problemsOf(podOf(annotations), cluster)[0]).toContain(message);
  });

  it('is missed where there is no default one', () => {
    expect(problemsOf(podOf({}), { ...cluster, subnets: {} })).toEqual([
      'subnet ovn-default not found',
    ]);
  });
});

describe('addresses that the primary NIC asks for', () => {
  const two = namespace({ [`${P}/logical_switch`]: 'one,two' });

  it('decide which of the namespace’s Subnets it is on', () => {
    expect(attemptsOf({ [`${P}/ip_address`]: '10.2.0.7' }, two)).toEqual(['two 10.2.0.7']);
    expect(attemptsOf({ [`${P}/ip_pool`]: '10.2.0.7,10.1.0.7,10.2.0.8' }, two)).toEqual([
      'one 10.1.0.7',
      'two 10.2.0.7;10.2.0.8',
    ]);
  });

  it('are refused later by the first Subnet where none has them', () => {
    expect(attemptsOf({ [`${P}/ip_address`]: '10.9.0.7' }, two)).toEqual(['one 10.9.0.7']);
  });

  it('do not decide for other NICs', () => {
    const annotations = {
      [NETWORKS]: 'macvlan',
      'macvlan.default.kubernetes.io/ip_address': '10.2.0.7',
    };
    expect(attemptsOf(annotations, two)[0]).toBe('macvlan 10.2.0.7');
  });
});

describe('the IPPools of a namespace', () => {
  const one = { [`${P}/logical_switch`]: 'one' };

  it('are where its pods have their primary addresses from', () => {
    expect(attemptsOf({}, namespace({ ...one, [`${P}/ip_pool`]: 'pool2,pool1' }))).toEqual([
      'one pool1',
    ]);
  });

  it('may name the namespace', () => {
    const ipPools = { own: { subnet: 'ovn-default', ips: ['10.16.0.9'], namespaces: ['default'] } };
    expect(attemptsOf({}, { ipPools })).toEqual(['ovn-default own']);
  });

  it('do not matter where the pod asks for an address', () => {
    const other = namespace({ ...one, [`${P}/ip_pool`]: 'none' });
    expect(attemptsOf({ [`${P}/ip_address`]: '10.1.0.7' }, other)).toEqual(['one 10.1.0.7']);
  });

  it('do not matter for other NICs', () => {
    const ipPools = { own: { subnet: 'macvlan', ips: ['172.17.0.9'], namespaces: ['default'] } };
    const settings = { isPrimary: false };
    expect(attemptsOf({ [NETWORKS]: 'macvlan' }, { ipPools, settings })).toEqual(['macvlan any']);
  });

  it('are refused where none is of the Subnet', () => {
    const other = namespace({ ...one, [`${P}/ip_pool`]: 'pool2' });
    expect(problemsOf(podOf({}), { ...cluster, ...other })[0]).toContain('NoAvailableAddress');
  });
});

describe('the primary NIC', () => {
  it('is not there in non-primary mode, whatever is asked for it', () => {
    const settings = { isPrimary: false };
    const annotations = { [`${P}/logical_switch`]: 'one', [`${P}/ip_address`]: '10.1.0.7' };
    expect(attemptsOf(annotations, { settings })).toEqual([]);
  });

  it('is not there where another network takes its place, even one of nobody', () => {
    expect(attemptsOf({ 'v1.multus-cni.io/default-network': '' })).toEqual([]);
  });

  it('needs no namespace to be known', () => {
    expect(attemptsOf({ [`${P}/ip_address`]: '10.16.0.7' }, { namespaces: {} })).toEqual([
      'ovn-default 10.16.0.7',
    ]);
  });

  it('has no Vip, which is said', () => {
    expect(problemsOf(podOf({ [`${P}/vip`]: 'vip1' }), cluster)).toEqual([
      'annotation ovn.kubernetes.io/vip is not supported',
    ]);
  });
});
