/**
 * Vlan: a VLAN of a provider network, which underlay Subnets are in, with what the controller writes
 * on it. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { projectVlan as projectSpec, type Vlan } from '../../../../common/vlan.ts';
import { changedFields } from '../../../model/changes.ts';
import { type MergePatch, type Meta, projectMeta } from '../../../model/meta.ts';
import { hasSameMembers } from '../../../model/same-members.ts';
import type { ClusterSettings } from '../../../model/settings.ts';

/** What is kept of a Vlan object. */
export interface VlanObject extends Vlan {
  readonly meta: Meta;
  readonly status: VlanStatus;
  /** What its spec does not say yet and is to say, since the nodes' daemons read it there. */
  readonly defaults?: MergePatch;
}

export interface VlanStatus {
  /** True where an older Vlan of the provider network has its id. */
  readonly conflict: boolean;
  /** Names of the Subnets in it. */
  readonly subnets: readonly string[];
}

/**
 * A raw Vlan as the API server sends it.
 * @param settings with the ProviderNetwork of a Vlan that says none
 */
export function projectVlan(
  raw: unknown,
  { defaultProviderNetwork }: Pick<ClusterSettings, 'defaultProviderNetwork'>,
): VlanObject {
  const { spec, status } = rawFields(raw);
  const said = readQuietly(status);
  const own = projectSpec(raw);
  const vlan = { ...own, provider: own.provider || defaultProviderNetwork };
  const defaults = defaultsOf(rawFields(spec), vlan);
  return {
    ...vlan,
    meta: projectMeta(raw),
    status: { conflict: said.flag('conflict'), subnets: said.texts('subnets') },
    ...(defaults === undefined ? {} : { defaults }),
  };
}

/** Old names of fields are moved to those of today, of which alone Kube-OVN's daemon knows. */
function defaultsOf(
  spec: Readonly<Record<string, unknown>>,
  { id, provider }: Vlan,
): MergePatch | undefined {
  const old = {
    vlanId: spec.vlanId || null,
    providerInterfaceName: spec.providerInterfaceName || null,
  };
  const changes = changedFields(
    { ...spec, id: spec.id ?? 0, ...old },
    { id, provider, vlanId: null, providerInterfaceName: null },
  );
  return changes && { spec: changes };
}

/**
 * The older of the Vlans of one provider network with one id, for a Vlan that is not the oldest: it has
 * the id, and goes on as it did. Untagged ones (id 0) may be several.
 */
export function rivalOf(vlan: VlanObject, all: Iterable<VlanObject>): VlanObject | undefined {
  if (vlan.id === 0) return undefined;
  for (const other of all) {
    if (other.id !== vlan.id || other.provider !== vlan.provider) continue;
    if (isOlder(other.meta, vlan.meta)) return other;
  }
  return undefined;
}

/** Of the Vlans of one provider network those that have no rival. */
export function withoutRivals(vlans: readonly VlanObject[]): readonly VlanObject[] {
  const oldest = new Map<number, VlanObject>();
  for (const vlan of vlans) {
    const other = oldest.get(vlan.id);
    if (other === undefined || isOlder(vlan.meta, other.meta)) oldest.set(vlan.id, vlan);
  }
  return vlans.filter((vlan) => vlan.id === 0 || oldest.get(vlan.id) === vlan);
}

function isOlder(one: Meta, other: Meta): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt;
  return one.name < other.name;
}

/** True where the two are not the same to Subnets and pods. */
export function isOtherVlan(one: VlanObject, other: VlanObject | undefined): boolean {
  return (
    one.id !== other?.id ||
    one.provider !== other.provider ||
    one.status.conflict !== other.status.conflict
  );
}

/** The patch that makes the status say this, or undefined where it does; the order of names is nothing. */
export function vlanStatusPatch(status: VlanStatus, wanted: VlanStatus): MergePatch | undefined {
  const { conflict, subnets } = wanted;
  const isSame = hasSameMembers(status.subnets, subnets);
  const changes = changedFields(
    { ...status },
    { conflict, subnets: isSame ? status.subnets : subnets },
  );
  return changes && { status: changes };
}
