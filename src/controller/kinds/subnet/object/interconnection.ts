/**
 * The leg of a Vpc's router in an underlay Subnet (`u2oInterconnection`: underlay to overlay): its
 * address, and what the Subnet's status says of it. Pure.
 *
 * The gateway of such a Subnet is a physical router. Its pods send what is for others to the leg, and
 * the logical router sends on what is not its own to the physical gateway.
 */
import { type Address, parseAddress } from '../../../../common/address.ts';
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { changedFields } from '../../../model/changes.ts';
import type { MergePatch } from '../../../model/meta.ts';
import { podOwner } from '../../../model/owner-key.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import type { InterconnectionStatus, Subnet } from './subnet.ts';

/** The leg: which addresses and which MAC it has. */
export interface Interconnection {
  /** One of each family of the Subnet, IPv4 first. */
  readonly addresses: readonly Address[];
  readonly mac: string;
}

const NONE: InterconnectionStatus = {
  u2oInterconnectionIP: '',
  u2oInterconnectionMAC: '',
  u2oInterconnectionVPC: '',
};

/** What names of legs begin with. */
export const INTERCONNECTION_PREFIX = 'u2o-interconnection.';

/** Name of the IP object, and of the NIC in the allocator. */
export function interconnectionName({ vpc, name }: Pick<Subnet, 'vpc' | 'name'>): string {
  return `${INTERCONNECTION_PREFIX}${vpc}.${name}`;
}

/** Who has the address in the allocator: no pod, since no namespace has an empty name. */
export function interconnectionOwner(ipName: string): string {
  return podOwner('', ipName);
}

/** Whether a Subnet that is valid has a leg; one without addresses can have none. */
export function isInterconnected({
  isOvn,
  u2oInterconnection,
  blocks,
}: Pick<Subnet, 'isOvn' | 'u2oInterconnection' | 'blocks'>): boolean {
  return isOvn && u2oInterconnection && blocks.length > 0;
}

/** Whether what its pods send to Services is routed to their nodes: Kube-OVN does it in the default Vpc. */
export function goesByNodes(
  subnet: Subnet,
  { defaultVpc }: Pick<ClusterSettings, 'defaultVpc'>,
): boolean {
  return isInterconnected(subnet) && !subnet.enableLb && subnet.vpc === defaultVpc;
}

export function projectInterconnection(status: unknown): InterconnectionStatus {
  const said = readQuietly(rawFields(status));
  return {
    u2oInterconnectionIP: said.text('u2oInterconnectionIP'),
    u2oInterconnectionMAC: said.text('u2oInterconnectionMAC'),
    u2oInterconnectionVPC: said.text('u2oInterconnectionVPC'),
  };
}

/** The addresses that a status names. */
export function legAddresses({ u2oInterconnectionIP }: InterconnectionStatus): readonly Address[] {
  return u2oInterconnectionIP.split(',').flatMap((text) => parseAddress(text.trim()) ?? []);
}

/** The patch that makes the status say this, or undefined where it does. @param leg undefined for none */
export function interconnectionPatch(
  status: InterconnectionStatus,
  vpc: string,
  leg: Interconnection | undefined,
): MergePatch | undefined {
  const wanted: InterconnectionStatus =
    leg === undefined
      ? NONE
      : {
          u2oInterconnectionIP: leg.addresses.map(({ text }) => text).join(','),
          u2oInterconnectionMAC: leg.mac,
          u2oInterconnectionVPC: vpc,
        };
  const changes = changedFields({ ...status }, { ...wanted });
  return changes && { status: changes };
}
