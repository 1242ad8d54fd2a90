/**
 * How many addresses of a Subnet and its IPPools are in use, written to their status.
 */
import { isDeepStrictEqual } from 'node:util';
import { checkedValue } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import { ipPoolUsagePatch } from '../ippool/object/ippool-status.ts';
import { patchObject } from '../patch-object.ts';
import type { Subnet, SubnetObject } from './object/subnet.ts';
import { subnetUsagePatch, usingCount } from './object/subnet-status.ts';

/** What the counting uses. */
export type UsageContext = Uses<'addresses' | 'ipIndex' | 'writes', 'ipPools' | 'subnets'>;

/** Counts the addresses of one Subnet by its name, and of its IPPools. */
export class UsageReconciler {
  readonly #context: UsageContext;
  /** What Subnets say of their usage since it was last counted, by name. */
  readonly #counted = new Map<string, SubnetObject['status']['usage']>();

  constructor(context: UsageContext) {
    this.#context = context;
  }

  /** @param name of the Subnet */
  async reconcile(name: string): Promise<void> {
    const { addresses } = this.#context;
    const object = addresses.subnet(name);
    const subnet = object && checkedValue(object.checked);
    if (subnet === undefined) {
      this.#counted.delete(name);
      return;
    }
    await this.#count(subnet);
    for (const { checked, meta } of this.#context.cluster.ipPools.values()) {
      if (checkedValue(checked)?.subnet === name) await this.#countPool(meta.name, name);
    }
  }

  /**
   * True where a Subnet says what was counted last. Then its change is no reason to count: it is our own
   * write that comes back, most of the time in the middle of another change, of which one half would be
   * counted.
   */
  isCounted({ meta, status }: SubnetObject): boolean {
    return isDeepStrictEqual(status.usage, this.#counted.get(meta.name));
  }

  async #count(subnet: Subnet): Promise<void> {
    const { addresses, cluster, writes } = this.#context;
    const { name } = subnet;
    const current = cluster.subnets.get(name);
    const usage = addresses.allocator.usage(name);
    if (current === undefined || usage === undefined) return;
    const using = usingCount(subnet, this.#context.ipIndex.ofSubnet(name));
    const patch = subnetUsagePatch(subnet, current.status, using, usage);
    const { status = {} } = (patch ?? {}) as { status?: SubnetObject['status']['usage'] };
    // Its watch may bring the write before the answer to it comes.
    this.#counted.set(name, { ...current.status.usage, ...status });
    try {
      await patchObject(writes, cluster.subnets, { name, patch, part: 'status' });
    } catch (error) {
      this.#counted.delete(name);
      throw error;
    }
  }

  async #countPool(pool: string, subnet: string): Promise<void> {
    const { addresses, cluster, writes } = this.#context;
    const current = cluster.ipPools.get(pool);
    const usage = addresses.allocator.poolUsage(subnet, pool);
    if (current === undefined || usage === undefined) return;
    const patch = ipPoolUsagePatch(current.status, usage);
    await patchObject(writes, cluster.ipPools, { name: pool, patch, part: 'status' });
  }
}
