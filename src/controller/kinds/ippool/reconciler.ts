/**
 * The work on an IPPool: its conditions say whether its addresses are carved out of its Subnet,
 * which Addresses does.
 */

import { NotDone } from '../../../common/reconcile/not-done.ts';
import { aboutOwn } from '../../model/about.ts';
import type { Outcome } from '../../model/conditions.ts';
import { failureEvent, outcomeEvent } from '../../model/events.ts';
import { finalizerAdded, finalizerRemoved, type MergePatch } from '../../model/meta.ts';
import { describeProblems } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import { patchObject } from '../patch-object.ts';
import { ipPoolConditionsPatch } from './object/ippool-status.ts';

/** What the work on IPPools uses. */
export type IpPoolContext = Uses<'addresses' | 'events' | 'writes', 'ipPools'>;

/** The work on one IPPool by its name: finalizer, conditions and events. */
export class IpPoolReconciler {
  readonly #context: IpPoolContext;

  constructor(context: IpPoolContext) {
    this.#context = context;
  }

  /** @throws NotDone for an IPPool that is not valid; KubernetesError */
  async reconcile(name: string): Promise<void> {
    const { addresses, cluster } = this.#context;
    const validated = addresses.ipPool(name);
    const meta = cluster.ipPools.get(name)?.meta;
    if (validated === undefined || meta === undefined) return;
    const { checked } = validated;
    if (meta.deleting) {
      await this.#patch(name, finalizerRemoved(meta));
      return;
    }
    await this.#patch(name, finalizerAdded(meta));
    if ('problems' in checked) {
      const message = describeProblems(checked.problems);
      await this.#report(name, { reason: 'UpdateIPAMFailed', message });
      // What it is validated by asks for it when it changes.
      throw new NotDone(message, { waitsFor: [] });
    }
    await this.#report(name, { reason: 'UpdateIPAMSucceeded' });
    if (!checked.value.enableAddressSet) return;
    const what = 'enableAddressSet: not supported by this controller, and without effect';
    const event = failureEvent('IPPoolNotSupported', 'addressSet', what);
    this.#context.events.infoOnce(aboutOwn('IPPool', meta), event);
  }

  async #report(name: string, outcome: Outcome): Promise<void> {
    const { cluster, writes, events } = this.#context;
    const current = cluster.ipPools.get(name);
    const patch = current && ipPoolConditionsPatch(current.status, outcome, new Date());
    if (current === undefined || patch === undefined) return;
    await patchObject(writes, cluster.ipPools, { name, patch, part: 'status' });
    events.record(aboutOwn('IPPool', current.meta), outcomeEvent(outcome));
  }

  async #patch(name: string, patch: MergePatch | undefined): Promise<void> {
    await patchObject(this.#context.writes, this.#context.cluster.ipPools, { name, patch });
  }
}
