/** NICs of one network in one pod: how they are told apart, and what they are called. */
import { describe, expect, it } from 'vitest';
import { ATTACHNET, cluster, networks } from './attachments-support.ts';
import { DEFAULT_NETWORK, NETWORKS, nicsOf, podOf, problemsOf, short } from './support.ts';

describe('several NICs of one network', () => {
  const twice = networks(
    { name: 'attachnet', interface: 'net1' },
    { name: 'attachnet', interface: 'net2' },
  );
  const onlyOne = (changes: object) => nicsOf(podOf({ ...twice, ...changes }), cluster).map(short);

  it('have keys of their own, and the Subnet of the network', () => {
    expect(onlyOne({})).toMatchObject([
      { provider: `${ATTACHNET}.net1`, port: `samplepod.default.${ATTACHNET}.net1` },
      { provider: `${ATTACHNET}.net2`, port: `samplepod.default.${ATTACHNET}.net2` },
    ]);
    expect(onlyOne({}).map(({ attempts }) => attempts)).toEqual([
      ['attachnet any'],
      ['attachnet any'],
    ]);
  });

  it('are asked for by the annotations of each (D9)', () => {
    const requests = {
      'attachnet.default.kubernetes.io/ip_address.net1': '172.17.0.21',
      'attachnet.default.kubernetes.io/mac_address.net1': '02:00:00:00:00:21',
      [`${ATTACHNET}.net2.kubernetes.io/ip_address`]: '172.17.0.22',
      [`${ATTACHNET}.kubernetes.io/ip_address`]: '172.17.0.99',
    };
    expect(onlyOne(requests)).toMatchObject([
      { attempts: ['attachnet 172.17.0.21'], mac: '02:00:00:00:00:21' },
      { attempts: ['attachnet 172.17.0.22'], mac: 'dynamic' },
    ]);
  });

  it('may have a family each (M3)', () => {
    const dual = { cidrBlock: '10.0.0.0/16,fd00::/64', provider: ATTACHNET };
    const families = {
      ...twice,
      [`${ATTACHNET}.net1.kubernetes.io/ip_family`]: 'ipv4',
      [`${ATTACHNET}.net2.kubernetes.io/ip_family`]: 'ipv6',
    };
    const nics = nicsOf(podOf(families), { ...cluster, subnets: { dual } });
    expect(nics.map(({ family }) => family)).toEqual(['IPv4', 'IPv6']);
  });

  it('are told apart for a macvlan network, too', () => {
    const macvlans = networks(
      { name: 'macvlan', interface: 'net1' },
      { name: 'macvlan', interface: 'net2' },
    );
    expect(nicsOf(podOf(macvlans), cluster).map(({ port }) => port)).toEqual([
      'samplepod.default.macvlan.default.net1',
      'samplepod.default.macvlan.default.net2',
    ]);
  });

  it.each([
    ['without interfaces', [{}, {}]],
    ['with one interface', [{ interface: 'net1' }, { interface: 'net1' }]],
    ['of three with two alike', [{ interface: 'net1' }, {}, {}]],
  ])('are refused %s', (_, interfaces) => {
    const elements = interfaces.map((one) => ({ name: 'attachnet', ...one }));
    expect(problemsOf(podOf(networks(...elements)), cluster)[0]).toContain('cannot be told apart');
    expect(problemsOf(podOf({ [NETWORKS]: 'macvlan,default/macvlan' }), cluster)).toEqual([
      'several NICs of network macvlan.default cannot be told apart',
    ]);
  });

  it('may be the default network and another one', () => {
    const annotations = { [DEFAULT_NETWORK]: 'default/attachnet', [NETWORKS]: 'attachnet@net1' };
    expect(nicsOf(podOf(annotations), cluster).map(({ provider }) => provider)).toEqual([
      ATTACHNET,
      `${ATTACHNET}.net1`,
    ]);
  });

  it.each([
    ['an upper-case letter', 'Net1'],
    ['an underscore', 'net_1'],
    ['the name that would make it another network', 'ovn'],
  ])('are refused where the interface has %s', (_, ifName) => {
    const kubeOvn = ifName === 'ovn' ? 'macvlan' : 'attachnet';
    const elements = [
      { name: kubeOvn, interface: ifName },
      { name: kubeOvn, interface: 'net2' },
    ];
    expect(problemsOf(podOf(networks(...elements)), cluster)[0]).toContain(`interface ${ifName}`);
  });

  it('are no matter where there is one only: then the interface is not in its key', () => {
    const [nic] = nicsOf(podOf(networks({ name: 'attachnet', interface: 'Net_1' })), cluster);
    expect(nic).toMatchObject({ provider: ATTACHNET, ifName: 'Net_1' });
  });

  it('have interfaces that the kernel takes', () => {
    const pod = podOf(networks({ name: 'attachnet', interface: 'a/b' }));
    expect(problemsOf(pod, cluster)).toEqual([
      `a/b is no name for an interface of network ${ATTACHNET}`,
    ]);
  });
});

describe('the name of a NIC', () => {
  it('is as long as Kubernetes takes it', () => {
    const pod = (length: number) => podOf({ [NETWORKS]: 'macvlan' }, { name: 'p'.repeat(length) });
    const rest = '.default.macvlan.default'.length;
    expect(problemsOf(pod(253 - rest), cluster)).toEqual([]);
    expect(problemsOf(pod(254 - rest), cluster)[0]).toContain('is too long');
  });

  it('has the virtual machine instead of its pod', () => {
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm-1' };
    const pod = podOf(
      { [NETWORKS]: 'attachnet', 'kubevirt.io/migrationJobName': 'job' },
      { metadata: { ownerReferences: [owner] } },
    );
    expect(nicsOf(pod, cluster)[0]).toMatchObject({ port: `vm-1.default.${ATTACHNET}` });
  });
});
