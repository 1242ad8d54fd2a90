import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { DesiredPort } from '../../../../../src/controller/ovn/desired.ts';
import {
  address,
  failureOf,
  NOTHING,
  portOf,
  switchOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { pictureOf, rowNamed, rowsOf } from '../../ovn/picture.ts';

const POD = 'shop/web-0';
const IDS = { ...VENDOR, ls: 'front', pod: POD };

/** A database with the switches `front` and `back`. */
async function setUp(): Promise<NbDatabase> {
  const database = await startDatabase();
  for (const name of ['front', 'back'])
    await database.apply((state) => planSwitch(state, switchOf({ name })));
  return database;
}

async function apply(database: NbDatabase, ports: readonly DesiredPort[], pod = POD) {
  await database.apply((state) => planPod(state, pod, ports));
  expect(planPod(await database.read(), pod, ports)).toEqual(NOTHING);
}

const portsOn = async (database: NbDatabase, name: string) =>
  ((await rowNamed(database, 'Logical_Switch', name)).ports ?? []) as { name: string }[];

describe('a port', () => {
  it.each<[string, Partial<DesiredPort> & { addresses?: never }, string, object]>([
    ['of one family', {}, '10.1.0.5', { addresses: ['02:00:00:00:01:05 10.1.0.5'] }],
    ['of both', {}, '10.1.0.5,fd00:1::5', { addresses: ['02:00:00:00:01:05 10.1.0.5 fd00:1::5'] }],
    ['without address', { isSecured: true }, '', { addresses: ['02:00:00:00:01:05'] }],
    [
      'that gets what is for nobody',
      { takesUnknown: true },
      '10.1.0.5',
      { addresses: ['02:00:00:00:01:05 10.1.0.5', 'unknown'] },
    ],
    [
      'that is secured',
      { isSecured: true, virtualAddresses: [address('10.1.0.100'), address('fd00:1::64')] },
      '10.1.0.5',
      {
        addresses: ['02:00:00:00:01:05 10.1.0.5'],
        port_security: ['02:00:00:00:01:05 10.1.0.5 10.1.0.100 fd00:1::64'],
        external_ids: { ...IDS, vips: '10.1.0.100,fd00:1::64', 'attach-vips': 'true' },
      },
    ],
    [
      'of another Vpc than the default one',
      { vpc: 'tenant' },
      '10.1.0.5',
      {
        addresses: ['02:00:00:00:01:05 10.1.0.5'],
        external_ids: { ...IDS, 'associated_sg_default-securitygroup': 'false' },
      },
    ],
  ])('%s is made as Kube-OVN makes it', async (_, changes, addresses, columns) => {
    const database = await setUp();
    const port = portOf(addresses, changes);
    await apply(database, [port]);
    const row = { name: port.name, external_ids: IDS, ...columns };
    expect(await portsOn(database, 'front')).toEqual([row]);
    expect(await portsOn(database, 'back')).toEqual([]);
  });

  it('is corrected, column by column, and keeps what is not ours', async () => {
    const database = await setUp();
    await apply(database, [portOf('10.1.0.5', { isSecured: true, vpc: 'tenant' })]);
    const { name } = portOf();
    await database.by(
      ...['set', 'Logical_Switch_Port', name, 'addresses=dynamic', 'type=virtual'],
      ...['external_ids:ls=wrong', 'external_ids:owner=me', 'options:requested-chassis=node1'],
      ...['external_ids:security_groups=gone', 'external_ids:associated_sg_gone=true'],
    );
    await apply(database, [portOf()]);
    expect(await portsOn(database, 'front')).toEqual([
      {
        name,
        addresses: ['02:00:00:00:01:05 10.1.0.5'],
        options: { 'requested-chassis': 'node1' },
        external_ids: { ...IDS, owner: 'me' },
      },
    ]);
  });

  it('moves to another switch as the row that it is', async () => {
    const database = await setUp();
    await apply(database, [portOf()]);
    await database.by('set', 'Logical_Switch_Port', portOf().name, 'options:mine=1');
    const before = (await database.read()).switchPortNamed(portOf().name)?.uuid;
    const moved = portOf('10.2.0.5', { subnet: 'back' });
    await apply(database, [moved]);
    expect(await portsOn(database, 'front')).toEqual([]);
    expect(await portsOn(database, 'back')).toEqual([
      {
        name: moved.name,
        addresses: ['02:00:00:00:01:05 10.2.0.5'],
        options: { mine: '1' },
        external_ids: { ...IDS, ls: 'back' },
      },
    ]);
    expect((await database.read()).switchPortNamed(moved.name)?.uuid).toBe(before);
  });

  it('is fetched back from a switch that is not ours', async () => {
    const database = await setUp();
    await apply(database, [portOf()]);
    const uuid = (await database.read()).switchPortNamed(portOf().name)?.uuid ?? '';
    await database.by(
      ...['ls-add', 'theirs', '--', 'lsp-add', 'theirs', 'neighbour'],
      ...['--', 'remove', 'Logical_Switch', 'front', 'ports', uuid],
      ...['--', 'add', 'Logical_Switch', 'theirs', 'ports', uuid],
    );
    await apply(database, [portOf()]);
    expect(await portsOn(database, 'theirs')).toEqual([{ name: 'neighbour' }]);
    expect(await portsOn(database, 'front')).toHaveLength(1);
  });

  it('waits for the switch of its Subnet', async () => {
    const database = await setUp();
    const failure = await failureOf(() => apply(database, [portOf('', { subnet: 'nowhere' })]));
    expect(failure.reason).toBe('missing');
    expect(failure.message).toContain('Subnet nowhere has no logical switch yet');
  });
});

describe('a pod', () => {
  it('has as many ports as NICs', async () => {
    const database = await setUp();
    const nics = [
      portOf('10.1.0.5', { name: 'web-0.shop.net.shop.ovn.net1' }),
      portOf('10.1.0.6', { name: 'web-0.shop.net.shop.ovn.net2', mac: '02:00:00:00:01:06' }),
      portOf('10.2.0.7', { name: 'web-0.shop.other.shop.ovn', subnet: 'back' }),
    ];
    await apply(database, nics);
    expect(await portsOn(database, 'front')).toHaveLength(2);
    expect(await portsOn(database, 'back')).toHaveLength(1);
    await apply(database, nics.slice(1));
    expect((await portsOn(database, 'front')).map(({ name }) => name)).toEqual([nics[1]?.name]);
    expect(await portsOn(database, 'back')).toHaveLength(1);
    await apply(database, []);
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([]);
  });

  it('that goes takes no port with it but its own', async () => {
    const database = await setUp();
    await apply(database, [portOf()]);
    await apply(database, [portOf('10.1.0.6', { name: 'web-1.shop' })], 'shop/web-1');
    await database.by('lsp-add', 'front', 'theirs', '--', 'lsp-set-addresses', 'theirs', 'unknown');
    await database.by('set', 'Logical_Switch_Port', 'theirs', 'external_ids:pod="shop/web-0"');
    await apply(database, []);
    expect((await portsOn(database, 'front')).map(({ name }) => name)).toEqual([
      'web-1.shop',
      'theirs',
    ]);
  });
});

describe('a name that is taken', () => {
  it('by a port that is not ours is left to it', async () => {
    const database = await setUp();
    await database.by('lsp-add', 'front', portOf().name);
    const before = await pictureOf(database);
    expect((await failureOf(() => apply(database, [portOf()]))).reason).toBe('taken');
    await apply(database, []);
    expect(await pictureOf(database)).toEqual(before);
  });

  it("by another pod's port is left to that pod", async () => {
    const database = await setUp();
    await apply(database, [portOf('10.1.0.6', { name: 'a.b.c' })], 'c/a.b');
    const failure = await failureOf(() =>
      apply(database, [portOf('', { name: 'a.b.c' })], 'b.c/a'),
    );
    expect(failure.message).toBe('Logical_Switch_Port a.b.c is taken: it is the port of pod c/a.b');
  });

  it("by a Subnet's port to its provider network is left to the Subnet", async () => {
    const database = await startDatabase();
    const desired = switchOf({ localnet: { network: 'physnet', cidrs: [] } });
    await database.apply((state) => planSwitch(state, desired));
    const port = portOf('10.1.0.5', { name: 'localnet.front' });
    const failure = await failureOf(() => apply(database, [port], 'front/localnet'));
    expect(failure.reason).toBe('taken');
  });

  it('by a Subnet that may still be made is left to it', async () => {
    const database = await setUp();
    const port = portOf('10.1.0.5', { name: 'localnet.prod' });
    const failure = await failureOf(() => apply(database, [port], 'prod/localnet'));
    expect(failure.reason).toBe('taken');
    expect(failure.message).toContain('the port of Subnet prod to its provider network');
    const desired = switchOf({ name: 'prod', localnet: { network: 'physnet', cidrs: [] } });
    await database.apply((state) => planSwitch(state, desired));
    expect((await rowNamed(database, 'Logical_Switch_Port', 'localnet.prod')).type).toBe(
      'localnet',
    );
  });
});
