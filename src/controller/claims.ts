/**
 * What pods and IP objects say that they have, from before this process knew of them: by this
 * controller, by one before it, or by Kube-OVN's.
 */
import type { AdoptRequest } from './allocator/request.ts';
import type { Cluster } from './cluster.ts';
import { type IpIndex, ownerOf } from './ip-index.ts';
import { annotatedNics } from './networks/annotated-nics.ts';
import type { SubnetIndex } from './networks/subnet-index.ts';
import { addressesText } from './objects/allocated-nic.ts';
import { type IpObject, isReserved } from './objects/ip.ts';
import { isAlive } from './objects/liveness.ts';
import { ownerOfPod, type Pod } from './objects/pod.ts';
import type { ClusterSettings } from './objects/settings.ts';

export interface ClaimsView {
  readonly cluster: Pick<Cluster, 'pods' | 'ips'>;
  readonly ipIndex: IpIndex;
  readonly settings: ClusterSettings;
  readonly subnets: SubnetIndex;
}

/** Who has an address that several say they have: the lowest. */
const Rank = {
  /** A pod's annotations and its IP object say the same. */
  recorded: 0,
  /** A pod runs with it. */
  running: 1,
  /** An IP object says so: for a pod that comes back, or for one whose annotations came to nothing. */
  kept: 2,
  /** A pod's annotations say so, which may be a copy of another's. */
  written: 3,
} as const;
type Rank = (typeof Rank)[keyof typeof Rank];

interface Claim {
  readonly request: AdoptRequest;
  readonly rank: Rank;
}

/** All that is said of these Subnets, what is most certain first. */
export function claimsOn(names: ReadonlySet<string>, view: ClaimsView): readonly AdoptRequest[] {
  const claims: Claim[] = [];
  for (const pod of view.cluster.pods.values()) {
    for (const request of claimsOfPod(pod, view)) {
      if (names.has(request.subnet)) claims.push({ request, rank: rankOf(pod, request, view) });
    }
  }
  for (const name of names) {
    for (const ip of view.ipIndex.ofSubnet(name).values()) {
      claims.push({ request: claimOfIp(ip), rank: Rank.kept });
    }
  }
  return claims.sort((one, other) => one.rank - other.rank).map(({ request }) => request);
}

/** What the annotations of a pod say, as long as it lives. */
export function claimsOfPod(pod: Pod, view: ClaimsView): readonly AdoptRequest[] {
  if (pod.hostNetwork || !isAlive(pod, Date.now())) return [];
  const { cluster, settings, subnets } = view;
  const subnetOfPort = (port: string) => cluster.ips.get(port)?.spec.subnet;
  // The two pods of a virtual machine that migrates have the same addresses.
  const sharing = pod.migrating || pod.virtualMachine !== undefined;
  const owner = ownerOfPod(pod, settings);
  return annotatedNics(pod, { settings, subnets, subnetOfPort }).flatMap(
    ({ port, subnet, addresses, mac }) =>
      subnet === undefined ? [] : [{ nic: port, pod: owner, subnet, addresses, mac, sharing }],
  );
}

export function claimOfIp(ip: IpObject): AdoptRequest {
  const { addresses, spec, meta } = ip;
  return {
    nic: meta.name,
    pod: ownerOf(ip),
    subnet: spec.subnet,
    addresses,
    mac: spec.macAddress === '' ? undefined : spec.macAddress,
    reserved: isReserved(ip),
  };
}

function rankOf(pod: Pod, { nic, addresses }: AdoptRequest, { cluster }: ClaimsView): Rank {
  const ip = cluster.ips.get(nic);
  const isRecorded = ip !== undefined && addressesText(ip.addresses) === addressesText(addresses);
  if (isRecorded) return Rank.recorded;
  return pod.end.phase === 'Running' ? Rank.running : Rank.written;
}
