/**
 * The objects that a cluster begins with: the default Vpc, and where OVN is, the Subnets of pods'
 * primary network and of the nodes. What is there is left as it is. A kind that this cluster does not
 * have, that we may not read or that cannot be listed is left out; it is asked for again when that has
 * changed.
 */
import { isConflict } from '../common/kubernetes/api.ts';
import type { Availability } from '../common/kubernetes/availability.ts';
import type { Cluster } from './cluster.ts';
import type { Options } from './flags.ts';
import type { LeaderWrites } from './leader-writes.ts';
import type { SubnetFlags } from './subnet-flags.ts';

type BootstrapOptions = Pick<Options, 'settings' | 'defaultSubnet' | 'joinSubnet' | 'northbound'>;

/** The nodes' daemons follow them, and the controller does not. */
const PROVIDER_NETWORKS = '/apis/kubeovn.io/v1/provider-networks';

/** @throws KubernetesError where the server refuses an object */
export async function bootstrap(
  options: BootstrapOptions,
  { vpcs, subnets, vlans }: Pick<Cluster, 'vpcs' | 'subnets' | 'vlans'>,
  writes: LeaderWrites,
): Promise<void> {
  const { settings, defaultSubnet, joinSubnet, northbound } = options;
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
  if (northbound === undefined) return;
  await make(
    subnets,
    subnetManifest(settings.joinSubnet, joinSubnet, { vpc: settings.defaultVpc }),
  );
  const { underlay, disableGatewayCheck } = defaultSubnet;
  if (underlay !== undefined) {
    const { vlan, vlanId: id, providerNetwork: provider, hostInterface } = underlay;
    const network = manifest('ProviderNetwork', provider, { defaultInterface: hostInterface });
    // The Vlan of an older cluster has its network.
    const { availability } = vlans;
    await make({ path: PROVIDER_NETWORKS, get: () => vlans.get(vlan), availability }, network);
    await make(vlans, manifest('Vlan', vlan, { id, provider }));
  }
  const place = underlay && {
    vlan: underlay.vlan,
    logicalGateway: underlay.logicalGateway,
    u2oInterconnection: underlay.u2oInterconnection,
  };
  const spec = { vpc: settings.defaultVpc, default: true, natOutgoing: true, disableGatewayCheck };
  const primary = subnetManifest(settings.defaultSubnet, defaultSubnet, { ...spec, ...place });
  await make(subnets, primary);
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
  readonly metadata: { readonly name: string };
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
