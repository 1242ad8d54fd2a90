/**
 * SecurityGroups: which changes have one worked on, and whom a change of one wakes.
 */
import { waitFor } from '../../model/wait-names.ts';
import { DENY_ALL_GROUP, isGroupName, portGroupName } from '../../ovn/names.ts';
import type { Uses } from '../context.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { cameOrWent } from '../predicates.ts';
import { type SecurityGroupContext, SecurityGroupReconciler } from './reconciler.ts';

type Context = SecurityGroupContext & Uses<'queues' | 'wakes'>;

/**
 * The kind SecurityGroup. One that comes or goes wakes those with rules about its members; drift of its port
 * group has it worked on.
 */
export function securityGroupKind(context: Context): Kind {
  const { cluster, events, queues, wakes } = context;
  const { securityGroups } = cluster;
  const reconciler = new SecurityGroupReconciler(context);
  const queue = queues.create({
    name: 'securityGroups',
    what: 'a SecurityGroup',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });

  function addThose(are: (name: string) => boolean): void {
    for (const { meta } of securityGroups.values()) if (are(meta.name)) queue.add(meta.name);
  }

  return {
    subscribe: () => [
      securityGroups.onChange(forgetDeleted(events)),
      securityGroups.onChange((change) => {
        queue.add(change.key);
        // Others may have rules about its members.
        if (cameOrWent(change)) wakes.wake(waitFor.securityGroup(change.key));
      }),
    ],
    addAll: () => addThose(() => true),
    drifted: (change) => {
      if (change.kind === 'portGroup') addThose((name) => hasPortGroup(name, change.name));
    },
  };
}

/** True where a port group is that of a SecurityGroup, or of all of them. */
function hasPortGroup(group: string, portGroup: string): boolean {
  if (!isGroupName(group)) return false;
  return [group, DENY_ALL_GROUP].some((name) => portGroupName(name) === portGroup);
}
