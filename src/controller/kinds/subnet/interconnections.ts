/**
 * The addresses of routers' legs in underlay Subnets (object/interconnection.ts): allocated as those of
 * pods are, and recorded in an IP object before a router has them. They are let go when the router has
 * them no more: the IP object is deleted, and with that the address is free (ip/reconciler.ts).
 */
import { isConflict } from '../../../common/kubernetes/api.ts';
import { below } from '../../../common/kubernetes/path.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { AllocationError } from '../../ipam/allocator/error.ts';
import type { AddressRequest } from '../../ipam/allocator/request.ts';
import type { Meta } from '../../model/meta.ts';
import { waitFor } from '../../model/wait-names.ts';
import type { Uses } from '../context.ts';
import {
  interconnectionNic,
  isInterconnectionIp,
  ownedBySubnet,
} from '../ip/object/interconnection-ip.ts';
import { type IpObject, ipPatch, newIp } from '../ip/object/ip.ts';
import { patchObject } from '../patch-object.ts';
import { waitsOfRequest } from '../wake-names.ts';
import {
  type Interconnection,
  interconnectionName,
  interconnectionOwner,
} from './object/interconnection.ts';
import type { Subnet } from './object/subnet.ts';

export type InterconnectionsContext = Uses<'addresses' | 'ipIndex' | 'writes', 'ips'>;

export class Interconnections {
  readonly #context: InterconnectionsContext;

  constructor(context: InterconnectionsContext) {
    this.#context = context;
  }

  /**
   * The leg of a Subnet, with its IP object.
   * @param meta of the Subnet
   * @throws NotDone where there is no address for it, or it is another's
   */
  async ensure(subnet: Subnet, meta: Meta): Promise<Interconnection> {
    const leg = this.#acquire(subnet);
    const { cluster, writes } = this.#context;
    const { nic, holder } = interconnectionNic(subnet, leg);
    const ip = cluster.ips.get(nic.port);
    if (ip?.meta.deleting) {
      const message = `IP ${nic.port} is being deleted: it is made again when it has gone`;
      throw new NotDone(message, { isTransient: true, waitsFor: [waitFor.ip(nic.port)] });
    }
    if (ip !== undefined) {
      const patch = ipPatch(ip, nic, holder);
      await patchObject(writes, cluster.ips, { name: nic.port, patch });
      return leg;
    }
    try {
      await writes.create(cluster.ips.path, ownedBySubnet(newIp(nic, holder), meta));
    } catch (error) {
      // It is there, and the watch shows it later.
      if (!isConflict(error)) throw error;
    }
    return leg;
  }

  /**
   * IP objects of legs that a Subnet has no more: all, or those in other Vpcs.
   * @param current the Subnet that has one; undefined where it has none
   */
  surplusOf(name: string, current: Subnet | undefined): readonly IpObject[] {
    const kept = current && interconnectionName(current);
    const ips = [...this.#context.ipIndex.ofSubnet(name).values()];
    return ips.filter((ip) => isInterconnectionIp(ip) && ip.meta.name !== kept);
  }

  /** Has the addresses let go that no router has any more. */
  async remove(ips: readonly IpObject[]): Promise<void> {
    const { cluster, writes } = this.#context;
    const going = ips.filter(({ meta }) => !meta.deleting);
    await Promise.all(
      going.map(({ meta }) => writes.remove(below(cluster.ips.path, meta.name), meta.uid)),
    );
  }

  /**
   * How many addresses of a Subnet its legs hold, in whatever Vpc, with a record and without one.
   * @param vpc of the Subnet
   */
  heldCount(name: string, vpc: string): number {
    const { allocator } = this.#context.addresses;
    const recorded = this.surplusOf(name, undefined).map(({ meta }) => meta.name);
    const legs = new Set([...recorded, interconnectionName({ vpc, name })]);
    const held = [...legs].flatMap((leg) => {
      const allocation = allocator.allocationOf(leg);
      const isOwn = allocation?.subnet === name && allocation.pod === interconnectionOwner(leg);
      return isOwn ? allocation.addresses : [];
    });
    return held.length;
  }

  #acquire(subnet: Subnet): Interconnection {
    const { addresses } = this.#context;
    const asked = subnet.u2oAddresses;
    const nic = interconnectionName(subnet);
    const request: AddressRequest =
      asked.length === 0 ? { kind: 'dynamic' } : { kind: 'fixed', entries: [asked] };
    try {
      const { mac = '', addresses: got } = addresses.allocator.acquire({
        nic,
        pod: interconnectionOwner(nic),
        subnet: subnet.name,
        addresses: request,
        mac: { kind: 'dynamic' },
        // A physical network is mostly that of the nodes.
        skip: addresses.ofNodes,
      });
      return { addresses: got, mac };
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      const waitsFor = [waitFor.ip(nic), ...waitsOfRequest(subnet, request)];
      throw new NotDone(`${error.message}: ${error.details}`, { waitsFor });
    }
  }
}
