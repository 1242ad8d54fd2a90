/**
 * What pods and IP objects say that they have, from before this process knew of them: by this
 * controller, by one before it, or by Kube-OVN's.
 *
 * Whoever writes a pod writes its annotations, and nobody but controllers and administrators writes IP
 * objects: an address is whose an IP object says it is. What a pod says for itself counts only for a
 * pod that runs, last of all, and only for what anybody could draw.
 */
import type { AdoptRequest } from './allocator/request.ts';
import type { Cluster } from './cluster.ts';
import { type IpIndex, ownerOf } from './ip-index.ts';
import type { Machines } from './machines.ts';
import { type AnnotatedAddresses, annotatedNics } from './networks/annotated-nics.ts';
import { NETWORKS_MAX } from './networks/selections.ts';
import type { SubnetIndex } from './networks/subnet-index.ts';
import { addressesText } from './objects/allocated-nic.ts';
import { type IpObject, isReserved } from './objects/ip.ts';
import { isAlive } from './objects/liveness.ts';
import { providerOf } from './objects/nic-name.ts';
import { ownerParts, podOwner } from './objects/owner-key.ts';
import { ownerOfPod, type Pod } from './objects/pod.ts';
import type { ClusterSettings } from './objects/settings.ts';

export interface ClaimsView {
  readonly cluster: Pick<Cluster, 'pods' | 'ips'>;
  readonly ipIndex: IpIndex;
  readonly machines: Pick<Machines, 'mayShare' | 'problemOf'>;
  readonly settings: ClusterSettings;
  readonly subnets: SubnetIndex;
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
    for (const nic of nicsOf(pod, view)) {
      const key = saidKey(owner, nic.port);
      said.set(key, [...(said.get(key) ?? []), nic]);
    }
    for (const request of claimsOfPod(pod, view)) {
      if (names.has(request.subnet)) claims.push({ request, rank: Rank.unrecorded });
    }
  }
  for (const name of names) {
    for (const ip of view.ipIndex.ofSubnet(name).values()) claims.push(claimOn(ip, said, view));
  }
  return claims.sort((one, other) => one.rank - other.rank).map(({ request }) => request);
}

/** What only the annotations of a pod say that runs: it is adopted where nothing else is known. */
export function claimsOfPod(pod: Pod, view: ClaimsView): readonly AdoptRequest[] {
  if (pod.end.phase !== 'Running') return [];
  const { machines, settings } = view;
  const owner = ownerOfPod(pod, settings);
  return nicsOf(pod, view).flatMap(({ port, provider, subnet, addresses, mac }) => {
    if (subnet === undefined) return [];
    const mayShare = machines.mayShare(pod, provider);
    return [{ nic: port, pod: owner, subnet, addresses, mac, mayShare, isUnrecorded: true }];
  });
}

function saidKey(owner: string, port: string): string {
  return `${owner} ${port}`;
}

/** What an IP object says. */
export function claimOfIp(ip: IpObject, view: Omit<ClaimsView, 'subnets'>): AdoptRequest {
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
  view: Omit<ClaimsView, 'subnets'>,
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

function sharingOf(ip: IpObject, owner: string, view: Omit<ClaimsView, 'subnets'>) {
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
  if (pod.hostNetwork || !isAlive(pod, Date.now())) return [];
  const { cluster, machines, settings, subnets } = view;
  if (machines.problemOf(pod) !== undefined) return [];
  const subnetOfPort = (port: string) => cluster.ips.get(port)?.spec.subnet;
  return annotatedNics(pod, { settings, subnets, subnetOfPort }).slice(0, NETWORKS_MAX);
}
