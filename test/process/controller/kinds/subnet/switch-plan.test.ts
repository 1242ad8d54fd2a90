import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSwitchRemoval } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import { gatewayMac } from '../../../../../src/controller/ovn/router-port.ts';
import {
  aclOf,
  attachedSwitch,
  cidr,
  failureOf,
  MAC,
  NOTHING,
  portOf,
  switchOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { pictureOf, rowNamed, rowsOf } from '../../ovn/picture.ts';
import { apply, LRP, withRouters } from './switch-support.ts';

const ROUTER_LSP = {
  name: 'front-tenant',
  type: 'router',
  addresses: ['router'],
  options: { 'router-port': 'tenant-front' },
  external_ids: { ...VENDOR, ls: 'front' },
};
const remove = (database: NbDatabase, name: string) =>
  database.apply((state) => planSwitchRemoval(state, name));

describe('a switch', () => {
  it('is made with its router port', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    expect(await rowNamed(database, 'Logical_Switch', 'front')).toEqual({
      name: 'front',
      external_ids: VENDOR,
      ports: [ROUTER_LSP],
    });
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([LRP]);
    expect(await rowNamed(database, 'Logical_Router', 'tenant')).toMatchObject({ ports: [LRP] });
  });

  it('has a gateway of each family, in the route table that is asked for', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch('10.1.0.1/24,fd00:1::1/64', { routeTable: 'other' }));
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([
      {
        ...LRP,
        networks: ['10.1.0.1/24', 'fd00:1::1/64'],
        options: { route_table: 'other' },
      },
    ]);
  });

  it('keeps the MAC of its gateway when the address changes', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch('10.1.0.1/24', { routeTable: 'other' }));
    const changed = attachedSwitch('10.1.0.254/24', { newMac: '02:00:00:00:00:99' });
    await apply(database, changed);
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([
      { ...LRP, networks: ['10.1.0.254/24'] },
    ]);
    const state = await database.read();
    expect(gatewayMac(state, 'tenant', 'front')).toBe(MAC);
    expect(gatewayMac(state, 'tenant', 'back')).toBeUndefined();
  });

  it('without a router has none', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    await apply(database, switchOf());
    expect(await rowsOf(database, 'Logical_Switch')).toEqual([
      { name: 'front', external_ids: VENDOR },
    ]);
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([]);
  });

  it('goes from one Vpc to another', async () => {
    const database = await withRouters('tenant', 'other');
    await apply(database, attachedSwitch());
    await apply(database, attachedSwitch('10.1.0.1/24', { vpc: 'other' }));
    const { ports } = await rowNamed(database, 'Logical_Switch', 'front');
    expect(ports).toEqual([expect.objectContaining({ name: 'front-other' })]);
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([
      expect.objectContaining({ name: 'other-front' }),
    ]);
  });

  it('waits for the router of its Vpc', async () => {
    const database = await startDatabase();
    const failure = await failureOf(() => apply(database, attachedSwitch()));
    expect(failure.reason).toBe('missing');
    expect(failure.message).toBe(
      'Subnet front cannot be attached: Vpc tenant has no logical router yet',
    );
    expect(await rowsOf(database, 'Logical_Switch')).toEqual([]);
  });

  it('of one CIDR in two Vpcs is two switches', async () => {
    const database = await withRouters('tenant', 'other');
    await apply(database, attachedSwitch());
    await apply(database, attachedSwitch('10.1.0.1/24', { name: 'twin', vpc: 'other' }));
    const networks = (await rowsOf(database, 'Logical_Router_Port')).map(
      ({ name, networks: n }) => [name, n],
    );
    expect(networks).toEqual([
      ['other-twin', ['10.1.0.1/24']],
      ['tenant-front', ['10.1.0.1/24']],
    ]);
  });
});

describe('a provider network', () => {
  it('is a port of the switch, with a tag where it has one', async () => {
    const database = await startDatabase();
    const localnet = {
      name: 'localnet.front',
      type: 'localnet',
      addresses: ['unknown'],
      options: { network_name: 'physnet' },
      external_ids: { ...VENDOR, ls: 'front' },
    };
    const cidrs = [cidr('10.1.0.0/24'), cidr('fd00:1::/64')];
    await apply(database, switchOf({ localnet: { network: 'physnet', tag: 100, cidrs } }));
    const networks = { ipv4_network: '10.1.0.0/24', ipv6_network: 'fd00:1::/64' };
    const ids = { ...localnet.external_ids, ...networks };
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([
      { ...localnet, tag: 100, external_ids: ids },
    ]);
    await apply(database, switchOf({ localnet: { network: 'physnet', cidrs: [] } }));
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([localnet]);
    await apply(database, switchOf({ localnet: { network: 'other', tag: 7, cidrs: [] } }));
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([
      { ...localnet, tag: 7, options: { network_name: 'other' } },
    ]);
    await apply(database, switchOf());
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([]);
  });
});

describe('ACLs of a switch', () => {
  const drop = aclOf('ip', { log: { name: 'front', severity: 'warning' } });
  const allow = aclOf('ip4.src == 10.1.0.0/24', { priority: 1001, action: 'allow-related' });

  it('are made, and only those go that are not wanted any more', async () => {
    const database = await startDatabase();
    await apply(database, switchOf({ acls: [drop, allow] }));
    const base = { direction: 'to-lport', external_ids: { ...VENDOR, parent: 'front' } };
    const drawn = { ...base, action: 'drop', match: 'ip', priority: 1000 };
    expect(await rowsOf(database, 'ACL')).toEqual([
      { ...base, action: 'allow-related', match: 'ip4.src == 10.1.0.0/24', priority: 1001 },
      { ...drawn, log: true, name: 'front', severity: 'warning' },
    ]);
    await database.by('acl-add', 'front', 'from-lport', '7', 'ip6', 'drop');
    await apply(database, switchOf({ acls: [{ ...allow, priority: 1002 }] }));
    expect(await rowsOf(database, 'ACL')).toEqual([
      { ...base, action: 'allow-related', match: 'ip4.src == 10.1.0.0/24', priority: 1002 },
      { action: 'drop', direction: 'from-lport', match: 'ip6', priority: 7 },
    ]);
  });

  it('cannot pass a packet on where OVN has no tiers', async () => {
    const database = await startDatabase();
    const desired = switchOf({ acls: [aclOf('ip', { action: 'pass' })] });
    const failure = await failureOf(() => apply(database, desired));
    expect(failure.reason).toBe('unsupported');
    expect(failure.details).toContain('OVN 23.06');
  });
});

describe('a name that is taken', () => {
  it('by a switch that is not ours is left to it', async () => {
    const database = await withRouters('tenant');
    await database.by('ls-add', 'front', '--', 'lsp-add', 'front', 'theirs');
    const before = await pictureOf(database);
    const failure = await failureOf(() => apply(database, attachedSwitch()));
    expect(failure.reason).toBe('taken');
    await remove(database, 'front');
    expect(await pictureOf(database)).toEqual(before);
  });

  it.each([
    ['lsp-add', 'theirs', 'front-tenant'],
    ['lrp-add', 'tenant', 'tenant-front', '02:00:00:00:07:07', '192.0.2.1/24'],
  ])('by a port that is not ours is left to it (%s)', async (...command) => {
    const database = await withRouters('tenant');
    await database.by('ls-add', 'theirs', '--', ...command);
    expect((await failureOf(() => apply(database, attachedSwitch()))).reason).toBe('taken');
    expect(await rowsOf(database, 'Logical_Switch')).toEqual([
      expect.objectContaining({ name: 'theirs' }),
    ]);
  });

  it('by another Subnet, which comes to the same, is left to that one', async () => {
    const database = await withRouters('c', 'b-c', 'a', 'a-b');
    await apply(database, attachedSwitch('10.1.0.1/24', { name: 'a-b', vpc: 'c' }));
    const sameSwitchPort = attachedSwitch('10.2.0.1/24', { name: 'a', vpc: 'b-c' });
    const switchFailure = await failureOf(() => apply(database, sameSwitchPort));
    expect(switchFailure.message).toBe(
      'Logical_Switch_Port a-b-c is taken: it is the router port of Subnet a-b',
    );
    await apply(database, attachedSwitch('10.3.0.1/24', { name: 'b-c', vpc: 'a' }));
    const sameRouterPort = attachedSwitch('10.4.0.1/24', { name: 'c', vpc: 'a-b' });
    const routerFailure = await failureOf(() => apply(database, sameRouterPort));
    expect(routerFailure.message).toBe(
      'Logical_Router_Port a-b-c is taken: it leads from Vpc a to Subnet b-c',
    );
  });

  it('by a second switch of ours is made one, with all that both have', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch('10.1.0.1/24', { acls: [aclOf('ip')] }));
    await database.apply((state) => planPod(state, 'shop/web-0', [portOf()]));
    const twin = ['create', 'Logical_Switch', 'name=front', 'external_ids:vendor=kube-ovn'];
    const uuid = await database.by(...twin);
    await database.by(
      'lsp-add',
      uuid,
      'theirs',
      '--',
      'acl-add',
      uuid,
      'to-lport',
      '5',
      'ip',
      'drop',
    );
    await apply(database, attachedSwitch('10.1.0.1/24', { acls: [aclOf('ip')] }));
    const row = await rowNamed(database, 'Logical_Switch', 'front');
    expect(row.acls).toHaveLength(2);
    expect(row.ports).toEqual([
      expect.objectContaining({ name: portOf().name }),
      ROUTER_LSP,
      { name: 'theirs' },
    ]);
  });
});

it('ports of a second switch go, too, where they are not wanted', async () => {
  const database = await withRouters('tenant');
  await apply(database, attachedSwitch());
  const port = await database.by('get', 'Logical_Switch_Port', 'front-tenant', '_uuid');
  await database.by(
    ...['remove', 'Logical_Switch', 'front', 'ports', port, '--', 'create', 'Logical_Switch'],
    ...['name=front', 'external_ids:vendor=kube-ovn', `ports=${port}`],
  );
  await apply(database, switchOf());
  expect(await rowsOf(database, 'Logical_Switch')).toEqual([
    { name: 'front', external_ids: VENDOR },
  ]);
});

describe('rows of others', () => {
  it('on our switch and router stay as they are', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    await database.by('lsp-add', 'front', 'theirs', '--', 'lsp-set-type', 'theirs', 'localnet');
    await database.by('lrp-add', 'tenant', 'uplink', '02:00:00:00:09:09', '192.0.2.2/24');
    await database.by('qos-add', 'front', 'to-lport', '1', 'ip', 'rate=1000');
    await database.by('set', 'Logical_Switch', 'front', 'other_config:subnet=10.1.0.0/24');
    await apply(database, attachedSwitch('10.1.0.254/24'));
    expect(await rowNamed(database, 'Logical_Switch', 'front')).toMatchObject({
      other_config: { subnet: '10.1.0.0/24' },
      ports: [ROUTER_LSP, { name: 'theirs', type: 'localnet' }],
      qos_rules: [{ priority: 1 }],
    });
    expect(await rowNamed(database, 'Logical_Router_Port', 'uplink')).toEqual({
      name: 'uplink',
      mac: '02:00:00:00:09:09',
      networks: ['192.0.2.2/24'],
    });
  });

  it('of parts of Kube-OVN that are not ours stay: peerings, and ports that lead out', async () => {
    const database = await withRouters('tenant', 'other');
    await apply(database, attachedSwitch());
    const mark = 'external_ids:vendor=kube-ovn';
    const port = ['create', 'Logical_Router_Port', 'mac="02:00:00:00:07:07"', mark];
    const attach = ['--', 'add', 'Logical_Router', 'other', 'ports', '@p'];
    const network = 'networks=169.254.1.1/30';
    await database.by('--id=@p', ...port, 'name=other-tenant', network, 'peer=x', ...attach);
    const chassis = ['--id=@g', 'create', 'Gateway_Chassis', 'name=g', 'chassis_name=n1'];
    const leadsOut = ['name=other-front', network, 'gateway_chassis=@g'];
    await database.by(...chassis, '--', '--id=@p', ...port, ...leadsOut, ...attach);
    const lsp = ['create', 'Logical_Switch_Port', 'name=front-other', 'type=router', mark];
    const options = ['options:router-port=other-front', 'external_ids:ls=front'];
    const hold = ['--', 'add', 'Logical_Switch', 'front', 'ports', '@l'];
    await database.by('--id=@l', ...lsp, ...options, ...hold);
    const before = await pictureOf(database);
    await apply(database, attachedSwitch());
    expect(await pictureOf(database)).toEqual(before);
  });
});

describe('the removal of a switch', () => {
  it('takes all that is ours with it, also ports of pods', async () => {
    const database = await withRouters('tenant');
    const empty = await pictureOf(database);
    await apply(database, attachedSwitch('10.1.0.1/24', { acls: [aclOf('ip')] }));
    await database.apply((state) => planPod(state, 'shop/web-0', [portOf()]));
    const { kept } = await remove(database, 'front');
    expect(kept).toEqual([]);
    expect(await pictureOf(database)).toEqual(empty);
    expect(planSwitchRemoval(await database.read(), 'front')).toEqual(NOTHING);
  });

  it('leaves it to those who have attached something to it', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch('10.1.0.1/24', { acls: [aclOf('ip')] }));
    await database.apply((state) => planPod(state, 'shop/web-0', [portOf()]));
    await database.by('lsp-add', 'front', 'theirs');
    await database.by('acl-add', 'front', 'to-lport', '5', 'ip4', 'drop');
    const { kept } = await remove(database, 'front');
    expect(kept).toEqual(['Logical_Switch front stays: it has ports and acls that are not ours']);
    expect(await rowNamed(database, 'Logical_Switch', 'front')).toMatchObject({
      ports: [{ name: 'theirs' }],
      acls: [{ match: 'ip4' }],
    });
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([]);
    expect(planSwitchRemoval(await database.read(), 'front').operations).toEqual([]);
  });

  it('finds what is left where the switch is gone already', async () => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    await database.by('ls-del', 'front');
    await remove(database, 'front');
    expect(await rowsOf(database, 'Logical_Router_Port')).toEqual([]);
  });

  it.each([
    ['put on another switch', true],
    ['put on another switch as well', false],
  ])('finds a port of ours that somebody has %s', async (_, isMoved) => {
    const database = await withRouters('tenant');
    await apply(database, attachedSwitch());
    await database.apply((state) => planPod(state, 'shop/web-0', [portOf()]));
    await database.by('ls-add', 'theirs');
    const port = (await database.read()).switchPortNamed(portOf().name)?.uuid ?? '';
    await database.by(
      ...(isMoved ? ['remove', 'Logical_Switch', 'front', 'ports', port, '--'] : []),
      ...['add', 'Logical_Switch', 'theirs', 'ports', port],
    );
    await remove(database, 'front');
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([]);
  });
});
