/**
 * Vlan: a VLAN of a provider network, which an underlay Subnet is in. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { type Meta, projectMeta } from '../../../model/meta.ts';

export interface VlanObject {
  readonly meta: Meta;
  /** 0 for untagged. */
  readonly id: number;
  /** Name of the ProviderNetwork; empty where it does not say. */
  readonly provider: string;
  /** True where another Vlan of the provider network has its id. */
  readonly conflict: boolean;
}

const ID_MAX = 4095;

/** A raw Vlan as the API server sends it; `vlanId` and `providerInterfaceName` are old names. */
export function projectVlan(raw: unknown): VlanObject {
  const { spec, status } = rawFields(raw);
  const said = readQuietly(spec);
  return {
    meta: projectMeta(raw),
    id: said.integer('id', 0, ID_MAX) || said.integer('vlanId', 0, ID_MAX) || 0,
    provider: said.text('provider') || said.text('providerInterfaceName'),
    conflict: readQuietly(status).flag('conflict'),
  };
}
