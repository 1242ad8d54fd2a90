/**
 * The work on a Vlan: what it does not say is filled in, and its status says which Subnets are in it,
 * and whether an older Vlan has its id.
 */
import { aboutOwn } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import type { Uses } from '../context.ts';
import { patchObject } from '../patch-object.ts';
import { rivalOf, type VlanObject, vlanStatusPatch } from './object/vlan.ts';

export type VlanContext = Uses<'events' | 'writes', 'subnets' | 'vlans'>;

export class VlanReconciler {
  readonly #context: VlanContext;

  constructor(context: VlanContext) {
    this.#context = context;
  }

  async reconcile(name: string): Promise<void> {
    const { cluster, writes } = this.#context;
    const vlan = cluster.vlans.get(name);
    if (vlan === undefined || vlan.meta.deleting) return;
    await patchObject(writes, cluster.vlans, { name, patch: vlan.defaults });
    const rival = rivalOf(vlan, cluster.vlans.values());
    const wanted = { conflict: rival !== undefined, subnets: this.#subnetsOf(name) };
    const patch = vlanStatusPatch(vlan.status, wanted);
    await patchObject(writes, cluster.vlans, { name, patch, part: 'status' });
    this.#say(vlan, rival);
  }

  #subnetsOf(vlan: string): readonly string[] {
    const subnets = [...this.#context.cluster.subnets.values()];
    return subnets
      .filter(({ claims }) => claims.vlan === vlan)
      .map(({ meta }) => meta.name)
      .toSorted();
  }

  #say({ meta, id, provider }: VlanObject, rival: VlanObject | undefined): void {
    const { events } = this.#context;
    const about = aboutOwn('Vlan', meta);
    if (rival === undefined) {
      events.clear(about);
      return;
    }
    const why = `provider ${provider} new vlan ${meta.name} conflict with old vlan ${rival.name}: give one of them another id than ${id}, or remove it; no Subnet is made in it until then`;
    events.warnOnce(about, failureEvent('VlanConflict', 'vlan', why));
  }
}
