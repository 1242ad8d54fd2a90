/**
 * What a Subnet gets for what it does not say (Kube-OVN's `formatSubnet`). Pure.
 */
import { parseRange } from '../allocator/address-range.ts';
import { changedFields } from './changes.ts';
import type { MergePatch } from './meta.ts';
import type { ClusterSettings } from './settings.ts';
import { isMacOnly, type Subnet } from './subnet.ts';
import { excludeTexts, withGateways } from './subnet-excludes.ts';

type RawSpec = Readonly<Record<string, unknown>>;

/**
 * The patch that writes what the checked `subnet` has and its object does not say, or undefined
 * where the object says it all.
 */
export function subnetDefaults(
  spec: RawSpec,
  subnet: Subnet,
  settings: ClusterSettings,
): MergePatch | undefined {
  const changes = changedFields(spec, {
    ...addressDefaults(spec, subnet),
    ...networkDefaults(spec, subnet, settings),
  });
  return changes && { spec: changes };
}

function addressDefaults(spec: RawSpec, subnet: Subnet): RawSpec {
  const { protocol, cidrBlock, gateway } = subnet;
  if (isMacOnly(subnet)) return { protocol };
  return { protocol, cidrBlock, cidr: null, gateway, excludeIps: excludesOf(spec, subnet) };
}

/**
 * Ranges in another order say the same. What the Go controller or a user wrote so, stays.
 */
function excludesOf(spec: RawSpec, { excludes, blocks }: Subnet): unknown {
  const written = Array.isArray(spec.excludeIps) ? spec.excludeIps : [];
  const texts = excludeTexts(excludes);
  const ranges = written.flatMap((text) => parseRange(String(text)) ?? []);
  const isSame =
    ranges.length === excludes.length &&
    excludeTexts(withGateways(ranges, blocks)).join() === texts.join();
  return isSame ? written : texts;
}

function networkDefaults(spec: RawSpec, subnet: Subnet, settings: ClusterSettings): RawSpec {
  const { name, provider, vpc, gatewayType, u2oInterconnection } = subnet;
  const isJoin = name === settings.joinSubnet;
  const isInDefaultVpc = vpc === settings.defaultVpc && !isJoin;
  return {
    provider,
    ...(vpc === '' ? {} : { vpc }),
    ...(gatewayType === '' ? {} : { gatewayType }),
    // Only the Subnet that the controller was told can be the default.
    ...(isInDefaultVpc && spec.default === true && name !== settings.defaultSubnet
      ? { default: false }
      : {}),
    ...loadBalancing(spec, isJoin, settings),
    ...(spec.u2oInterconnection === true && !u2oInterconnection
      ? { u2oInterconnection: false }
      : {}),
    ...(spec.u2oInterconnectionIP && !u2oInterconnection ? { u2oInterconnectionIP: null } : {}),
  };
}

function loadBalancing(spec: RawSpec, isJoin: boolean, { enableLb }: ClusterSettings): RawSpec {
  if (isJoin) return { enableLb: null };
  const says = spec.enableLb !== undefined && spec.enableLb !== null;
  return says || enableLb === undefined ? {} : { enableLb };
}
