/**
 * From a NIC that a pod was given to the logical switch port that OVN is to have. Pure.
 */

import { parseAddress } from '../../../common/address.ts';
import { annotationKey } from '../../model/annotation-key.ts';
import type { DesiredPort } from '../../ovn/desired.ts';
import type { AllocatedNic } from './object/allocated-nic.ts';

const GROUPS_SUFFIX = annotationKey('', 'security_groups');

type Annotations = Readonly<Record<string, string>>;

/**
 * @param annotations the pod's; none for a port that waits for its pod to come back
 * @param groupExists whether there is a SecurityGroup of a name
 */
export function desiredPort(
  nic: AllocatedNic,
  annotations: Annotations,
  groupExists: (name: string) => boolean,
): DesiredPort {
  const text = (name: string) => annotations[annotationKey(nic.provider, name)] ?? '';
  return {
    name: nic.port,
    subnet: nic.subnet.name,
    vpc: nic.subnet.vpc,
    mac: nic.mac ?? '',
    addresses: nic.addresses,
    takesUnknown: text('layer2_forward') === 'true',
    isSecured: text('port_security') === 'true',
    virtualAddresses: listed(text('port_vips')).flatMap((part) => parseAddress(part) ?? []),
    securityGroups: securityGroupsOf(annotations, nic.provider).map((name) => ({
      name,
      exists: groupExists(name),
    })),
  };
}

/** The SecurityGroups that a pod lists for a NIC, each once. */
export function securityGroupsOf(annotations: Annotations, provider: string): readonly string[] {
  return [...new Set(listed(annotations[annotationKey(provider, 'security_groups')] ?? ''))];
}

/** All SecurityGroups that a pod lists, for whatever NIC. */
export function listsSecurityGroup(annotations: Annotations, group: string): boolean {
  return Object.entries(annotations).some(
    ([key, value]) =>
      key.endsWith(GROUPS_SUFFIX) &&
      // Most pods list others.
      value.includes(group) &&
      listed(value).includes(group),
  );
}

function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
