/**
 * Who else is on a VLAN interface. It is deleted while a bridge has its addresses (vlan-interfaces.ts), and with it the
 * kernel deletes what is on it, in whichever network namespace that is: macvlan interfaces of pods, for one.
 */
import Type from 'typebox';
import { parseOutput } from '../../../common/process/output.ts';
import { run } from '../../../common/process/run.ts';
import type { KernelLinks } from './kernel.ts';

/** What `bridge -j fdb show dev` prints: addresses that an interface takes packets for beside its own. */
const ENTRIES = Type.Array(
  Type.Object({ mac: Type.String(), flags: Type.Optional(Type.Array(Type.String())) }),
);

/**
 * Resolves where nothing is on these VLAN interfaces; those that the node does not have are left out. In other
 * namespaces macvlan interfaces are seen that are up; an ipvlan interface is not, for it has the address of
 * what it is on.
 * @throws Error that says what is on one; ToolError
 */
export async function refuseUsedVlans(names: readonly string[], links: KernelLinks): Promise<void> {
  for (const name of names) {
    const link = links.get(name);
    if (link === undefined) continue;
    if (link.master !== undefined) {
      throw new Error(`${name} belongs to ${link.master}, which would lose it: take it out there`);
    }
    const users = [...vlansOn(name, links), ...macvlansOn(await readEntries(name), links)];
    if (users.length > 0) {
      throw new Error(
        `${name} has other interfaces on it, which would be deleted with it: ${users.join(', ')}; have them on another one, or ${name} in neither vlanInterfaces nor preserveVlanInterfaces`,
      );
    }
  }
}

function vlansOn(name: string, links: KernelLinks): string[] {
  return [...links.values()].filter(({ parent }) => parent === name).map((link) => link.name);
}

/** Those of other namespaces by their MACs: the node does not see their names. */
function macvlansOn(entries: string, links: KernelLinks): string[] {
  return parseOutput('bridge', entries, ENTRIES)
    .filter(({ mac, flags }) => flags?.includes('self') && !isGroup(mac))
    .map(({ mac }) => {
      const own = [...links.values()].find((link) => link.kind === 'macvlan' && link.mac === mac);
      return own?.name ?? `one with the MAC ${mac}`;
    });
}

function readEntries(name: string): Promise<string> {
  return run('bridge', ['-j', 'fdb', 'show', 'dev', name]);
}

/** A multicast address (IEEE 802, section 8). */
function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
