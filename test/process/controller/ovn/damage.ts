/**
 * What people and other programs do to rows of ours, for the northbound database: they delete,
 * change, misplace and double them. Rows of others they leave alone.
 */

import fc from 'fast-check';
import { isOurs } from '../../../../src/controller/ovn/names.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import type { NbDatabase } from './database.ts';
import { SUBNETS, VPCS } from './world.ts';

/** Something that somebody does to rows of ours; `pick` chooses the row. */
export const damage = fc.record({
  kind: fc.nat({ max: 99 }),
  pick: fc.nat(),
});

/** Does it, where there is such a row. */
export async function doDamage(
  database: NbDatabase,
  { kind, pick }: { kind: number; pick: number },
): Promise<void> {
  const state = await database.read();
  const chosen = <R>(rows: Iterable<R>): R | undefined => {
    const all = [...rows];
    return all[pick % Math.max(all.length, 1)];
  };
  const ours = <R extends { readonly external_ids: Readonly<Record<string, string>> }>(
    rows: ReadonlyMap<string, R>,
  ) => [...rows.values()].filter(isOurs);
  const words = DAMAGES[kind % DAMAGES.length]?.(state, chosen, ours) ?? [];
  if (words.length > 0) await database.by(...words);
}

type Damage = (
  state: NbState,
  chosen: <R>(rows: Iterable<R>) => R | undefined,
  ours: <R extends { readonly external_ids: Readonly<Record<string, string>> }>(
    rows: ReadonlyMap<string, R>,
  ) => R[],
) => string[];

const MARK = 'external_ids:vendor=kube-ovn';

/** Takes a row of ours out of the row that holds it. */
function detach(
  parents: (state: NbState) => Iterable<{ readonly uuid: string }>,
  children: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly external_ids: Readonly<Record<string, string>> }
  >,
  column: string,
  table: string,
): Damage {
  return (state, chosen, ours) => {
    const row = chosen(ours(children(state)));
    if (row === undefined) return [];
    return [...parents(state)].flatMap(({ uuid }) => [
      ...['--', 'remove', table, uuid, column, row.uuid],
    ]);
  };
}

const DAMAGES: readonly Damage[] = [
  detach(
    (s) => s.switches.values(),
    (s) => s.switchPorts,
    'ports',
    'Logical_Switch',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.routerPorts,
    'ports',
    'Logical_Router',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.routes,
    'static_routes',
    'Logical_Router',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.policies,
    'policies',
    'Logical_Router',
  ),
  detach(
    (s) => s.switches.values(),
    (s) => s.acls,
    'acls',
    'Logical_Switch',
  ),
  detach(
    (s) => s.portGroups.values(),
    (s) => s.acls,
    'acls',
    'Port_Group',
  ),
  detach(
    (s) => s.portGroups.values(),
    (s) => s.switchPorts,
    'ports',
    'Port_Group',
  ),
  destroy('Address_Set', (state) => state.addressSets),
  destroy('DHCP_Options', (state) => state.dhcpOptions),
  (state, chosen, ours) => {
    const isFree = ({ acls }: { acls: readonly string[] }) =>
      acls.every((uuid) => isOurs(state.acls.get(uuid) ?? { external_ids: {} }));
    const row = chosen(ours(state.portGroups).filter(isFree));
    return row === undefined ? [] : ['destroy', 'Port_Group', row.uuid];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.switchPorts));
    if (row === undefined) return [];
    const ids = ['ls=s2', 'associated_sg_a=true', 'security_groups=x', 'vips=1'];
    const columns = ['addresses=[junk,"02:00:00:00:00:09 10.1.0.9"]', 'port_security=junk'];
    const all = [...columns, ...ids.map((id) => `external_ids:${id}`)];
    return ['set', 'Logical_Switch_Port', row.uuid, ...all];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.routerPorts));
    const columns = ['networks="192.0.2.7/24"', 'options:route_table=wrong'];
    return row === undefined ? [] : ['set', 'Logical_Router_Port', row.uuid, ...columns];
  },
  misplace(
    'Logical_Switch',
    (s) => s.switches,
    (s) => s.switchPorts,
    true,
  ),
  misplace(
    'Logical_Switch',
    (s) => s.switches,
    (s) => s.switchPorts,
    false,
  ),
  misplace(
    'Logical_Router',
    (s) => s.routers,
    (s) => s.routerPorts,
    true,
  ),
  misplace(
    'Logical_Router',
    (s) => s.routers,
    (s) => s.routerPorts,
    false,
  ),
  (_, chosen) => ['create', 'Logical_Switch', `name=${chosen(SUBNETS)}`, MARK],
  (_, chosen) => ['create', 'Logical_Router', `name=${chosen(VPCS)}`, MARK],
  (state, chosen) => {
    if (state.switchPortNamed('stray') !== undefined) return [];
    return [
      ...['--id=@p', 'create', 'Logical_Switch_Port', 'name=stray', MARK, 'external_ids:ls=s1'],
      ...['external_ids:pod="ns/gone"', '--', 'create', 'Logical_Switch', MARK],
      ...[`name=${chosen(SUBNETS)}`, 'ports=@p'],
    ];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.routers));
    if (row === undefined) return [];
    return [
      ...['--id=@r', 'create', 'Logical_Router_Static_Route', MARK, 'ip_prefix=10.7.0.0/16'],
      ...['nexthop=10.1.0.1', '--', 'add', 'Logical_Router', row.uuid, 'static_routes', '@r'],
      ...['--', 'clear', 'Logical_Router', row.uuid, 'options'],
    ];
  },
];

function destroy(
  table: string,
  rowsOf: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly external_ids: Readonly<Record<string, string>> }
  >,
): Damage {
  return (state, chosen, ours) => {
    const row = chosen(ours(rowsOf(state)));
    return row === undefined ? [] : ['destroy', table, row.uuid];
  };
}

/** Puts a port where another is to be, and takes it from its place, or not. */
function misplace(
  table: string,
  holders: (state: NbState) => ReadonlyMap<string, { uuid: string; ports: ReadonlySet<string> }>,
  ports: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly external_ids: Readonly<Record<string, string>> }
  >,
  isMoved: boolean,
): Damage {
  return (state, chosen, ours) => {
    const port = chosen(ours(ports(state)))?.uuid;
    const target = chosen(holders(state).values());
    if (port === undefined || target === undefined) return [];
    const before = [...holders(state).values()].filter((holder) => holder.ports.has(port));
    return [
      ...(isMoved ? before : []).flatMap(({ uuid }) => [
        '--',
        'remove',
        table,
        uuid,
        'ports',
        port,
      ]),
      ...['--', 'add', table, target.uuid, 'ports', port],
    ];
  };
}
