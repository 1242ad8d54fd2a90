/**
 * Makes Open vSwitch translate its flows again. Before 3.4 it does not when a mirror changes: flows
 * that it has forwarded packets by already go on with or without the mirror, for as long as packets
 * come. It does when a port changes. Whether a mirror's port is a protected one means nothing else:
 * OVS takes no packets from it and forwards none to it (ovs-vswitchd.conf.db(5), "protected",
 * "output_port").
 */

import type { PortRow } from './rows.ts';

/** The port by which a mirror's copies leave. */
export interface MirrorOutput {
  /** UUID. */
  readonly portRow: string;
  readonly isProtected: boolean;
}

/** Belongs in the transaction that changes the mirror; nothing for a port that is made in it. */
export function retranslateCommands(output: MirrorOutput | undefined): string[] {
  if (output === undefined) return [];
  return ['--', 'set', 'Port', output.portRow, `protected=${!output.isProtected}`];
}

/** The output port of a mirror, from its Port row. */
export function toMirrorOutput({
  uuid,
  protected: isProtected,
}: Pick<PortRow, 'uuid' | 'protected'>): MirrorOutput {
  return { portRow: uuid, isProtected };
}
