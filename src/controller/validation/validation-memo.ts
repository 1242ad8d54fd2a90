/**
 * What was judged before: when one Subnet among thousands changes, those about which nothing that
 * matters has changed are judged no second time. Objects are compared by identity: whoever follows them
 * has another one for each change.
 */
import type { Node } from '../kinds/node/object/node.ts';
import type { SubnetObject } from '../kinds/subnet/object/subnet.ts';
import type { VlanObject } from '../kinds/vlan/object/vlan.ts';
import type { VpcObject } from '../kinds/vpc/object/vpc.ts';
import type { Problem } from '../model/problem.ts';

/** What a Subnet is judged by, besides itself. */
export interface Beside {
  readonly rivals: readonly SubnetObject[];
  readonly nodes: readonly Node[];
  readonly vlan: VlanObject | undefined;
}

interface Known extends Beside {
  /** As it is written. */
  readonly written: SubnetObject;
  /** As it was compared with others. */
  readonly compared: SubnetObject;
  readonly judged: SubnetObject;
}

/** What all Subnets are judged by. */
interface Around {
  readonly vpcs: readonly VpcObject[];
  lackOf?(kind: 'vlans' | 'vpcs'): Problem | undefined;
}

export class JudgeMemo {
  #known = new Map<string, Known>();
  #vpcs: readonly VpcObject[] = [];
  #lacks = '';
  #isSameAround = false;

  /** All Subnets are judged. */
  begin({ vpcs, lackOf }: Around): void {
    const lacks = JSON.stringify([lackOf?.('vlans'), lackOf?.('vpcs')]);
    this.#isSameAround = lacks === this.#lacks && isSameList(vpcs, this.#vpcs);
    this.#vpcs = vpcs;
    this.#lacks = lacks;
  }

  /** What a Subnet was compared as, where it is written as it was, and had nothing held back. */
  comparedOf(written: SubnetObject): SubnetObject | undefined {
    const known = this.#known.get(written.meta.name);
    return known?.written === written && !known.compared.isHeldBack ? known.compared : undefined;
  }

  /** @param judge is asked where something has changed */
  judgedOf(
    written: SubnetObject,
    compared: SubnetObject,
    beside: Beside,
    judge: () => SubnetObject,
  ): SubnetObject {
    const { name } = written.meta;
    const known = this.#known.get(name);
    const isSame =
      this.#isSameAround &&
      known?.compared === compared &&
      known.vlan === beside.vlan &&
      isSameList(known.rivals, beside.rivals) &&
      isSameList(known.nodes, beside.nodes);
    const judged = isSame ? known.judged : judge();
    this.#known.set(name, { written, compared, ...beside, judged });
    return judged;
  }

  /** Of Subnets that have gone nothing is kept. */
  end(names: ReadonlyMap<string, unknown>): void {
    if (this.#known.size === names.size) return;
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
  }
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
