/**
 * The `iface-id` of an Interface row, which makes it a logical switch port (ovn-controller(8)), and what
 * a row remembers of one that it has lost. Pure; ownership/iface-id-owner.ts decides who has it.
 */
import { quoted } from './vsctl.ts';

/** Ours: the key of a static pod's own identity, which stays when its mirror gets a new UID. */
export const STATIC_POD_ID = 'static_pod';

/** Ours: the `iface-id` that a row had before a newer sandbox took it. */
export const LOST_ID = 'lost-iface-id';

/** Commands that take an `iface-id` from Interface rows; the ports stay. */
export function releaseIfaceIdCommands(uuids: readonly string[], ifaceId: string): string[] {
  return uuids.flatMap((uuid) => [
    ...['--', '--if-exists', 'remove', 'Interface', uuid, 'external_ids', 'iface-id'],
    ...[
      '--',
      '--if-exists',
      'set',
      'Interface',
      uuid,
      `external_ids:${LOST_ID}=${quoted(ifaceId)}`,
    ],
  ]);
}

/** Commands that give an Interface row the `iface-id` back that it has lost. */
export function returnIfaceIdCommands(uuid: string, ifaceId: string): string[] {
  return [
    ...['--', '--if-exists', 'set', 'Interface', uuid, `external_ids:iface-id=${quoted(ifaceId)}`],
    ...['--', '--if-exists', 'remove', 'Interface', uuid, 'external_ids', LOST_ID],
  ];
}
