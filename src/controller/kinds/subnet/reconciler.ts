/**
 * The work on a Subnet: what it does not say is filled in, its logical switch is made where OVN
 * makes the network, and its conditions say what came of it. Its addresses are kept by Addresses,
 * and counted by usage.ts.
 */
import type { Cidr } from '../../../common/address.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { aboutOwn } from '../../model/about.ts';
import type { Outcome } from '../../model/conditions.ts';
import { failureEvent, outcomeEvent } from '../../model/events.ts';
import { lackOf, withLack } from '../../model/lack.ts';
import { finalizerAdded, finalizerRemoved, type MergePatch } from '../../model/meta.ts';
import { checkedValue, describeProblems, type Problem } from '../../model/problem.ts';
import type { DesiredNodeGroup } from '../../ovn/desired.ts';
import { NorthboundError } from '../../ovn/error.ts';
import { gatewayMac } from '../../ovn/router-port.ts';
import type { NbState } from '../../ovn/state.ts';
import { holdersText } from '../../validation/holders.ts';
import { standbyProblem } from '../../validation/subnet-conflicts.ts';
import type { Uses } from '../context.ts';
import { patchObject } from '../patch-object.ts';
import type { VlanObject } from '../vlan/object/vlan.ts';
import { desiredSwitch, type SwitchContext } from './desired-switch.ts';
import { Interconnections } from './interconnections.ts';
import {
  goesByNodes,
  type Interconnection,
  interconnectionPatch,
  isInterconnected,
} from './object/interconnection.ts';
import type { Subnet, SubnetObject } from './object/subnet.ts';
import { subnetConditionsPatch } from './object/subnet-status.ts';
import { planSwitch, planSwitchRemoval } from './switch-plan.ts';

const NOT_VALID = 'ValidateLogicalSwitchFailed';
/** Nothing is wrong, and the change that is waited for has the Subnet worked on (kind.ts). */
const ON_ITS_WAY = { isTransient: true, waitsFor: [] };

/** What the work on Subnets uses. */
export type SubnetContext = Uses<
  'addresses' | 'events' | 'ipIndex' | 'northbound' | 'settings' | 'writes',
  'ips' | 'nodes' | 'providerNetworks' | 'subnets' | 'vlans' | 'vpcs'
>;

/** The work on one Subnet by its name: defaults, finalizer, logical switch, conditions and events. */
export class SubnetReconciler {
  readonly #context: SubnetContext;
  readonly #onPlaced: (subnet: string) => void;
  readonly #interconnections: Interconnections;

  /** @param onPlaced is called when NICs can be attached to a Subnet */
  constructor(context: SubnetContext, onPlaced: (subnet: string) => void) {
    this.#context = context;
    this.#onPlaced = onPlaced;
    this.#interconnections = new Interconnections(context);
  }

  async reconcile(name: string): Promise<void> {
    const { addresses, northbound } = this.#context;
    const object = addresses.subnet(name);
    if (object === undefined) {
      await northbound?.apply((state) => planSwitchRemoval(state, name));
    } else if (object.meta.deleting) await this.#letGo(object);
    else await this.#ensure(object);
  }

  async #ensure(object: SubnetObject): Promise<void> {
    const { name } = object.meta;
    const current = this.#context.cluster.subnets.get(name);
    if (current === undefined) return;
    // What is not in force is left as it was written.
    const defaults = object.isHeldBack ? undefined : current.defaults;
    await this.#patch(name, merged(finalizerAdded(current.meta), defaults));
    this.#sayWhatIsWithoutEffect(current);
    const subnet = checkedValue(object.checked);
    if (subnet === undefined) {
      if (!('problems' in object.checked)) return;
      const { problems } = object.checked;
      const message = describeProblems(problems);
      const [{ reason = NOT_VALID }] = problems;
      const isOne = problems.every((problem) => problem.reason === reason);
      await this.#report(name, { reason: isOne ? reason : NOT_VALID, message });
      // What it is validated by asks for it when it changes.
      throw new NotDone(message, { waitsFor: [] });
    }
    if (!subnet.isOvn) {
      await this.#report(name, { reason: 'SetNonOvnSubnetSuccess' });
    } else {
      await this.#place(subnet, current);
      const reason = subnet.isPrivate
        ? 'SetPrivateLogicalSwitchSuccess'
        : 'ResetLogicalSwitchAclSuccess';
      await this.#report(name, { reason });
      this.#sayWhatIsNotSupported(current, subnet);
    }
    this.#onPlaced(name);
  }

  #sayWhatIsWithoutEffect({ meta, notes }: SubnetObject): void {
    for (const note of notes) {
      const what = `${note}: it stays as it is written, and nothing comes of it`;
      const event = failureEvent('SubnetFieldIgnored', 'subnet', what);
      this.#context.events.infoOnce(aboutOwn('Subnet', meta), event);
    }
  }

  /** No user asked for what a new cluster begins with (bootstrap.ts). */
  #sayWhatIsNotSupported({ meta, isByBootstrap }: SubnetObject, subnet: Subnet): void {
    const fields = [
      ...(subnet.natOutgoing && !isByBootstrap ? ['natOutgoing'] : []),
      ...(subnet.gatewayType === 'centralized' ? ['gatewayType: centralized'] : []),
      ...(subnet.externalEgressGateway.length > 0 ? ['externalEgressGateway'] : []),
      ...(subnet.vips.length > 0 ? ['vips'] : []),
    ];
    if (fields.length === 0) return;
    const what = `${fields.join(', ')}: not supported by this controller, and without effect`;
    const event = failureEvent('SubnetNotSupported', 'subnet', what);
    this.#context.events.infoOnce(aboutOwn('Subnet', meta), event);
  }

  /** Makes the logical switch, with the router's leg in it where it has one. */
  async #place(subnet: Subnet, object: SubnetObject): Promise<void> {
    const { cluster } = this.#context;
    const { name, vpc } = subnet;
    const waits = standbyProblem(subnet, cluster.vpcs.get(vpc));
    if (waits !== undefined) throw new NotDone(waits.message, { isTransient: true });
    const vlan = await this.#vlanOf(subnet);
    const isWithLeg = isInterconnected(subnet);
    const records = this.#interconnections.surplusOf(name, isWithLeg ? subnet : undefined);
    const surplus = records.filter(({ meta }) => !meta.deleting);
    if (surplus.length > 0) {
      // The router loses the address before anybody else may have it.
      await this.#makeSwitch(subnet, { vlan, leg: undefined });
      await this.#interconnections.remove(surplus);
    }
    const leg = isWithLeg ? await this.#legOf(subnet, object) : undefined;
    await this.#makeSwitch(subnet, { vlan, leg });
    const current = cluster.subnets.get(name);
    const patch = current && interconnectionPatch(current.interconnection, vpc, leg);
    await patchObject(this.#context.writes, cluster.subnets, { name, patch, part: 'status' });
  }

  /** @throws NotDone where there is no address for it */
  async #legOf(subnet: Subnet, { meta }: SubnetObject): Promise<Interconnection> {
    try {
      return await this.#interconnections.ensure(subnet, meta);
    } catch (error) {
      if (error instanceof NotDone && !error.isTransient) {
        const { message } = error;
        await this.#report(subnet.name, { reason: 'CreateLogicalSwitchFailed', message });
      }
      throw error;
    }
  }

  async #makeSwitch(subnet: Subnet, parts: Pick<SwitchContext, 'vlan' | 'leg'>): Promise<void> {
    const { northbound, addresses } = this.#context;
    const { name, vpc } = subnet;
    try {
      if (northbound === undefined) throw noOvn(name);
      const desired = desiredSwitch(subnet, {
        ...parts,
        nodes: this.#nodeNetworks(vpc),
        nodeAddresses: addresses.ofNodes,
        nodeGroups: this.#nodeGroups(subnet),
      });
      let before: NbState | undefined;
      await northbound.apply((state) => {
        before = state;
        return planSwitch(state, desired);
      });
      // A router port keeps its MAC; one that is made now has the new one. A leg's is allocated.
      const had = before && gatewayMac(before, vpc, name);
      const mac = isInterconnected(subnet) ? undefined : (had ?? desired.attachment?.newMac);
      addresses.allocator.setGatewayMac(name, mac);
    } catch (error) {
      if (!(error instanceof NorthboundError)) throw error;
      const { reason, message, details } = error;
      if (reason === 'missing') throw new NotDone(message, { isTransient: true });
      await this.#report(name, {
        reason: 'CreateLogicalSwitchFailed',
        message: `${message}: ${details}`,
      });
      throw error;
    }
  }

  /**
   * The Vlan of a Subnet on a physical network, once the provider network lets the VLAN through.
   * @throws NotDone as long as it does not
   */
  async #vlanOf({ name, vlan: vlanName }: Subnet): Promise<VlanObject | undefined> {
    if (vlanName === '') return undefined;
    const { vlans, providerNetworks } = this.#context.cluster;
    const vlan = vlans.get(vlanName);
    const network = vlan && providerNetworks.get(vlan.provider);
    if (network?.status.vlans.includes(vlanName)) return vlan;
    if (vlan === undefined || network !== undefined) {
      const why = `vlan ${vlanName} is not in the status of its provider network yet`;
      throw new NotDone(why, ON_ITS_WAY);
    }
    const problem = withLack(noNetwork(vlan), lackOf(providerNetworks.availability));
    const message = describeProblems([problem]);
    await this.#report(name, { reason: 'ValidateSubnetVlanFailed', message });
    throw new NotDone(message, { waitsFor: [] });
  }

  async #letGo(object: SubnetObject): Promise<void> {
    const { cluster, ipIndex, northbound } = this.#context;
    const { name } = object.meta;
    const own = this.#interconnections.surplusOf(name, undefined);
    const ips = [...ipIndex.ofSubnet(name).values()].filter((ip) => !own.includes(ip));
    if (ips.length > 0 || this.#isHeld(object)) {
      const of = ips.length > 0 ? ` by ${holdersText(ips)}` : '';
      const message = `subnet ${name} is being deleted, and addresses of it are in use${of}: it goes with the last of them`;
      await this.#report(name, { reason: 'DeleteSubnetWaits', message });
      return;
    }
    await northbound?.apply((state) => planSwitchRemoval(state, name));
    if (own.length > 0) {
      // The last of them that has gone asks for this work again.
      await this.#interconnections.remove(own);
      return;
    }
    const current = cluster.subnets.get(name);
    await this.#patch(name, current && finalizerRemoved(current.meta));
  }

  /** True where a NIC holds addresses of it whose IP object is on its way. */
  #isHeld({ meta: { name }, claims }: SubnetObject): boolean {
    const usage = this.#context.addresses.allocator.usage(name);
    if (usage === undefined) return false;
    return (
      usage.IPv4.using + usage.IPv6.using >
      BigInt(this.#interconnections.heldCount(name, claims.vpc))
    );
  }

  /** Which ports are on which node, as IP objects record it. */
  #nodeGroups(subnet: Subnet): readonly DesiredNodeGroup[] {
    const { cluster, ipIndex, settings } = this.#context;
    if (!goesByNodes(subnet, settings)) return [];
    const byNode = Map.groupBy(ipIndex.ofSubnet(subnet.name).values(), ({ spec }) => spec.nodeName);
    return [...cluster.nodes.values()].map(({ name: node }) => ({
      node,
      ports: (byNode.get(node) ?? []).map(({ meta }) => meta.name),
    }));
  }

  /** Nodes get to pods of the default Vpc by their own ports. */
  #nodeNetworks(vpc: string): readonly Cidr[] {
    const { addresses, settings } = this.#context;
    if (vpc !== settings.defaultVpc) return [];
    const join = addresses.subnet(settings.joinSubnet);
    const subnet = join && checkedValue(join.checked);
    return (subnet?.blocks ?? []).map(({ cidr }) => cidr);
  }

  async #report(name: string, outcome: Outcome): Promise<void> {
    const { cluster, writes, events } = this.#context;
    const current = cluster.subnets.get(name);
    const patch = current && subnetConditionsPatch(current.status, outcome, new Date());
    if (current === undefined || patch === undefined) return;
    await patchObject(writes, cluster.subnets, { name, patch, part: 'status' });
    events.record(aboutOwn('Subnet', current.meta), outcomeEvent(outcome));
  }

  async #patch(name: string, patch: MergePatch | undefined): Promise<void> {
    await patchObject(this.#context.writes, this.#context.cluster.subnets, { name, patch });
  }
}

/** One patch of both: their metadata name different fields, and so do they. */
function merged(
  one: MergePatch | undefined,
  other: MergePatch | undefined,
): MergePatch | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const metadata = { ...(one.metadata as object), ...(other.metadata as object) };
  return { ...one, ...other, metadata };
}

function noNetwork({ name, provider }: VlanObject): Problem {
  return {
    message: `provider network ${provider} of vlan ${name} not found`,
    advice: "create the ProviderNetwork, or set the Vlan's spec.provider to one that is there",
  };
}

function noOvn(subnet: string): NorthboundError {
  return new NorthboundError(
    'unsupported',
    `subnet ${subnet} has no logical switch: there is no OVN in this cluster`,
    'start the controller with --ovn-nb-addr; networks of other plugins can use the Subnet nevertheless',
  );
}
