/**
 * The work on a SecurityGroup: its port group, address sets and rules in OVN. Which ports are in it
 * is the pods' work.
 */

import { createHash } from 'node:crypto';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { aboutOwn } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import { describeProblems, type Problem } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import { NorthboundError } from '../../ovn/error.ts';
import { portGroupName } from '../../ovn/names.ts';
import type { Uses } from '../context.ts';
import { patchObject } from '../patch-object.ts';
import { desiredSecurityGroup } from './desired-group.ts';
import {
  missingRemoteGroups,
  remoteGroupProblem,
  type SecurityGroup,
  type SecurityGroupObject,
  securityGroupStatusPatch,
} from './object/security-group.ts';
import { planSecurityGroup, planSecurityGroupRemoval } from './security-group-plan.ts';

/** What the work on SecurityGroups uses. */
export type SecurityGroupContext = Uses<'events' | 'northbound' | 'writes', 'securityGroups'>;

/** The work on one SecurityGroup by its name: its rows in OVN, its status and its events. */
export class SecurityGroupReconciler {
  readonly #context: SecurityGroupContext;

  constructor(context: SecurityGroupContext) {
    this.#context = context;
  }

  /**
   * @throws NotDone for a group that is not valid or whose rules name groups that are not there;
   * NorthboundError
   */
  async reconcile(name: string): Promise<void> {
    const { cluster, northbound } = this.#context;
    const object = cluster.securityGroups.get(name);
    if (object === undefined || object.meta.deleting) {
      await northbound?.apply((state) => planSecurityGroupRemoval(state, name));
      return;
    }
    const { checked } = object;
    if ('problems' in checked) throw await this.#refused(object, checked.problems, []);
    const missing = missingRemoteGroups(
      checked.value,
      (group) => cluster.securityGroups.get(group) !== undefined,
    );
    const [first, ...rest] = missing.map(remoteGroupProblem);
    if (first !== undefined) {
      throw await this.#refused(object, [first, ...rest], missing.map(waitFor.securityGroup));
    }
    await this.#ensure(object, checked.value);
  }

  async #ensure(object: SecurityGroupObject, group: SecurityGroup): Promise<void> {
    const { northbound } = this.#context;
    try {
      const desired = desiredSecurityGroup(group);
      await northbound?.apply((state) => planSecurityGroup(state, desired));
    } catch (error) {
      if (!(error instanceof NorthboundError) || error.reason === 'unreachable') throw error;
      const { message, details } = error;
      throw await this.#refused(object, [{ message, advice: details }]);
    }
    const isMade = northbound !== undefined;
    await this.#report(object, {
      portGroup: portGroupName(group.name),
      allowSameGroupTraffic: group.allowSameGroupTraffic,
      ingressMd5: digest(group.ingress),
      egressMd5: digest(group.egress),
      ingressLastSyncSuccess: isMade,
      egressLastSyncSuccess: isMade,
    });
    this.#context.events.clear(aboutOwn('SecurityGroup', object.meta));
  }

  async #refused(
    object: SecurityGroupObject,
    problems: readonly [Problem, ...Problem[]],
    waitsFor?: readonly string[],
  ): Promise<NotDone> {
    const why = describeProblems(problems);
    const failed = { ingressLastSyncSuccess: false, egressLastSyncSuccess: false };
    await this.#report(object, { ...object.status, ...failed });
    const event = failureEvent('ReconcileSecurityGroupFailed', 'securityGroup', why);
    this.#context.events.warnOnce(aboutOwn('SecurityGroup', object.meta), event);
    return new NotDone(why, waitsFor === undefined ? {} : { waitsFor });
  }

  async #report(
    { meta, status }: SecurityGroupObject,
    wanted: SecurityGroupObject['status'],
  ): Promise<void> {
    const patch = securityGroupStatusPatch(status, wanted);
    const { cluster, writes } = this.#context;
    await patchObject(writes, cluster.securityGroups, { name: meta.name, patch, part: 'status' });
  }
}

/** Tells whether rules have changed; nothing is secret about them. */
function digest(rules: unknown): string {
  return createHash('md5').update(JSON.stringify(rules)).digest('hex');
}
