/**
 * SecurityGroups that a pod lists and that are not there, or no more. Pure. A port that lists any
 * SecurityGroup is closed but for what those that are there allow.
 */

import { annotationKey } from '../../model/annotation-key.ts';
import { failureEvent, type ObjectEvent } from '../../model/events.ts';
import { say } from '../../model/problem.ts';
import { securityGroupsOf } from './desired-port.ts';
import type { AllocatedNic } from './object/allocated-nic.ts';

/** What is said on the pod, for each NIC of OVN's that lists such groups. */
export function missingGroupEvents(
  nics: readonly AllocatedNic[],
  annotations: Readonly<Record<string, string>>,
  exists: (group: string) => boolean,
): readonly ObjectEvent[] {
  return nics.flatMap(({ kind, provider }) => {
    if (kind !== 'ovn') return [];
    const groups = securityGroupsOf(annotations, provider);
    const missing = groups.filter((group) => !exists(group));
    if (missing.length === 0) return [];
    const names = missing.map((name) => say`${name}`).join(', ');
    const effect =
      missing.length === groups.length
        ? `the NIC of ${provider} is closed`
        : `the NIC of ${provider} is closed but for what the others allow`;
    const advice = `create it, or remove it from annotation ${annotationKey(provider, 'security_groups')}`;
    const what = `SecurityGroup ${names} does not exist: until it does, ${effect}; ${advice}`;
    return [failureEvent('SecurityGroupNotFound', 'securityGroups', what)];
  });
}
