/**
 * Addresses on the fake API server, as the leader has them: told that something has changed, and
 * asked later.
 */
import { parseAddress } from '../../../../src/common/address.ts';
import { IpIndex } from '../../../../src/controller/cluster/ip-index.ts';
import { Machines } from '../../../../src/controller/cluster/machines.ts';
import { Addresses } from '../../../../src/controller/ipam/addresses.ts';
import { Allocator } from '../../../../src/controller/ipam/allocator/allocator.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import type { NewObject } from '../../../lab/kubernetes/api.ts';
import { kubeOvn, type PodShape, podObject, setUpCluster, shows, start } from '../support.ts';

/** Usable are .2 to .6: the gateway is .1. */
export const SMALL = '10.1.0.0/29';

export const frontSubnet = (spec: object = {}) =>
  kubeOvn('Subnet', 'front', { cidrBlock: SMALL, ...spec });

/** A pod that has this address of Subnet `front`, if its annotations are right. */
export function podWith(name: string, address: string, shape: PodShape = {}): NewObject {
  const annotations = {
    'ovn.kubernetes.io/allocated': 'true',
    'ovn.kubernetes.io/logical_switch': 'front',
    'ovn.kubernetes.io/ip_address': address,
  };
  return podObject(name, { annotations, ...shape });
}

/** A network of namespace `shop`, of type kube-ovn. */
export function nadOf(name: string): NewObject {
  const config = JSON.stringify({ type: 'kube-ovn', provider: `${name}.shop.ovn` });
  return {
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'shop' },
    spec: { config },
  };
}

/** The IP object of pod `workload`'s NIC on Subnet `front`. */
export function ipOf(workload: string, address: string, labels: object = {}): NewObject {
  const spec = { podName: workload, namespace: 'shop', subnet: 'front' };
  const metadata = { labels, finalizers: ['kubeovn.io/kube-ovn-controller'] };
  return kubeOvn('IP', `${workload}.shop`, { ...spec, v4IpAddress: address }, metadata);
}

/**
 * Everything is known, and nobody has asked yet.
 * @param beforeStart is called with the cluster before anything is read, for what follows it
 */
export async function setUpAddresses(
  objects: readonly NewObject[],
  changes: Partial<ClusterSettings> = {},
  beforeStart: (all: Awaited<ReturnType<typeof setUpCluster>>) => void = () => undefined,
) {
  const all = await setUpCluster([kubeOvn('Vpc', 'ovn-cluster', {}), ...objects], changes);
  beforeStart(all);
  const { cluster, settings, log, server } = all;
  const allocator = new Allocator();
  const ipIndex = new IpIndex(cluster.ips, settings);
  const machines = new Machines(cluster, settings);
  const addresses = new Addresses({ cluster, ipIndex, machines, allocator, settings, log });
  const { vpcs, subnets, vlans, nodes, ipPools, ips, pods, machineInstances, nads } = cluster;
  const collections = [vpcs, subnets, vlans, nodes, ipPools, ips, pods, machineInstances, nads];
  await start(...collections);
  await server.watches.waitForCount(collections.length);
  const allocate = (name: string, options: { pool?: string } = {}) =>
    addresses.allocator.acquire({
      nic: `${name}.shop`,
      pod: `shop/${name}`,
      subnet: 'front',
      addresses: { kind: 'dynamic', ...options },
      mac: { kind: 'dynamic' },
    });
  return {
    ...all,
    addresses,
    /** Changes a Subnet or IPPool, and tells of it once the watch has brought that. */
    change: async (kind: 'Subnet' | 'IPPool', name: string, spec: object) => {
      const { metadata } = server.patch(kind, name, { spec });
      const of = () => (kind === 'Subnet' ? subnets.get(name) : ipPools.get(name))?.meta;
      const isSo = () => of()?.resourceVersion === metadata.resourceVersion;
      await (kind === 'Subnet' ? shows(subnets, isSo) : shows(ipPools, isSo));
      addresses.invalidate();
    },
    /** Resolves when the Subnet of this UID is there, or none; nobody is told. */
    seesSubnet: (name: string, uid: string | undefined) =>
      shows(subnets, () => subnets.get(name)?.meta.uid === uid),
    /** Who has an address of `front`: names of pods. */
    owners: (text: string) => {
      const address = parseAddress(text);
      if (address === undefined) throw new Error(`no address: ${text}`);
      return addresses.allocator.ownersOf('front', address).map(({ pod }) => pod);
    },
    /** Draws an address of `front` for a pod, and returns it. */
    allocate: (name: string, options: { pool?: string } = {}) =>
      allocate(name, options)
        .addresses.map(({ text }) => text)
        .join(),
    errors: () => log.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
    [Symbol.asyncDispose]: all[Symbol.asyncDispose],
  };
}
