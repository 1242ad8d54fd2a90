/**
 * Wakes what waits by name (wake-names.ts) when an object has changed, or something is free.
 */

import { type Address, contains } from '../../common/address.ts';
import { matchesLabels } from '../../common/label-selector.ts';
import type { Queues } from '../../common/reconcile/queues.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Addresses } from '../ipam/addresses.ts';
import type { Allocation } from '../ipam/allocator/request.ts';
import { checkedValue } from '../model/problem.ts';
import { waitFor } from '../model/wait-names.ts';
import type { SubnetObject } from './subnet/object/subnet.ts';
import { type FreeView, type Offer, offersOf, offersOfSubnet } from './wake-names.ts';

interface Parts {
  readonly queues: Pick<Queues, 'wake' | 'wakeSome'>;
  readonly addresses: Pick<Addresses, 'allocator' | 'subnet'>;
  readonly cluster: Pick<Cluster, 'ipPools' | 'namespaces' | 'subnets'>;
}

/** Wakes by name the work that waits, in the queues of all kinds. */
export class Wakes {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whoever waits for one of these names (wait-names.ts), whatever it is. */
  wake(...names: readonly string[]): void {
    this.#parts.queues.wake(...names);
  }

  /** What is right or wrong about a Subnet, or what it says, is another thing than it was. */
  subnet(name: string, ...versions: readonly (SubnetObject | undefined)[]): void {
    const objects = [...versions, this.#parts.addresses.subnet(name)];
    const names = new Set([waitFor.subnet(name)]);
    for (const object of objects) {
      if (object === undefined) continue;
      names.add(waitFor.subnetsOf(object.provider));
      for (const namespace of this.#namespacesOf(object)) names.add(waitFor.namespace(namespace));
    }
    this.wake(...names);
  }

  /** An object is for other namespaces than it was, or says something else to them. */
  namespaces(...lists: readonly (readonly string[] | undefined)[]): void {
    this.wake(...new Set(lists.flatMap((list) => (list ?? []).map(waitFor.namespace))));
  }

  /** A NIC no longer has this. */
  freed(held: Allocation): void {
    this.#offer(offersOf(held, this.#freeView()));
  }

  /** An address is no node's any more, so that pods may have it. */
  nodeAddressesFreed(addresses: readonly Address[]): void {
    const { cluster } = this.#parts;
    if (addresses.length === 0) return;
    const view = this.#freeView();
    for (const { meta, claims } of cluster.subnets.values()) {
      const own = addresses.filter((each) => claims.cidrs.some((cidr) => contains(cidr, each)));
      if (own.length === 0) continue;
      this.#offer(offersOfSubnet(meta.name, view));
      this.wake(...own.map((each) => waitFor.address(meta.name, each)));
    }
  }

  #offer(offers: readonly Offer[]): void {
    for (const { name, left } of offers) this.#parts.queues.wakeSome(name, left);
  }

  #namespacesOf({ checked }: SubnetObject): readonly string[] {
    const subnet = checkedValue(checked);
    if (subnet === undefined) return [];
    const { namespaces, namespaceSelectors } = subnet;
    if (namespaceSelectors.length === 0) return namespaces;
    const selected = [...this.#parts.cluster.namespaces.values()].filter(({ labels }) =>
      namespaceSelectors.some((selector) => matchesLabels(selector, labels)),
    );
    return [...namespaces, ...selected.map(({ name }) => name)];
  }

  #freeView(): FreeView {
    const { addresses, cluster } = this.#parts;
    const { allocator } = addresses;
    return {
      freeOf: (subnet) => Number(allocator.availableCount(subnet)),
      freeOfPool: (subnet, pool) => Number(allocator.availableCount(subnet, pool)),
      isFree: (subnet, address) => allocator.ownersOf(subnet, address).length === 0,
      poolsOf: (subnet) =>
        [...cluster.ipPools.values()].flatMap(({ meta, checked }) =>
          checkedValue(checked)?.subnet === subnet ? [meta.name] : [],
        ),
    };
  }
}
