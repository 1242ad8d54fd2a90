/**
 * What was validated before: when one Subnet among thousands changes, those about which nothing that
 * matters has changed are validated no second time. Objects are compared by identity: whoever follows them
 * has another one for each change.
 */
import type { Node } from '../kinds/node/object/node.ts';
import type { SubnetObject } from '../kinds/subnet/object/subnet.ts';
import type { VlanObject } from '../kinds/vlan/object/vlan.ts';
import type { VpcObject } from '../kinds/vpc/object/vpc.ts';
import type { Problem } from '../model/problem.ts';
import { RivalIndex } from './subnet-rivals.ts';

/** What a Subnet is validated by, besides itself. */
export interface RelatedObjects {
  readonly rivals: readonly SubnetObject[];
  readonly nodes: readonly Node[];
  readonly vlan: VlanObject | undefined;
}

interface Known extends RelatedObjects {
  /** As it is written. */
  readonly written: SubnetObject;
  /** As it was compared with others. */
  readonly compared: SubnetObject;
  readonly validated: SubnetObject;
}

/** What all Subnets are validated by. */
interface Around {
  readonly vpcs: readonly VpcObject[];
  lackOf?(kind: 'vlans' | 'vpcs'): Problem | undefined;
}

/** Remembers the last validation of each Subnet: `begin`, then each Subnet, then `end`. */
export class ValidationMemo {
  readonly rivals = new RivalIndex();
  #known = new Map<string, Known>();
  #vpcs: readonly VpcObject[] = [];
  #lacks = '';
  #isSameAround = false;

  /** All Subnets are validated. */
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

  /** @param validate is asked where something has changed */
  validatedOf(
    written: SubnetObject,
    compared: SubnetObject,
    related: RelatedObjects,
    validate: () => SubnetObject,
  ): SubnetObject {
    const { name } = written.meta;
    const known = this.#known.get(name);
    const isSame =
      this.#isSameAround &&
      known?.compared === compared &&
      known.vlan === related.vlan &&
      isSameList(known.rivals, related.rivals) &&
      isSameList(known.nodes, related.nodes);
    if (isSame && known.written === written) return known.validated;
    const validated = isSame ? known.validated : validate();
    this.#known.set(name, { written, compared, ...related, validated });
    return validated;
  }

  /** Of Subnets that have gone nothing is kept. */
  end(names: ReadonlyMap<string, unknown>): void {
    if (this.#known.size === names.size) return;
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
  }
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  if (one === other) return true;
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
