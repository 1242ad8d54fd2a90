/**
 * The work on a Vpc: its router in OVN, and what its status says.
 */

import { NotDone } from '../../../common/reconcile/not-done.ts';
import { aboutOwn } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import { finalizerAdded, finalizerRemoved, type MergePatch } from '../../model/meta.ts';
import { checkedValue, describeProblems } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import { NorthboundError } from '../../ovn/error.ts';
import type { ServiceNode } from '../../ovn/interconnection-policies.ts';
import { validateVpc } from '../../validation/validate.ts';
import type { Uses } from '../context.ts';
import { nodeIpName } from '../ip/object/node-ip.ts';
import { patchObject } from '../patch-object.ts';
import type { SubnetObject } from '../subnet/object/subnet.ts';
import { desiredRouter } from './desired-router.ts';
import { type Vpc, type VpcObject, vpcStatusPatch } from './object/vpc.ts';
import { planRouter, planRouterRemoval } from './router-plan.ts';

/** What the work on Vpcs uses. */
export type VpcContext = Uses<
  'addresses' | 'events' | 'northbound' | 'settings' | 'writes',
  'ips' | 'nodes' | 'subnets' | 'vpcs'
>;

/** The work on one Vpc by its name: its router in OVN, finalizer, status and events. */
export class VpcReconciler {
  readonly #context: VpcContext;

  constructor(context: VpcContext) {
    this.#context = context;
  }

  async reconcile(name: string): Promise<void> {
    const { cluster, northbound } = this.#context;
    const object = cluster.vpcs.get(name);
    if (object === undefined) {
      await northbound?.apply((state) => planRouterRemoval(state, name));
      return;
    }
    const subnets = this.#subnetsOf(name);
    if (object.meta.deleting) await this.#letGo(object, subnets);
    else await this.#ensure(object, subnets);
  }

  async #ensure(object: VpcObject, subnets: readonly SubnetObject[]): Promise<void> {
    const { cluster, northbound, settings } = this.#context;
    const { name } = object.meta;
    const { checked } = validateVpc(
      object,
      new Set([...cluster.subnets.values()].map((subnet) => subnet.meta.name)),
    );
    const vpc = checkedValue(checked);
    if (vpc === undefined) {
      // A Vpc cannot have a Subnet's name.
      const waitsFor = [waitFor.subnet(name)];
      if ('problems' in checked)
        throw this.#refused(object, describeProblems(checked.problems), waitsFor);
      return;
    }
    await this.#patch(name, finalizerAdded(object.meta));
    this.#sayWhatIsNotSupported(object, vpc);
    const desired = desiredRouter(vpc, subnets, settings, vpc.isDefault ? this.#nodes() : []);
    try {
      await northbound?.apply((state) => planRouter(state, desired));
    } catch (error) {
      if (!(error instanceof NorthboundError)) throw error;
      throw this.#refused(object, `${error.message}: ${error.details}`);
    }
    await this.#report(vpc, subnets);
    this.#context.events.clear(aboutOwn('Vpc', object.meta));
  }

  async #letGo(object: VpcObject, subnets: readonly SubnetObject[]): Promise<void> {
    const { northbound } = this.#context;
    const { name } = object.meta;
    if (subnets.length > 0) {
      const names = subnets.map(({ meta }) => meta.name).join(', ');
      // Each of them that goes asks for this work again.
      this.#refused(object, `vpc ${name} still has subnets ${names}: delete them first`);
      return;
    }
    await northbound?.apply((state) => planRouterRemoval(state, name));
    await this.#patch(name, finalizerRemoved(object.meta));
  }

  async #report(vpc: Vpc, subnets: readonly SubnetObject[]): Promise<void> {
    const { cluster, settings, writes } = this.#context;
    const current = cluster.vpcs.get(vpc.name);
    if (current === undefined) return;
    const names = subnets.map(({ meta }) => meta.name).sort();
    const patch = vpcStatusPatch(current.status, {
      standby: true,
      default: vpc.isDefault,
      router: vpc.name,
      defaultLogicalSwitch: vpc.isDefault ? settings.defaultSubnet : '',
      subnets: names,
    });
    await patchObject(writes, cluster.vpcs, { name: vpc.name, patch, part: 'status' });
  }

  async #patch(name: string, patch: MergePatch | undefined): Promise<void> {
    await patchObject(this.#context.writes, this.#context.cluster.vpcs, { name, patch });
  }

  /** Nodes with an address of their own behind the router, as IP objects record it. */
  #nodes(): readonly ServiceNode[] {
    const { nodes, ips } = this.#context.cluster;
    return [...nodes.values()].flatMap(({ name }) => {
      const addresses = ips.get(nodeIpName(name))?.addresses ?? [];
      return addresses.length === 0 ? [] : [{ name, addresses }];
    });
  }

  /** All that are in the Vpc, also those with which something else is wrong. */
  #subnetsOf(vpc: string): readonly SubnetObject[] {
    return [...this.#context.addresses.subnets].filter(
      ({ claims }) => claims.isOvn && claims.vpc === vpc,
    );
  }

  #sayWhatIsNotSupported({ meta }: VpcObject, { peerings }: Vpc): void {
    if (peerings.length === 0) return;
    const what = 'vpcPeerings are not supported by this controller: they are not made';
    const event = failureEvent('VpcNotSupported', 'vpcPeerings', what);
    this.#context.events.infoOnce(aboutOwn('Vpc', meta), event);
  }

  #refused({ meta }: VpcObject, why: string, waitsFor?: readonly string[]): NotDone {
    const event = failureEvent('ReconcileVpcFailed', 'vpc', why);
    this.#context.events.warnOnce(aboutOwn('Vpc', meta), event);
    return new NotDone(why, waitsFor === undefined ? {} : { waitsFor });
  }
}
