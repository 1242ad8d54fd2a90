/**
 * What a Subnet gets for what it does not say (Kube-OVN's `formatSubnet`), and what it says without
 * effect. Pure.
 *
 * A field that a user wrote is never removed, and changed only where others would misread it: addresses
 * in another spelling, a protocol that is not that of the CIDR, excluded addresses without the gateway.
 * Kube-OVN's controller removes or changes more; who keeps manifests in a repository would never see
 * them in force.
 */

import { readQuietly } from '../../../../common/fields.ts';
import { changedFields } from '../../../model/changes.ts';
import type { MergePatch } from '../../../model/meta.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import { parseRange } from '../../../ranges/address-range.ts';
import { isMacOnly, type Subnet } from './subnet.ts';
import { excludeTexts, missingGateways } from './subnet-excludes.ts';
import { type SubnetMarks, seenAnnotations } from './subnet-marks.ts';
import { respelledFields, spelledOut } from './subnet-spelling.ts';

type RawSpec = Readonly<Record<string, unknown>>;

/**
 * The patch that writes what the checked `subnet` has and its object does not say, or undefined
 * where the object says it all.
 */
export function subnetDefaults(
  spec: RawSpec,
  subnet: Subnet,
  settings: ClusterSettings,
  marks: SubnetMarks,
): MergePatch | undefined {
  const spelled = readQuietly(spelledOut(spec));
  const changes = changedFields(spec, {
    ...respelledFields(spec),
    ...addressDefaults(spec, subnet),
    ...networkDefaults(spec, subnet, settings),
  });
  const { cidrBlock } = subnet;
  const annotations = seenAnnotations(marks, { cidr: spelled.text('cidr'), cidrBlock });
  const isNoted = Object.keys(annotations).length === 0;
  if (changes === undefined && isNoted) return undefined;
  return { ...(changes && { spec: changes }), ...(isNoted ? {} : { metadata: { annotations } }) };
}

function addressDefaults(spec: RawSpec, subnet: Subnet): RawSpec {
  const { protocol, cidrBlock, gateway } = subnet;
  if (isMacOnly(subnet)) return { protocol };
  return { protocol, cidrBlock, gateway, excludeIps: excludesOf(spec, subnet) };
}

/** What is written stays, in its order, and gateways that are not in it follow. */
function excludesOf(spec: RawSpec, { blocks }: Subnet): readonly unknown[] {
  const written = readQuietly(spelledOut(spec)).texts('excludeIps');
  const ranges = written.flatMap((text) => parseRange(text) ?? []);
  return [...written, ...excludeTexts(missingGateways(ranges, blocks))];
}

function networkDefaults(spec: RawSpec, subnet: Subnet, settings: ClusterSettings): RawSpec {
  const { name, provider, vpc, gatewayType } = subnet;
  const says = spec.enableLb !== undefined && spec.enableLb !== null;
  const { enableLb } = settings;
  const hasLb = says || enableLb === undefined || name === settings.joinSubnet;
  return {
    provider,
    ...(vpc === '' ? {} : { vpc }),
    ...(gatewayType === '' ? {} : { gatewayType }),
    ...(hasLb ? {} : { enableLb }),
  };
}

/** In words for the Subnet's user. */
export function withoutEffect(
  spec: RawSpec,
  subnet: Subnet,
  settings: ClusterSettings,
): readonly string[] {
  const { name, vpc, vlan, u2oInterconnection } = subnet;
  const isJoin = name === settings.joinSubnet;
  const isInDefaultVpc = vpc === settings.defaultVpc && !isJoin;
  const isOtherDefault = isInDefaultVpc && name !== settings.defaultSubnet && spec.default === true;
  return [
    ...(isOtherDefault
      ? [`default: the default Subnet is ${settings.defaultSubnet} (--default-ls)`]
      : []),
    ...(isJoin && spec.enableLb === true ? ['enableLb: no Service is reached through nodes'] : []),
    ...(spec.u2oInterconnection === true && vlan === ''
      ? ['u2oInterconnection: the Subnet has no vlan to connect with']
      : []),
    ...(spec.u2oInterconnectionIP && !u2oInterconnection
      ? ['u2oInterconnectionIP: u2oInterconnection is off']
      : []),
  ];
}
