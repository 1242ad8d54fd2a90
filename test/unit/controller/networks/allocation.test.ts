/**
 * The parts together, without a cluster: what a pod asks for is what the allocator is asked, and
 * what it answers is what is written.
 */
import { describe, expect, it } from 'vitest';
import { Allocator } from '../../../../src/controller/ipam/allocator/allocator.ts';
import { AllocationError } from '../../../../src/controller/ipam/allocator/error.ts';
import type { AcquireRequest } from '../../../../src/controller/ipam/allocator/request.ts';
import { newIp, projectIp } from '../../../../src/controller/kinds/ip/object/ip.ts';
import type { Pod } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { annotationsPatch } from '../../../../src/controller/kinds/pod/object/pod-annotations.ts';
import {
  projectSubnetStatus,
  subnetUsagePatch,
  usingCount,
} from '../../../../src/controller/kinds/subnet/object/subnet-status.ts';
import { checkedValue } from '../../../../src/controller/model/problem.ts';
import { podNetworks } from '../../../../src/controller/networks/pod-networks.ts';
import type { NicRequest } from '../../../../src/controller/networks/request.ts';
import {
  ATTACHNET_NAD,
  type Cluster,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  podOf,
  statefulPod,
  viewOf,
} from './support.ts';

const cluster: Cluster = {
  nads: { 'default/macvlan': MACVLAN_NAD, 'default/attachnet': ATTACHNET_NAD },
  subnets: {
    macvlan: macvlanSubnet,
    attachnet: { cidrBlock: '10.100.0.0/16', provider: 'attachnet.default.ovn' },
  },
  ipPools: { pool1: { subnet: 'attachnet', ips: ['10.100.0.50..10.100.0.51'] } },
};

/** A controller without I/O. */
function controller() {
  const view = viewOf(cluster);
  const allocator = new Allocator();
  for (const { checked } of view.subnets.all) {
    const subnet = checkedValue(checked);
    if (subnet !== undefined) allocator.setSubnet(subnet);
  }
  for (const { checked } of view.ipPools()) {
    const pool = checkedValue(checked);
    if (pool !== undefined) allocator.setPool(pool);
  }
  const ips: object[] = [];

  const acquire = (pod: Pod, nic: NicRequest) => {
    const owner = { nic: nic.port, pod: `${pod.namespace}/${pod.name}` };
    let last: unknown = new Error('there is no attempt');
    for (const { subnet, addresses } of nic.attempts) {
      const request: AcquireRequest = {
        ...owner,
        subnet: subnet.name,
        addresses,
        mac: nic.mac,
        family: nic.family,
      };
      try {
        const { mac, ...allocation } = allocator.acquire(request);
        const { kind, provider, port } = nic;
        const found = { kind, provider, port, subnet, addresses: allocation.addresses };
        return { ...found, ...(mac === undefined ? {} : { mac }), isRouted: true };
      } catch (error) {
        last = error;
      }
    }
    throw last;
  };

  /** The annotations that a pod gets. */
  const handle = (pod: Pod): Record<string, string> => {
    const found = podNetworks(pod, view);
    if ('problems' in found) throw new Error(JSON.stringify(found.problems));
    const nics = found.nics.map((nic) => acquire(pod, nic));
    const holder = {
      workload: pod.name,
      namespace: pod.namespace,
      nodeName: pod.nodeName,
      podType: pod.statefulSet === undefined ? ('' as const) : ('StatefulSet' as const),
    };
    for (const nic of nics) ips.push(newIp(nic, holder));
    const patch = annotationsPatch(pod, nics, view.settings) as {
      metadata?: { annotations: Record<string, string> };
    };
    return patch?.metadata?.annotations ?? {};
  };
  return { allocator, handle, ips, view };
}

const ADDRESS = 'macvlan.default.kubernetes.io/ip_address';

describe('a controller without I/O', () => {
  it('gives the pods of a Deployment the addresses of their list, as long as there are any', () => {
    const { handle } = controller();
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'macvlan.default.kubernetes.io/ip_pool': '172.17.0.200,172.17.0.201',
    };
    const given = ['a', 'b'].map((name) => handle(podOf(annotations, { name }))[ADDRESS]);
    expect(given).toEqual(['172.17.0.200', '172.17.0.201']);
    expect(() => handle(podOf(annotations, { name: 'c' }))).toThrow(AllocationError);
  });

  it('gives a pod of a StatefulSet the address at its number', () => {
    const { handle } = controller();
    const annotations = {
      [NETWORKS]: 'macvlan',
      'macvlan.default.kubernetes.io/ip_pool': '172.17.0.200,172.17.0.201',
    };
    expect(handle(statefulPod(annotations, 'web-1'))[ADDRESS]).toBe('172.17.0.201');
    expect(() => handle(statefulPod(annotations, 'web-2'))).toThrow(/NoAvailableAddress/);
  });

  it('gives the first address that is not excluded', () => {
    const { handle } = controller();
    expect(handle(podOf({ [NETWORKS]: 'macvlan' }))).toEqual({
      [ADDRESS]: '172.17.0.11',
      'macvlan.default.kubernetes.io/allocated': 'true',
      'macvlan.default.kubernetes.io/cidr': '172.17.0.0/16',
      'macvlan.default.kubernetes.io/gateway': '172.17.0.1',
    });
  });

  it('gives addresses of an IPPool to who names it, and of the rest to others', () => {
    const { handle } = controller();
    const key = 'attachnet.default.ovn.kubernetes.io';
    const named = podOf({ [NETWORKS]: 'attachnet', [`${key}/ip_pool`]: 'pool1' }, { name: 'a' });
    expect(handle(named)[`${key}/ip_address`]).toBe('10.100.0.50');
    expect(handle(podOf({ [NETWORKS]: 'attachnet' }))[`${key}/ip_address`]).toBe('10.100.0.2');
  });

  it('gives two NICs of one network an address each', () => {
    const { handle } = controller();
    const given = handle(podOf({ [NETWORKS]: 'attachnet@net1,attachnet@net2' }));
    const key = 'attachnet.default.ovn';
    expect(given[`${key}.net1.kubernetes.io/ip_address`]).toBe('10.100.0.2');
    expect(given[`${key}.net2.kubernetes.io/ip_address`]).toBe('10.100.0.3');
  });

  it('gives a pod the same again, and has then nothing to write', () => {
    const { handle } = controller();
    const annotations = { [NETWORKS]: 'attachnet,macvlan' };
    const given = handle(podOf(annotations));
    expect(handle(podOf({ ...annotations, ...given }))).toEqual({});
  });

  it('counts in the Subnet’s status what it gave', () => {
    const { allocator, handle, ips, view } = controller();
    handle(podOf({ [NETWORKS]: 'attachnet' }));
    const object = view.subnets.get('attachnet');
    const subnet = object && checkedValue(object.checked);
    const usage = allocator.usage('attachnet');
    if (subnet === undefined || usage === undefined) throw new Error('there is no Subnet');
    const objects = ips.map((ip) => projectIp(ip));
    const using = usingCount(subnet, new Map(objects.map((ip) => [ip.meta.name, ip])));
    const patch = subnetUsagePatch(subnet, projectSubnetStatus({}), using, usage);
    expect(patch).toMatchObject({
      status: {
        v4usingIPs: 1,
        v4usingIPrange: '10.100.0.2',
        v4availableIPs: 65532,
        v4availableIPrange: expect.stringContaining('10.100.0.3-'),
      },
    });
  });
});
