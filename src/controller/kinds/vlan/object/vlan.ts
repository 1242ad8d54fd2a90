/**
 * Vlan: a VLAN of a provider network, which an underlay Subnet is in, with what the controller found.
 * Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { projectVlan as projectSpec, type Vlan } from '../../../../common/vlan.ts';
import { type Meta, projectMeta } from '../../../model/meta.ts';

export interface VlanObject extends Vlan {
  readonly meta: Meta;
  /** True where another Vlan of the provider network has its id. */
  readonly conflict: boolean;
}

/** A raw Vlan as the API server sends it. */
export function projectVlan(raw: unknown): VlanObject {
  const { status } = rawFields(raw);
  const conflict = readQuietly(status).flag('conflict');
  return { ...projectSpec(raw), meta: projectMeta(raw), conflict };
}
