/**
 * The objects that a cluster begins with: the default Vpc, and where OVN is, the Subnets of pods'
 * primary network and of the nodes. What is there is left as it is. A kind that this cluster does not
 * have, that we may not read or that cannot be listed is left out; it is asked for again when that has
 * changed.
 *
 * In non-primary mode the primary network is another plugin's, and the two Subnets are made only when
 * something refers to the first: a network of provider `ovn`, a Vpc or an IPPool; or where it is named
 * on the command line, as Kube-OVN's charts do.
 */
import { isConflict } from '../common/kubernetes/api.ts';
import type { Availability } from '../common/kubernetes/availability.ts';
import { PRIMARY_PROVIDER } from '../common/names.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Objects } from './cluster/collection.ts';
import type { Options } from './config/flags.ts';
import type { SubnetFlags } from './config/subnet-flags.ts';
import type { IpPoolObject } from './kinds/ippool/object/ippool.ts';
import type { Nad } from './kinds/nad/object/nad.ts';
import { BY_BOOTSTRAP } from './kinds/subnet/object/subnet-marks.ts';
import type { VpcObject } from './kinds/vpc/object/vpc.ts';
import type { Writes } from './leadership/leader-writes.ts';
import { checkedValue } from './model/problem.ts';
import type { ClusterSettings } from './model/settings.ts';

type BootstrapOptions = Pick<
  Options,
  'settings' | 'defaultSubnet' | 'joinSubnet' | 'makesDefaultSubnets' | 'northbound'
>;

/** Where something may refer to the default Subnet. */
type Referring = Pick<Cluster, 'nads' | 'vpcs' | 'ipPools'>;

/** @throws KubernetesError where the server refuses an object */
export async function bootstrap(
  options: BootstrapOptions,
  cluster: Referring & Pick<Cluster, 'providerNetworks' | 'subnets' | 'vlans'>,
  writes: Writes,
): Promise<void> {
  const { settings, defaultSubnet, joinSubnet, northbound } = options;
  const { vpcs, subnets, vlans, providerNetworks } = cluster;
  const make = async (collection: Target, object: Manifest) => {
    // Pending is here what could not be listed: a write could not be answered either.
    if (collection.availability.state !== 'synced') return;
    if (collection.get(object.metadata.name) !== undefined) return;
    try {
      await writes.create(collection.path, object);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  };
  await make(vpcs, manifest('Vpc', settings.defaultVpc, {}));
  if (northbound === undefined || !areSubnetsWanted(options, cluster)) return;
  await make(
    subnets,
    subnetManifest(settings.joinSubnet, joinSubnet, { vpc: settings.defaultVpc }),
  );
  const { underlay, disableGatewayCheck } = defaultSubnet;
  if (underlay !== undefined) {
    const { vlan, vlanId: id, providerNetwork: provider, hostInterface } = underlay;
    const network = manifest('ProviderNetwork', provider, {
      defaultInterface: hostInterface,
      ...(underlay.exchangeLinkName ? { exchangeLinkName: true } : {}),
    });
    // A Vlan that is there may be in another network.
    const { provider: own } = vlans.get(vlan) ?? { provider };
    if (own === provider) await make(providerNetworks, network);
    await make(vlans, manifest('Vlan', vlan, { id, provider }));
  }
  const place = underlay && {
    vlan: underlay.vlan,
    logicalGateway: underlay.logicalGateway,
    u2oInterconnection: underlay.u2oInterconnection,
  };
  const spec = { vpc: settings.defaultVpc, default: true, natOutgoing: true, disableGatewayCheck };
  const primary = subnetManifest(settings.defaultSubnet, defaultSubnet, { ...spec, ...place });
  await make(subnets, { ...primary, metadata: { ...primary.metadata, annotations: BY_BOOTSTRAP } });
}

/**
 * Calls `made` each time that something new may refer to the default Subnet, where that is not made
 * anyhow.
 * @returns ends the subscriptions
 */
export function onReference(
  options: BootstrapOptions,
  cluster: Referring,
  made: () => void,
): () => void {
  if (options.makesDefaultSubnets) return () => {};
  const refers = references(options.settings);
  const follow = <T>(collection: Objects<T>, isReference: (value: T) => boolean) =>
    collection.onChange(({ type, value }) => {
      if (type !== 'deleted' && isReference(value)) made();
    });
  const ends = [
    follow(cluster.nads, refers.nad),
    follow(cluster.vpcs, refers.vpc),
    follow(cluster.ipPools, refers.ipPool),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function areSubnetsWanted(options: BootstrapOptions, { nads, vpcs, ipPools }: Referring): boolean {
  if (options.makesDefaultSubnets) return true;
  const refers = references(options.settings);
  return (
    some(nads.values(), refers.nad) ||
    some(vpcs.values(), refers.vpc) ||
    some(ipPools.values(), refers.ipPool)
  );
}

/** What refers to the default Subnet, by kind. */
function references({ defaultSubnet }: ClusterSettings) {
  return {
    nad: ({ config }: Nad) => config.kind === 'ovn' && config.provider === PRIMARY_PROVIDER,
    vpc: ({ checked }: VpcObject) => checkedValue(checked)?.defaultSubnet === defaultSubnet,
    ipPool: ({ checked }: IpPoolObject) => checkedValue(checked)?.subnet === defaultSubnet,
  };
}

function some<T>(values: Iterable<T>, isSo: (value: T) => boolean): boolean {
  for (const value of values) if (isSo(value)) return true;
  return false;
}

/** Where an object is made. */
interface Target {
  readonly path: string;
  readonly availability: Availability;
  get(key: string): unknown;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: object };
  readonly spec: object;
}

function manifest(kind: string, name: string, spec: object): Manifest {
  return { apiVersion: 'kubeovn.io/v1', kind, metadata: { name }, spec };
}

function subnetManifest(name: string, flags: SubnetFlags, more: object): Manifest {
  const { cidrBlock, gateway, excludeIps } = flags;
  return manifest('Subnet', name, {
    ...more,
    provider: 'ovn',
    cidrBlock,
    ...(gateway === '' ? {} : { gateway }),
    ...(excludeIps.length === 0 ? {} : { excludeIps }),
  });
}
