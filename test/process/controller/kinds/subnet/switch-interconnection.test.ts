/** The leg of a router in a switch that is on a provider network: its port, and what its policies name. */
import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  planSwitch,
  planSwitchRemoval,
} from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { DesiredSwitch } from '../../../../../src/controller/ovn/desired.ts';
import {
  address,
  attachedSwitch,
  failureOf,
  portOf,
  switchOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { rowsOf } from '../../ovn/picture.ts';
import { apply, LRP, withRouters } from './switch-support.ts';

describe('a leg of the router in a switch that is on a provider network', () => {
  const LEG_MAC = '02:00:00:00:00:77';
  const nodes = [address('192.0.2.1'), address('192.0.2.2'), address('fd00:2::1')];
  const joined = (changes: Partial<DesiredSwitch> = {}) => {
    const wanted = attachedSwitch('10.1.0.9/24', { nodes, ...changes });
    return { ...wanted, attachment: { ...wanted.attachment, mac: LEG_MAC } } as DesiredSwitch;
  };
  const setOf = (suffix: string, addresses: readonly string[]) => ({
    name: `front.u2o_exclude_ip.${suffix}`,
    ...(addresses.length === 0 ? {} : { addresses }),
    external_ids: { ...VENDOR, subnet: 'front', isU2ORoutePolicy: 'true' },
  });

  it('has the MAC that is recorded, also where the router was the gateway before', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    await apply(database, joined());
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([
      { ...LRP, mac: LEG_MAC, networks: ['10.1.0.9/24'] },
    ]);
    const again = await database.apply((state) => planSwitch(state, joined()));
    expect(again.operations).toEqual([]);
  });

  it('has sets of the nodes’ addresses for its policies, which follow them, and go with the switch', async () => {
    const database = await withRouters('tenant');
    await apply(database, joined());
    const both = [setOf('ip4', ['192.0.2.1', '192.0.2.2']), setOf('ip6', ['fd00:2::1'])];
    expect(await rowsOf(database, 'Address_Set')).toEqual(both);
    await apply(database, joined({ nodes: [address('192.0.2.2'), address('192.0.2.3')] }));
    expect(await rowsOf(database, 'Address_Set')).toEqual([
      setOf('ip4', ['192.0.2.2', '192.0.2.3']),
      setOf('ip6', []),
    ]);
    // Until the router's policies are gone, too.
    await apply(database, switchOf());
    expect(await rowsOf(database, 'Address_Set')).toHaveLength(2);
    await database.apply((state) => planSwitchRemoval(state, 'front'));
    expect(await rowsOf(database, 'Address_Set')).toEqual([]);
  });

  it('has groups of its ports by node where its policies name them, and they go with the switch', async () => {
    const database = await withRouters('tenant');
    await apply(database, joined());
    const nic = (name: string) => portOf('10.1.0.5', { name, vpc: 'tenant' });
    await database.apply((state) => planPod(state, 'shop/a', [nic('a.shop')]));
    await database.apply((state) => planPod(state, 'shop/b', [nic('b.shop')]));
    const membersOf = async () => {
      const state = await database.read();
      return [...state.portGroups.values()]
        .map(({ name, ports, external_ids: ids }) => ({
          name,
          ids,
          ports: [...ports].map((uuid) => state.switchPorts.get(uuid)?.name).toSorted(),
        }))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1));
    };
    const ids = { ...VENDOR, lr: 'tenant', ls: 'front', u2o: 'true' };
    const nodeGroups = [
      { node: 'node-1', ports: ['a.shop', 'gone.shop'] },
      { node: 'node-2', ports: ['b.shop'] },
    ];
    await apply(database, joined({ nodeGroups }));
    expect(await membersOf()).toEqual([
      { name: 'front.node.1', ids, ports: ['a.shop'] },
      { name: 'front.node.2', ids, ports: ['b.shop'] },
    ]);
    const again = await database.apply((state) => planSwitch(state, joined({ nodeGroups })));
    expect(again.operations).toEqual([]);
    const moved = [
      { node: 'node-1', ports: ['b.shop'] },
      { node: 'node-2', ports: [] },
    ];
    await apply(database, joined({ nodeGroups: moved }));
    expect(await membersOf()).toEqual([
      { name: 'front.node.1', ids, ports: ['b.shop'] },
      { name: 'front.node.2', ids, ports: [] },
    ]);
    await database.by('pg-add', 'front.node.9');
    const other = joined({ nodeGroups: [{ node: 'node-9', ports: [] }] });
    expect((await failureOf(() => apply(database, other))).reason).toBe('taken');
    await database.apply((state) => planSwitchRemoval(state, 'front'));
    expect((await membersOf()).map(({ name }) => name)).toEqual(['front.node.9']);
  });

  it('takes no set of another Subnet whose name comes to the same', async () => {
    const database = await withRouters('tenant');
    const ids = ['external_ids:vendor=kube-ovn', 'external_ids:subnet="front"'];
    await database.by('create', 'Address_Set', 'name=fr.ont.u2o_exclude_ip.ip4', ...ids);
    const other = { ...joined(), name: 'fr-ont' };
    const failure = await failureOf(() => apply(database, other));
    expect(failure.reason).toBe('taken');
    await database.apply((state) => planSwitchRemoval(state, 'fr-ont'));
    expect(await rowsOf(database, 'Address_Set')).toHaveLength(1);
  });
});
