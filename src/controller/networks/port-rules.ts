/**
 * Bounds of what a pod asks for its logical switch port: all of it becomes part of one row. Pure.
 */

import { isDnsName } from '../../common/names.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { type Problem, say } from '../model/problem.ts';

/** SecurityGroups, and virtual addresses, of one NIC. */
export const PORT_LIST_MAX = 64;

/** What is wrong with the annotations `security_groups` and `port_vips` of a NIC of OVN's, if any. */
export function portProblem({ annotations }: Pod, provider: string): Problem | undefined {
  for (const name of ['security_groups', 'port_vips']) {
    const key = annotationKey(provider, name);
    const parts = (annotations[key] ?? '').split(',', PORT_LIST_MAX + 1);
    if (parts.length > PORT_LIST_MAX) {
      const message = `annotation ${key} is wrong: it lists more than ${PORT_LIST_MAX}`;
      return { message, advice: 'list fewer' };
    }
    const texts = parts.map((part) => part.trim()).filter((part) => part !== '');
    const wrongName = texts.find((text) => name === 'security_groups' && !isDnsName(text));
    if (wrongName === undefined) continue;
    const message = say`annotation ${key} is wrong: "${wrongName}" cannot be the name of a SecurityGroup`;
    return { message, advice: 'list names of SecurityGroups, with "," between them' };
  }
  return undefined;
}
