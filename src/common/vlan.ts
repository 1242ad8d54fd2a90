/**
 * Vlan: a VLAN of a provider network, which underlay Subnets are in. Pure.
 */
import { rawFields, readQuietly } from './fields.ts';

/** What is kept of a Vlan. */
export interface Vlan {
  readonly name: string;
  /** VLAN id, at most 4095 as in Kube-OVN's definition (IEEE 802.1Q reserves that one); 0 for untagged. */
  readonly id: number;
  /** Name of the ProviderNetwork; empty where it does not say. */
  readonly provider: string;
}

const ID_MAX = 4095;

/** A raw Vlan as the API server sends it; `vlanId` and `providerInterfaceName` are old names. */
export function projectVlan(raw: unknown): Vlan {
  const { metadata, spec } = rawFields(raw);
  const said = readQuietly(spec);
  return {
    name: readQuietly(metadata).text('name'),
    id: said.integer('id', 0, ID_MAX) || said.integer('vlanId', 0, ID_MAX) || 0,
    provider: said.text('provider') || said.text('providerInterfaceName'),
  };
}
