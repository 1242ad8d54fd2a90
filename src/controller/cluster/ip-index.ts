/**
 * The IP objects by pod and by Subnet.
 */

import type { IpObject } from '../kinds/ip/object/ip.ts';
import { machineOwner, podOwner } from '../model/owner-key.ts';
import type { Objects } from './collection.ts';

type ByName = ReadonlyMap<string, IpObject>;

const NONE: ByName = new Map();

/** Finds IP objects by who has their addresses, and by Subnet, without a look at all of them. */
export class IpIndex {
  readonly #byPod = new Map<string, Map<string, IpObject>>();
  readonly #bySubnet = new Map<string, Map<string, IpObject>>();

  readonly #settings: { readonly keepsVmAddresses: boolean };

  /** Follows the collection, which has not been started yet. */
  constructor(
    ips: Pick<Objects<IpObject>, 'onChange'>,
    settings: { readonly keepsVmAddresses: boolean },
  ) {
    this.#settings = settings;
    ips.onChange(({ type, value, previous }) => {
      for (const gone of [previous, type === 'deleted' ? value : undefined]) {
        if (gone !== undefined) this.#remove(gone);
      }
      if (type !== 'deleted') this.#add(value);
    });
  }

  /** @param owner see `ownerOf` */
  ofOwner(owner: string): ByName {
    return this.#byPod.get(owner) ?? NONE;
  }

  ofSubnet(subnet: string): ByName {
    return this.#bySubnet.get(subnet) ?? NONE;
  }

  /** Keys of all owners. */
  owners(): IterableIterator<string> {
    return this.#byPod.keys();
  }

  #add(ip: IpObject): void {
    const { name } = ip.meta;
    put(this.#byPod, ownerOf(ip, this.#settings), name, ip);
    put(this.#bySubnet, ip.spec.subnet, name, ip);
  }

  #remove(ip: IpObject): void {
    const { name } = ip.meta;
    drop(this.#byPod, ownerOf(ip, this.#settings), name);
    drop(this.#bySubnet, ip.spec.subnet, name);
  }
}

/**
 * Key of who has an IP object's addresses, as `ownerOfPod`; without namespace, not a pod's. Objects of
 * nodes and of routers are called as what they are for, and no pod's is, whatever namespace they say.
 */
export function ownerOf(
  { meta, spec }: IpObject,
  settings: { readonly keepsVmAddresses: boolean },
): string {
  const { namespace, podName, podType } = spec;
  if (meta.name === podName) return podOwner('', podName);
  const isMachine = settings.keepsVmAddresses && podType === 'VirtualMachine';
  return isMachine ? machineOwner(namespace, podName) : podOwner(namespace, podName);
}

function put<T>(index: Map<string, Map<string, T>>, key: string, name: string, value: T): void {
  const group = index.get(key) ?? new Map<string, T>();
  index.set(key, group.set(name, value));
}

function drop<T>(index: Map<string, Map<string, T>>, key: string, name: string): void {
  const group = index.get(key);
  group?.delete(name);
  if (group?.size === 0) index.delete(key);
}
