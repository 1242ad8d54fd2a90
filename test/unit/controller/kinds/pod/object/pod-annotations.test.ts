import { describe, expect, it } from 'vitest';
import { projectPod } from '../../../../../../src/controller/kinds/pod/object/pod.ts';
import {
  type AnnotatedNic,
  annotationsPatch,
  unpluggedKeys,
} from '../../../../../../src/controller/kinds/pod/object/pod-annotations.ts';
import {
  address,
  MACVLAN,
  rawObject,
  settings,
  subnetOf,
  vlanObject,
} from '../../object-support.ts';

const pod = (annotations: object = {}, metadata: object = {}) =>
  projectPod(rawObject('web-0', { metadata: { namespace: 'shop', annotations, ...metadata } }));

const ovn: AnnotatedNic = {
  kind: 'ovn',
  provider: 'attachnet.default.ovn',
  port: 'web-0.shop.attachnet.default.ovn',
  subnet: subnetOf({ cidrBlock: '10.100.0.0/16', vpc: 'vpc1', provider: 'attachnet.default.ovn' }),
  addresses: [address('10.100.0.2')],
  mac: '02:00:00:00:00:02',
  isRouted: true,
};
const ipam: AnnotatedNic = {
  kind: 'ipam',
  provider: 'macvlan.default',
  port: 'web-0.shop.macvlan.default',
  subnet: subnetOf(MACVLAN),
  addresses: [address('172.17.0.11')],
  isRouted: true,
};
const OVN_WRITTEN = {
  'attachnet.default.ovn.kubernetes.io/allocated': 'true',
  'attachnet.default.ovn.kubernetes.io/cidr': '10.100.0.0/16',
  'attachnet.default.ovn.kubernetes.io/gateway': '10.100.0.1',
  'attachnet.default.ovn.kubernetes.io/ip_address': '10.100.0.2',
  'attachnet.default.ovn.kubernetes.io/logical_router': 'vpc1',
  'attachnet.default.ovn.kubernetes.io/logical_switch': 'net',
  'attachnet.default.ovn.kubernetes.io/mac_address': '02:00:00:00:00:02',
  'attachnet.default.ovn.kubernetes.io/pod_nic_type': 'veth-pair',
  'attachnet.default.ovn.kubernetes.io/routed': 'true',
};
const IPAM_WRITTEN = {
  'macvlan.default.kubernetes.io/allocated': 'true',
  'macvlan.default.kubernetes.io/cidr': '172.17.0.0/16',
  'macvlan.default.kubernetes.io/gateway': '172.17.0.1',
  'macvlan.default.kubernetes.io/ip_address': '172.17.0.11',
};

/** What is written on a pod with these annotations. */
function written(
  annotations: object,
  nics: readonly AnnotatedNic[],
  changes: object = {},
): Record<string, string | null> {
  const patch = annotationsPatch(pod(annotations), nics, { ...settings, ...changes });
  const { metadata } = (patch ?? { metadata: {} }) as {
    metadata: { annotations?: Record<string, string | null> };
  };
  return metadata.annotations ?? {};
}

describe("a pod's annotations", () => {
  it('are written for all NICs at once, addresses and routing together', () => {
    expect(written({}, [ovn, ipam])).toEqual({ ...OVN_WRITTEN, ...IPAM_WRITTEN });
  });

  it('are written to this pod only, not to another of its name', () => {
    expect(annotationsPatch(pod(), [ovn], settings)).toMatchObject({
      metadata: { uid: 'uid-web-0' },
    });
  });

  it('are not written again', () => {
    const annotations = { ...OVN_WRITTEN, ...IPAM_WRITTEN };
    expect(annotationsPatch(pod(annotations), [ovn, ipam], settings)).toBeUndefined();
  });

  it('never say routed without allocated', () => {
    const key = 'attachnet.default.ovn.kubernetes.io';
    expect(written({}, [{ ...ovn, isRouted: false }])).not.toHaveProperty([`${key}/routed`]);
    const { [`${key}/routed`]: _, ...rest } = OVN_WRITTEN as Record<string, string>;
    expect(written(rest, [ovn])).toEqual({ [`${key}/routed`]: 'true' });
    // Whatever else is missing comes with it.
    const { [`${key}/allocated`]: __, ...neither } = rest;
    expect(written(neither, [ovn])).toEqual({
      [`${key}/routed`]: 'true',
      [`${key}/allocated`]: 'true',
    });
  });

  it('are of the NIC’s own key where several share a network', () => {
    const nic = { ...ovn, provider: 'attachnet.default.ovn.net1' };
    expect(written({}, [nic])).toHaveProperty(
      ['attachnet.default.ovn.net1.kubernetes.io/ip_address'],
      '10.100.0.2',
    );
  });

  it('have both families where the NIC has', () => {
    const subnet = subnetOf({ cidrBlock: '10.0.0.0/24,fd00::/64' });
    const nic = { ...ovn, subnet, addresses: [address('10.0.0.2'), address('fd00::2')] };
    expect(written({}, [nic])).toMatchObject({
      'attachnet.default.ovn.kubernetes.io/ip_address': '10.0.0.2,fd00::2',
      'attachnet.default.ovn.kubernetes.io/cidr': '10.0.0.0/24,fd00::/64',
      'attachnet.default.ovn.kubernetes.io/gateway': '10.0.0.1,fd00::1',
    });
  });

  it('have the whole Subnet where the NIC has one family of it (M2)', () => {
    const subnet = subnetOf({ cidrBlock: '10.0.0.0/24,fd00::/64' });
    const nic = { ...ovn, subnet, addresses: [address('fd00::2')] };
    expect(written({}, [nic])).toMatchObject({
      'attachnet.default.ovn.kubernetes.io/ip_address': 'fd00::2',
      'attachnet.default.ovn.kubernetes.io/cidr': '10.0.0.0/24,fd00::/64',
    });
  });

  it('of a NIC with a MAC only say that it has no address', () => {
    const nic = { ...ovn, subnet: subnetOf({ vlan: 'vlan1' }), addresses: [] };
    expect(written({}, [nic])).toMatchObject({
      'attachnet.default.ovn.kubernetes.io/ip_address': '',
      'attachnet.default.ovn.kubernetes.io/cidr': '',
      'attachnet.default.ovn.kubernetes.io/gateway': '',
      'attachnet.default.ovn.kubernetes.io/allocated': 'true',
    });
  });

  it('have the VLAN of an underlay, and a router only where there is one', () => {
    const spec = { cidrBlock: '10.0.0.0/24', vlan: 'vlan1' };
    const vlan = vlanObject('vlan1', { id: 0, provider: 'net1' });
    const values = written({}, [{ ...ovn, subnet: subnetOf(spec), vlan }]);
    expect(values).toMatchObject({
      'attachnet.default.ovn.kubernetes.io/vlan_id': '0',
      'attachnet.default.ovn.kubernetes.io/provider_network': 'net1',
    });
    expect(values).not.toHaveProperty(['attachnet.default.ovn.kubernetes.io/logical_router']);
    const gateway = subnetOf({ ...spec, logicalGateway: true });
    expect(written({}, [{ ...ovn, subnet: gateway, vlan }])).toHaveProperty(
      ['attachnet.default.ovn.kubernetes.io/logical_router'],
      'ovn-cluster',
    );
  });

  it('keep the type of NIC that the pod asks for', () => {
    const key = 'attachnet.default.ovn.kubernetes.io/pod_nic_type';
    expect(written({ [key]: 'internal-port' }, [ovn])).not.toHaveProperty([key]);
  });

  it('have the virtual machine', () => {
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm-1' };
    const vmPod = pod({}, { ownerReferences: [owner] });
    expect(annotationsPatch(vmPod, [ovn], settings)).toMatchObject({
      metadata: { annotations: { 'attachnet.default.ovn.kubernetes.io/virtualmachine': 'vm-1' } },
    });
  });
});

describe('the annotations of an IPAM NIC', () => {
  const MAC_KEY = 'macvlan.default.kubernetes.io/mac_address';

  it('have nothing of OVN', () => {
    const keys = Object.keys(written({}, [ipam]));
    expect(keys.filter((key) => /routed|logical|nic_type/.test(key))).toEqual([]);
  });

  it('keep the MAC that the user wrote, in the letters that it is written in (T7)', () => {
    const annotations = { [MAC_KEY]: '00:00:00:53:6B:BB' };
    const nic = { ...ipam, mac: '00:00:00:53:6b:bb' };
    expect(written(annotations, [nic])).toEqual(IPAM_WRITTEN);
  });

  it('have the MAC that the selection asks for, once (M6)', () => {
    const nic = { ...ipam, mac: '00:00:00:53:6b:bb' };
    expect(written({}, [nic])).toEqual({ ...IPAM_WRITTEN, [MAC_KEY]: '00:00:00:53:6b:bb' });
    expect(written({ ...IPAM_WRITTEN, [MAC_KEY]: '00:00:00:53:6b:bb' }, [nic])).toEqual({});
  });

  it('keep the Subnet that the user names (T1)', () => {
    const annotations = { 'macvlan.default.kubernetes.io/logical_switch': 'macvlan' };
    expect(written(annotations, [ipam])).toEqual(IPAM_WRITTEN);
  });

  it('lose a type of NIC, which means nothing there', () => {
    const annotations = { 'macvlan.default.kubernetes.io/pod_nic_type': 'veth-pair' };
    expect(written(annotations, [ipam])).toMatchObject({
      'macvlan.default.kubernetes.io/pod_nic_type': null,
    });
  });
});

describe('a NIC that is unplugged', () => {
  it('takes with it what was written for it, and nothing else', () => {
    const others = {
      'attachnet.default.ovn.net1.kubernetes.io/ip_address': '10.100.0.9',
      'attachnet.default.ovn.kubernetes.io/ip_pool': 'pool1',
      'k8s.v1.cni.cncf.io/networks': 'default/attachnet',
    };
    const patch = annotationsPatch(
      pod({ ...OVN_WRITTEN, ...others }),
      [],
      settings,
      unpluggedKeys(ovn.provider),
    );
    const nulls = Object.fromEntries(Object.keys(OVN_WRITTEN).map((key) => [key, null]));
    expect(patch).toEqual({ metadata: { uid: 'uid-web-0', annotations: nulls } });
    expect(
      annotationsPatch(pod(others), [], settings, unpluggedKeys(ovn.provider)),
    ).toBeUndefined();
  });
});

describe('NICs that share a network', () => {
  const network = 'attachnet.default.ovn';
  const net1 = { ...ovn, provider: `${network}.net1` };
  const asked = { [`${network}.kubernetes.io/default_route`]: 'true' };
  const routed = `${network}.kubernetes.io/routed`;

  it('have `routed` of the network, too, where Kube-OVN’s daemon waits for it', () => {
    expect(written({}, [net1])).not.toHaveProperty([routed]);
    expect(written(asked, [net1])).toHaveProperty([routed], 'true');
    expect(written(asked, [{ ...net1, isRouted: false }])).not.toHaveProperty([routed]);
  });

  it('lose it with the last of them', () => {
    const before = { ...asked, ...written(asked, [net1]) };
    const removed = unpluggedKeys(net1.provider);
    const after = (nics: readonly AnnotatedNic[]) =>
      annotationsPatch(pod(before), nics, settings, removed);
    expect(after([])).toHaveProperty(['metadata', 'annotations', routed], null);
    const net2 = { ...ovn, provider: `${network}.net2` };
    expect(after([net2])).not.toHaveProperty(['metadata', 'annotations', routed]);
  });
});
