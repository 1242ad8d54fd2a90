import { expect, it } from 'vitest';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  planSwitch,
  planSwitchRemoval,
} from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { DesiredDhcp, DesiredSwitch } from '../../../../src/controller/ovn/desired.ts';
import {
  cidr,
  MAC,
  NOTHING,
  portOf,
  switchOf,
  VENDOR,
} from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from './database.ts';
import { rowNamed, rowsOf } from './picture.ts';

const V4: DesiredDhcp = {
  cidr: cidr('10.1.0.0/24'),
  options: { router: '10.1.0.1', lease_time: '3600' },
  newMac: MAC,
};
const V6: DesiredDhcp = { cidr: cidr('fd00:1::/64'), options: {}, newMac: MAC };
const BOTH = switchOf({ dhcp: [V4, V6] });

async function apply(database: NbDatabase, desired: DesiredSwitch): Promise<void> {
  await database.apply((state) => planSwitch(state, desired));
  expect(planSwitch(await database.read(), desired)).toEqual(NOTHING);
}

const optionsOf = async (database: NbDatabase) =>
  (await rowsOf(database, 'DHCP_Options')).map(({ options }) => options);

it('options are made once per family, and the MAC of the server stays', async () => {
  const database = await startDatabase();
  await apply(database, BOTH);
  expect(await rowsOf(database, 'DHCP_Options')).toEqual([
    {
      cidr: '10.1.0.0/24',
      options: { server_mac: MAC, router: '10.1.0.1', lease_time: '3600' },
      external_ids: { ...VENDOR, ls: 'front', protocol: 'IPv4' },
    },
    {
      cidr: 'fd00:1::/64',
      options: { server_id: MAC },
      external_ids: { ...VENDOR, ls: 'front', protocol: 'IPv6' },
    },
  ]);
  const changed = { ...V4, options: { router: '10.1.0.2' }, newMac: '02:00:00:00:00:99' };
  await apply(database, switchOf({ dhcp: [changed] }));
  expect(await optionsOf(database)).toEqual([{ server_mac: MAC, router: '10.1.0.2' }]);
});

it('a MAC that the Subnet asks for is taken', async () => {
  const database = await startDatabase();
  await apply(database, BOTH);
  const options = { server_mac: '02:00:00:00:00:77' };
  await apply(database, switchOf({ dhcp: [{ ...V4, options }] }));
  expect(await optionsOf(database)).toEqual([options]);
});

it('a port has options of the families that it has addresses of', async () => {
  const database = await startDatabase();
  await apply(database, BOTH);
  await apply(database, switchOf({ name: 'back' }));
  const ports = [
    portOf('10.1.0.5', { name: 'v4' }),
    portOf('fd00:1::5', { name: 'v6' }),
    portOf('', { name: 'none' }),
    portOf('10.1.0.6,fd00:1::6', { name: 'both' }),
    portOf('10.1.0.7', { name: 'other', subnet: 'back' }),
  ];
  const plan = (state: Parameters<typeof planPod>[0]) => planPod(state, 'shop/web-0', ports);
  await database.apply(plan);
  expect(plan(await database.read())).toEqual(NOTHING);
  const referred = async (name: string) => {
    const row = await rowNamed(database, 'Logical_Switch_Port', name);
    return [row.dhcpv4_options, row.dhcpv6_options];
  };
  expect(await referred('v4')).toEqual(['10.1.0.0/24', undefined]);
  expect(await referred('v6')).toEqual([undefined, 'fd00:1::/64']);
  expect(await referred('none')).toEqual(['10.1.0.0/24', 'fd00:1::/64']);
  expect(await referred('both')).toEqual(['10.1.0.0/24', 'fd00:1::/64']);
  expect(await referred('other')).toEqual([undefined, undefined]);
});

it('ports that are there get options that are made after them, and lose those that go', async () => {
  const database = await startDatabase();
  await apply(database, switchOf());
  const port = portOf('10.1.0.5');
  await database.apply((state) => planPod(state, 'shop/web-0', [port]));
  await apply(database, BOTH);
  const row = () => rowNamed(database, 'Logical_Switch_Port', port.name);
  expect(await row()).toMatchObject({ dhcpv4_options: '10.1.0.0/24' });
  expect(await row()).not.toHaveProperty('dhcpv6_options');
  await database.by('clear', 'Logical_Switch_Port', port.name, 'dhcpv4_options');
  await apply(database, BOTH);
  expect(await row()).toMatchObject({ dhcpv4_options: '10.1.0.0/24' });
  await apply(database, switchOf());
  expect(await rowsOf(database, 'DHCP_Options')).toEqual([]);
  expect(await row()).not.toHaveProperty('dhcpv4_options');
});

it('one family comes and the other goes, and nothing refers to what is gone', async () => {
  const database = await startDatabase();
  await apply(database, switchOf({ dhcp: [V4] }));
  const port = portOf('10.1.0.5,fd00:1::5');
  await database.apply((state) => planPod(state, 'shop/web-0', [port]));
  await apply(database, switchOf({ dhcp: [V6] }));
  const columns = ['get', 'Logical_Switch_Port', port.name, 'dhcpv4_options'];
  expect(await database.by(...columns)).toBe('[]');
  expect(await rowNamed(database, 'Logical_Switch_Port', port.name)).toMatchObject({
    dhcpv6_options: 'fd00:1::/64',
  });
});

it('options of others, of other Subnets and of single ports stay', async () => {
  const database = await startDatabase();
  await apply(database, BOTH);
  await apply(database, switchOf({ name: 'back', dhcp: [V4] }));
  await database.by('dhcp-options-create', '10.1.0.0/24');
  const ids = ['vendor=kube-ovn', 'ls=front', 'protocol=IPv4', 'port=web-0.shop'];
  const marks = ids.map((id) => `external_ids:${id}`);
  await database.by('create', 'DHCP_Options', 'cidr=10.1.0.0/24', ...marks);
  await database.apply((state) => planSwitchRemoval(state, 'front'));
  expect(await rowsOf(database, 'DHCP_Options')).toHaveLength(3);
});

it('a port keeps options that somebody has chosen for it', async () => {
  const database = await startDatabase();
  await apply(database, BOTH);
  const port = portOf('10.1.0.5,fd00:1::5');
  const plan = (state: Parameters<typeof planPod>[0]) => planPod(state, 'shop/web-0', [port]);
  await database.apply(plan);
  const ids = ['vendor=kube-ovn', 'ls=front', 'protocol=IPv4', `port=${port.name}`];
  const marks = ids.map((id) => `external_ids:${id}`);
  const own = await database.by('create', 'DHCP_Options', 'cidr=10.1.0.0/25', ...marks);
  const theirs = await database.by('create', 'DHCP_Options', 'cidr="fd00:1::/80"');
  const columns = [`dhcpv4_options=${own}`, `dhcpv6_options=${theirs}`];
  await database.by('set', 'Logical_Switch_Port', port.name, ...columns);
  expect(plan(await database.read())).toEqual(NOTHING);
});
