import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Mirror, type MirrorOptions } from '../../../../src/daemon/ovs/mirror.ts';
import { OvsSession } from '../../../../src/daemon/ovs/session.ts';
import type { Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';
import { OvsDatabase } from './database.ts';
import { type Printed, parseListings } from './listing.ts';

/** No program of this machine has one of this name. */
const NAME = 'mirror-test0';

/** A database, and mirrors that are set up in it one after another, as by daemons that start. */
async function setUp() {
  const database = await OvsDatabase.start();
  const log = new RecordingLog();
  const parts: { stop(): void }[] = [];
  onTestFinished(async () => {
    for (const part of parts) part.stop();
    await database[Symbol.asyncDispose]();
  });

  /** @param transactions commands of each call of ovs-vsctl, and looks at the rows */
  const start = (changes: Partial<MirrorOptions> = {}, transactions: string[][] = []) => {
    const vsctl: Vsctl = (commands) => {
      transactions.push([...commands]);
      return database.vsctl(commands);
    };
    const ovs = new OvsSession({ database: database.remote, log });
    const { interfaces, bridges } = ovs;
    const look = {
      fresh: () => {
        transactions.push(['look']);
        return ovs.fresh();
      },
    };
    const mirror = new Mirror({
      ...{ ovs: look, vsctl, interfaces, bridges, name: NAME, all: false, isOnDemand: false, log },
      ...changes,
    });
    parts.push(mirror, ovs);
    for (const part of [ovs, mirror]) part.start();
    return mirror;
  };
  const list = async (name: string): Promise<Printed[]> =>
    parseListings(await database.vsctl(['--', 'list', name]))[0] ?? [];
  const named = async (name: string, row: string) =>
    (await list(name)).find((candidate) => candidate.name === row);
  return { database, log, start, list, named };
}

describe('a mirror that is set up', () => {
  it('has its rows, of which its UUID tells', async () => {
    const { start, list, named, log } = await setUp();
    const mirror = start();
    expect(mirror.uuid).toBeUndefined();
    await mirror.settled;
    const port = await named('Port', NAME);
    expect(await list('Mirror')).toMatchObject([
      { _uuid: mirror.uuid, name: 'm0', select_all: false, output_port: port?._uuid },
    ]);
    expect(await named('Bridge', 'br-int')).toMatchObject({ mirrors: mirror.uuid });
    expect(await named('Interface', NAME)).toMatchObject({
      type: 'internal',
      external_ids: { 'kube-ovn-mirror': 'true' },
    });
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({ level: 'info', fields: { mirror: mirror.uuid } });
  });

  it('has a link that the node has as it is', async () => {
    const { start, named } = await setUp();
    await start({ name: 'lo' }).settled;
    expect(await named('Interface', 'lo')).toMatchObject({ type: '', external_ids: {} });
  });

  it('is set up again on a bridge that takes the place of the first', async () => {
    const { database, start, list } = await setUp();
    const mirror = start();
    await mirror.settled;
    const first = mirror.uuid;
    await database.vsctl(['--', 'del-br', 'br-int', '--', 'add-br', 'br-int']);
    await expect.poll(() => mirror.uuid).not.toBe(first);
    expect(await list('Mirror')).toMatchObject([{ _uuid: mirror.uuid, name: 'm0' }]);
  });

  it('waits for the bridge', async () => {
    const { database, start, list } = await setUp();
    await database.vsctl(['--', 'del-br', 'br-int']);
    const mirror = start();
    await database.vsctl(['--', 'add-br', 'br-ex']);
    await database.vsctl(['--', 'add-br', 'br-int']);
    await mirror.settled;
    expect(await list('Mirror')).toMatchObject([{ _uuid: mirror.uuid }]);
  });
});

describe('a mirror that is there', () => {
  /** One that chooses br-int's own port, beside one that an operator made. */
  async function established() {
    const parts = await setUp();
    const { database, start, named, list } = parts;
    const first = start();
    await first.settled;
    const { _uuid: chosen } = (await named('Port', 'br-int')) ?? {};
    await database.vsctl([
      ...['--', 'add', 'Mirror', `${first.uuid}`, 'select_dst_port', `${chosen}`],
      ...['--', '--id=@own', 'create', 'Mirror', 'name=own', 'select_vlan=7'],
      ...['--', 'add', 'Bridge', 'br-int', 'mirrors', '@own'],
    ]);
    const snapshot = () => Promise.all(['Bridge', 'Port', 'Interface', 'Mirror'].map(list));
    return { ...parts, first, chosen, snapshot, before: await snapshot() };
  }

  it('is read once and left as it is', async () => {
    const { start, first, snapshot, before, log } = await established();
    const transactions: string[][] = [];
    const second = start({}, transactions);
    await second.settled;
    expect(second.uuid).toBe(first.uuid);
    expect(transactions).toHaveLength(1);
    expect(await snapshot()).toEqual(before);
    expect(log.lines).toHaveLength(1);
  });

  it('comes to mirror everything, and ceases to', async () => {
    const { start, list, before } = await established();
    const rows = before[3] ?? [];
    for (const all of [true, false]) {
      const mirror = start({ all });
      await mirror.settled;
      expect(mirror.all).toBe(all);
      expect(await list('Mirror')).toEqual(
        rows.map((row) => (row.name === 'm0' ? { ...row, select_all: all } : row)),
      );
    }
  });

  it('moves to another port, and the one that was made for it goes', async () => {
    const { database, start, first, chosen, named } = await established();
    const second = start({ name: 'mirror-test1' });
    await second.settled;
    expect(second.uuid).toBe(first.uuid);
    const port = await named('Port', 'mirror-test1');
    expect(await named('Mirror', 'm0')).toMatchObject({
      output_port: port?._uuid,
      select_dst_port: chosen,
    });
    expect(await named('Mirror', 'own')).toMatchObject({ select_vlan: 7 });
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe('mirror-test1\n');
    expect(await named('Interface', NAME)).toBeUndefined();
  });

  it('is one of several with its name, and the log says which', async () => {
    const { database, start, first, snapshot, log } = await established();
    const create = ['--', '--id=@more', 'create', 'Mirror', 'name=m0'];
    const output = await database.vsctl([
      ...[...create, '--', 'add', 'Bridge', 'br-int', 'mirrors', '@more'],
    ]);
    const before = await snapshot();
    const second = start();
    await second.settled;
    expect(second.uuid).toBe(first.uuid);
    expect(await snapshot()).toEqual(before);
    expect(log.lines.at(-1)).toMatchObject({
      level: 'warn',
      fields: { mirror: first.uuid, others: [output.trim()] },
    });
  });
});

describe('a mirror on demand', () => {
  it('is not made before it is asked for', async () => {
    const { start, list, log } = await setUp();
    const transactions: string[][] = [];
    const mirror = start({ isOnDemand: true }, transactions);
    await vi.waitUntil(() => transactions.length === 1, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([transactions.length, await list('Mirror'), log.lines]).toEqual([1, [], []]);
    expect(mirror.uuid).toBeUndefined();
    mirror.ask();
    mirror.ask();
    await mirror.settled;
    expect(await list('Mirror')).toMatchObject([{ _uuid: mirror.uuid, select_all: false }]);
  });

  it('is made at once where every packet is to be copied', async () => {
    const { start, list } = await setUp();
    await start({ isOnDemand: true, all: true }).settled;
    expect(await list('Mirror')).toMatchObject([{ select_all: true }]);
  });

  it('is kept right where it is there: it ceases to copy every packet', async () => {
    const { start, list } = await setUp();
    const first = start({ all: true });
    await first.settled;
    await start({ isOnDemand: true }).settled;
    expect(await list('Mirror')).toMatchObject([{ _uuid: first.uuid, select_all: false }]);
  });
});

describe('a mirror that cannot be set up', () => {
  it('is tried again until it can, and the log says why not once', async () => {
    const { database, start, log } = await setUp();
    await database.vsctl(['--', 'add-br', 'br-ex', '--', 'add-port', 'br-ex', NAME]);
    const transactions: string[][] = [];
    const mirror = start({}, transactions);
    await vi.waitUntil(() => transactions.length >= 2, 60_000);
    expect(mirror.uuid).toBeUndefined();
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({ level: 'error' });
    expect(log.lines[0]?.message).toContain(
      `cannot set up this node's mirror: --mirror-iface=${NAME} is a port of bridge br-ex`,
    );
    await database.vsctl(['--', 'del-port', NAME]);
    await mirror.settled;
  });

  it('is not tried again when it is stopped', async () => {
    const { database, start } = await setUp();
    await database.vsctl(['--', 'add-br', 'br-ex', '--', 'add-port', 'br-ex', NAME]);
    const transactions: string[][] = [];
    const mirror = start({}, transactions);
    await vi.waitUntil(() => transactions.length === 1, 60_000);
    mirror.stop();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(transactions).toHaveLength(1);
  });
});

it("an interface that OVS cannot use stands in the log, with OVS's reason", async () => {
  const { database, start, log } = await setUp();
  await start().settled;
  await database.vsctl(['--', 'set', 'Interface', NAME, 'error="File exists"']);
  await vi.waitUntil(() => log.lines.length === 2, 60_000);
  expect(log.lines[1]).toMatchObject({ level: 'error', fields: { interface: NAME } });
  expect(log.lines[1]?.message).toContain('File exists');
});
