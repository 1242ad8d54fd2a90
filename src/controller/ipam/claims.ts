/**
 * What pods and IP objects say that they have, from before this process knew of them: by this
 * controller, by one before it, or by Kube-OVN's.
 *
 * Whoever writes a pod writes its annotations, and nobody but controllers and administrators writes IP
 * objects: an address is whose an IP object says it is. What a pod says for itself counts only for a
 * pod that runs, last of all, for NICs that it asks for and no IP object knows, and only for what
 * could be allocated dynamically: a pod gets nothing by saying that it has it that it would not get by asking.
 */

import type { Cluster } from '../cluster/cluster.ts';
import { type IpIndex, ownerOf } from '../cluster/ip-index.ts';
import type { Machines } from '../cluster/machines.ts';
import { type IpObject, isNew, isReserved } from '../kinds/ip/object/ip.ts';
import { addressesText } from '../kinds/pod/object/allocated-nic.ts';
import { isAlive } from '../kinds/pod/object/liveness.ts';
import { ownerOfPod, type Pod } from '../kinds/pod/object/pod.ts';
import { providerOf } from '../model/nic-name.ts';
import { ownerParts, podOwner } from '../model/owner-key.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { type AnnotatedAddresses, annotatedNics } from '../networks/annotated-nics.ts';
import { askedProviders } from '../networks/pod-networks.ts';
import type { NetworkView } from '../networks/request.ts';
import type { AdoptRequest } from './allocator/request.ts';

/** What claims are read off, and what they are checked against. */
export interface ClaimsView {
  readonly cluster: Pick<Cluster, 'pods' | 'ips' | 'nodes'>;
  readonly ipIndex: IpIndex;
  readonly machines: Pick<Machines, 'mayShare' | 'problemOf'>;
  readonly settings: ClusterSettings;
  /** The cluster as networks are decided by. */
  readonly networks: NetworkView;
}

/** Who has an address that several say they have: the lowest. */
const Rank = {
  /** An IP object says so, and a living pod the same. */
  recorded: 0,
  /** An IP object says so: for a pod that comes back, or for one whose annotations say otherwise. */
  kept: 1,
  /** Only the annotations of a pod that runs say so. */
  unrecorded: 2,
} as const;
type Rank = (typeof Rank)[keyof typeof Rank];

interface Claim {
  readonly request: AdoptRequest;
  readonly rank: Rank;
}

/** What living pods say of a NIC, by its owner and port: names with dots make one port of two NICs. */
type Said = ReadonlyMap<string, readonly AnnotatedAddresses[]>;

/** All that is said of these Subnets, what is most certain first. */
export function claimsOn(names: ReadonlySet<string>, view: ClaimsView): readonly AdoptRequest[] {
  const claims: Claim[] = [];
  const said = new Map<string, AnnotatedAddresses[]>();
  for (const pod of view.cluster.pods.values()) {
    const owner = ownerOfPod(pod, view.settings);
    const nics = nicsOf(pod, view);
    for (const nic of nics) {
      const key = saidKey(owner, nic.port);
      const same = said.get(key);
      if (same === undefined) said.set(key, [nic]);
      else same.push(nic);
    }
    for (const request of unrecordedClaims(pod, nics, view)) {
      if (names.has(request.subnet)) claims.push({ request, rank: Rank.unrecorded });
    }
  }
  for (const name of names) {
    for (const ip of view.ipIndex.ofSubnet(name).values()) claims.push(claimOn(ip, said, view));
  }
  return claims.sort((one, other) => one.rank - other.rank).map(({ request }) => request);
}

/**
 * What only the annotations of a pod say that runs: it is adopted where nothing else is known. A NIC
 * that the pod does not ask for is none: by naming them a pod could keep addresses from others.
 */
export function claimsOfPod(pod: Pod, view: ClaimsView): readonly AdoptRequest[] {
  return unrecordedClaims(pod, nicsOf(pod, view), view);
}

function unrecordedClaims(
  pod: Pod,
  nics: readonly AnnotatedAddresses[],
  view: ClaimsView,
): readonly AdoptRequest[] {
  const { machines, networks, settings } = view;
  if (pod.end.phase !== 'Running') return [];
  const unrecorded = nics.filter(({ port }) => !isRecorded(port, view));
  if (unrecorded.length === 0) return [];
  const owner = ownerOfPod(pod, settings);
  const asked = askedProviders(pod, networks);
  return unrecorded.flatMap(({ port, provider, subnet, addresses, mac }) => {
    if (subnet === undefined || !asked.has(provider)) return [];
    const mayShare = machines.mayShare(pod, provider);
    return [{ nic: port, pod: owner, subnet, addresses, mac, mayShare, isUnrecorded: true }];
  });
}

/** True where an IP object tells what a NIC has, whatever its pod says. */
function isRecorded(port: string, { cluster }: Pick<ClaimsView, 'cluster'>): boolean {
  const ip = cluster.ips.get(port);
  return ip !== undefined && !isNew(ip);
}

function saidKey(owner: string, port: string): string {
  return `${owner} ${port}`;
}

/** What an IP object says. */
export function claimOfIp(ip: IpObject, view: Omit<ClaimsView, 'networks'>): AdoptRequest {
  return requestOf(ip, undefined, view);
}

function claimOn(ip: IpObject, all: Said, view: ClaimsView): Claim {
  const said = all.get(saidKey(ownerOf(ip, view.settings), ip.meta.name)) ?? [];
  const same = said.find((nic) => addressesText(nic.addresses) === addressesText(ip.addresses));
  // Where somebody has edited the object by hand, its pod goes on with what it was given.
  const before = said.find((nic) => addressesText(nic.addresses) === ip.record?.addresses);
  const rank = same === undefined && before === undefined ? Rank.kept : Rank.recorded;
  return { request: requestOf(ip, same ?? before, view), rank };
}

function requestOf(
  ip: IpObject,
  said: AnnotatedAddresses | undefined,
  view: Omit<ClaimsView, 'networks'>,
): AdoptRequest {
  const { settings } = view;
  const owner = ownerOf(ip, settings);
  return {
    nic: ip.meta.name,
    pod: owner,
    subnet: ip.spec.subnet,
    addresses: said?.addresses ?? ip.addresses,
    mac: ip.spec.macAddress || (ip.record === undefined ? said?.mac : ip.record.mac) || undefined,
    mayShare: sharingOf(ip, owner, view),
    reserved: isReserved(ip),
  };
}

function sharingOf(ip: IpObject, owner: string, view: Omit<ClaimsView, 'networks'>) {
  const { namespace, workload } = ownerParts(owner);
  const pod = view.cluster.pods.get(podOwner(namespace, workload));
  const provider = providerOf(ip.meta.name, owner);
  if (pod === undefined || provider === undefined) return undefined;
  return ownerOfPod(pod, view.settings) === owner
    ? view.machines.mayShare(pod, provider)
    : undefined;
}

/** The NICs that a pod says it was given, as long as it lives. */
function nicsOf(pod: Pod, view: ClaimsView): readonly AnnotatedAddresses[] {
  const { cluster, machines, networks, settings } = view;
  if (pod.hostNetwork || !isAlive(pod, Date.now(), cluster.nodes)) return [];
  if (machines.problemOf(pod) !== undefined) return [];
  const subnetOfPort = (port: string) => cluster.ips.get(port)?.spec.subnet;
  return annotatedNics(pod, { settings, subnets: networks.subnets, subnetOfPort });
}
