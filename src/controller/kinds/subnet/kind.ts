/**
 * Subnets: which changes have one worked on, and whom a change of one wakes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import { Pace } from '../../../common/reconcile/pace.ts';
import { checkedValue } from '../../model/problem.ts';
import { hasSameMembers } from '../../model/same-members.ts';
import { waitFor } from '../../model/wait-names.ts';
import type { Uses } from '../context.ts';
import { isInterconnectionIp } from '../ip/object/interconnection-ip.ts';
import type { IpObject } from '../ip/object/ip.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { affectsNics, hasOtherAddresses, hasVlanChanged } from '../predicates.ts';
import { goesByNodes, isInterconnected } from './object/interconnection.ts';
import type { SubnetObject } from './object/subnet.ts';
import { type SubnetContext, SubnetReconciler } from './reconciler.ts';

/** Pods that come one after another are put into their groups together; ms. */
const GROUPS_EVERY_MS = 250;

type Context = SubnetContext & Uses<'queues' | 'signals' | 'wakes', 'ips' | 'nodes'>;

/** The kind Subnet. A change of one wakes the pods that wait for it, or for its switch. */
export function subnetKind(context: Context): Kind {
  const { cluster, events, queues, settings, signals, wakes } = context;
  const { subnets } = cluster;
  const onPlaced = (name: string) => wakes.wake(waitFor.logicalSwitch(name));
  const reconciler = new SubnetReconciler(context, onPlaced);
  const queue = queues.create({
    name: 'subnets',
    what: 'a Subnet',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });

  const pace = new Pace(GROUPS_EVERY_MS, (name) => queue.add(name));

  /** True for one whose rows have the ports of its pods by node. */
  function isByNodes(name: string): boolean {
    const object = subnets.get(name);
    const subnet = object && checkedValue(object.checked);
    return subnet !== undefined && goesByNodes(subnet, settings);
  }

  function addThose(are: (subnet: SubnetObject) => boolean): void {
    for (const subnet of subnets.values()) if (are(subnet)) queue.add(subnet.meta.name);
  }

  /** One that is being deleted may wait for the end of the last address in use. */
  function addDeleting(name: string): void {
    if (subnets.get(name)?.meta.deleting) queue.add(name);
  }

  function changed(change: Change<SubnetObject>): void {
    const { key, value, previous } = change;
    if (affectsNics(change)) {
      queue.add(key);
      wakes.subnet(key, value, previous);
    }
    // Most other changes are of the status, which we write.
    const isLacking = value.defaults !== undefined || value.meta.finalizers.length === 0;
    const isToTell = !isDeepStrictEqual(value.notes, previous?.notes);
    if (isLacking || isToTell || value.meta.deleting) queue.add(key);
  }

  return {
    subscribe: () => [
      () => pace.stop(),
      subnets.onChange(({ type, key }) => {
        if (type === 'deleted') pace.forget(key);
      }),
      subnets.onChange(forgetDeleted(events)),
      subnets.onChange(changed),
      // Their logical switches are attached to the Vpc's router.
      cluster.vpcs.onChange(({ key, value, previous }) => {
        if (value.status.standby === previous?.status.standby) return;
        addThose(({ claims }) => claims.vpc === key);
      }),
      cluster.vlans.onChange((change) => {
        if (hasVlanChanged(change)) addThose(({ claims }) => claims.vlan === change.key);
      }),
      cluster.providerNetworks.onChange(({ type, key, value, previous }) => {
        const { vlans } = value.status;
        if (type === 'updated' && hasSameMembers(vlans, previous?.status.vlans ?? [])) return;
        addThose(({ claims }) => cluster.vlans.get(claims.vlan)?.provider === key);
      }),
      cluster.ips.onChange((change) => {
        const { type, value } = change;
        if (type === 'deleted') addDeleting(value.spec.subnet);
        // The record of its router's leg.
        if (isInterconnectionIp(value)) queue.add(value.spec.subnet);
        else if (isByNodes(value.spec.subnet) && hasOtherNode(change)) {
          pace.add(value.spec.subnet);
        }
      }),
      cluster.nodes.onChange((change) => {
        if (hasOtherAddresses(change)) addThose(hasLeg);
      }),
      signals.freed.on(({ subnet }) => addDeleting(subnet)),
      signals.revalidated.on(({ subnets: names }) => {
        // Private Subnets let in the addresses of the one that connects the nodes.
        if (names.includes(settings.joinSubnet)) {
          addThose(({ claims }) => claims.vpc === settings.defaultVpc);
        }
        for (const name of names) {
          queue.add(name);
          wakes.subnet(name);
        }
      }),
    ],
    addAll: () => addThose(() => true),
    drifted: (change) => {
      if (change.kind === 'subnet') queue.add(change.name);
    },
  };
}

/** True where a NIC came or went, or is on another node than before. */
function hasOtherNode({ type, value, previous }: Change<IpObject>): boolean {
  return type !== 'updated' || value.spec.nodeName !== previous?.spec.nodeName;
}

/** True for one in which a router has a leg: its rows name the addresses of all nodes. */
function hasLeg({ checked }: SubnetObject): boolean {
  const subnet = checkedValue(checked);
  return subnet !== undefined && isInterconnected(subnet);
}
