import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { withToolTime } from '../../../../src/common/process/tool-time.ts';
import type { Interfaces } from '../../../../src/daemon/ovs/port.ts';
import { OvsSession, withOvs } from '../../../../src/daemon/ovs/session.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';
import { OvsDatabase } from './database.ts';

let database: OvsDatabase;
beforeAll(async () => {
  database = await OvsDatabase.start();
});
afterAll(() => database[Symbol.asyncDispose]());

let log: RecordingLog;
beforeEach(async () => {
  log = new RecordingLog();
});

const forever = new AbortController().signal;

/** A session that follows the database; it is stopped when the test is over. */
function open(): OvsSession {
  const session = new OvsSession({ database: database.remote, log });
  onTestFinished(() => session.stop());
  session.start();
  return session;
}

/** The Interface table of such a session. */
const follow = (): Interfaces => open().interfaces;

const rowNamed = (table: Interfaces, name: string) =>
  [...table.rows.values()].find((row) => row.name === name);

/** Adds an interface with its port. */
async function add(name: string, ...columns: string[]): Promise<void> {
  await database.vsctl([
    '--',
    'add-port',
    'br-int',
    name,
    '--',
    'set',
    'Interface',
    name,
    ...columns,
    'type=internal',
  ]);
}

describe('a replica of a table', () => {
  it('has all rows that there are when it is in step', async () => {
    await add('first', 'external_ids:a="1"', 'external_ids:b="x,y"');
    const table = follow();
    await table.synced(forever);
    expect(rowNamed(table, 'first')).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'first',
      type: 'internal',
      external_ids: { a: '1', b: 'x,y' },
      error: undefined,
      ifindex: undefined,
      ofport: undefined,
      mac: undefined,
      mac_in_use: undefined,
      mtu: undefined,
      ingress_policing_rate: 0,
      ingress_policing_burst: 0,
    });
    expect([...table.rows.keys()].join(' ')).toMatch(/^[0-9a-f-]{36}( [0-9a-f-]{36})*$/);
  });

  it('has nothing before that, and says when', async () => {
    const table = follow();
    expect(table.rows.size).toBe(0);
    const controller = new AbortController();
    const early = table.synced(controller.signal);
    controller.abort(new Error('too early'));
    await expect(early).rejects.toThrow('too early');
    await table.synced(forever);
    await table.synced(forever);
    expect(table.rows.size).toBeGreaterThan(0);
  });

  it('gets new rows', async () => {
    const table = follow();
    await table.synced(forever);
    const arrived = table.until(() => rowNamed(table, 'second'), forever);
    await add('second', 'external_ids:k="v"');
    expect(await arrived).toMatchObject({ external_ids: { k: 'v' } });
  });

  it('has the new values of a changed row, and keeps those that did not change', async () => {
    await add('changed', 'external_ids:a="1"', 'external_ids:b="2"');
    const table = follow();
    await table.synced(forever);
    const size = table.rows.size;
    await database.vsctl([
      ...['--', 'set', 'Interface', 'changed', 'external_ids:a="new"', 'ofport=7'],
      ...['--', 'remove', 'Interface', 'changed', 'external_ids', 'b'],
    ]);
    const row = await table.until(() => {
      const now = rowNamed(table, 'changed');
      return now?.ofport === 7 ? now : undefined;
    }, forever);
    expect(row).toMatchObject({ name: 'changed', external_ids: { a: 'new' }, ofport: 7 });
    expect(table.rows.size).toBe(size);
  });
});

describe('a replica of many rows', () => {
  it('follows several rows that change at once', async () => {
    const names = ['m1', 'm2', 'm3', 'm4'];
    for (const name of names) await add(name, 'external_ids:k="old"');
    const table = follow();
    await table.synced(forever);
    await database.vsctl(
      names.flatMap((name) => ['--', 'set', 'Interface', name, `external_ids:k="new-${name}"`]),
    );
    const values = () => names.map((name) => rowNamed(table, name)?.external_ids.k);
    await table.until(() => !values().includes('old') || undefined, forever);
    expect(values()).toEqual(names.map((name) => `new-${name}`));
  });

  it('loses rows that are gone', async () => {
    await add('gone');
    const table = follow();
    await table.synced(forever);
    const { size } = table.rows;
    await database.vsctl(['--', 'del-port', 'gone']);
    await table.until(() => rowNamed(table, 'gone') === undefined || undefined, forever);
    expect(table.rows.size).toBe(size - 1);
    expect(table.named('gone')).toBeUndefined();
  });

  it('sees rows that come, change and go in one transaction', async () => {
    await add('leaves', 'external_ids:k="1"');
    await add('stays', 'external_ids:k="1"');
    const table = follow();
    await table.synced(forever);
    await database.vsctl([
      ...['--', 'del-port', 'leaves', '--', 'set', 'Interface', 'stays', 'external_ids:k="2"'],
      ...['--', 'add-port', 'br-int', 'comes'],
    ]);
    await table.until(() => rowNamed(table, 'comes'), forever);
    expect(rowNamed(table, 'leaves')).toBeUndefined();
    expect(rowNamed(table, 'stays')).toMatchObject({ external_ids: { k: '2' } });
  });
});

describe('a row', () => {
  it('is found by its name, with its UUID', async () => {
    await add('named', 'external_ids:k="v"');
    const table = follow();
    await table.synced(forever);
    const row = table.named('named');
    expect(row).toMatchObject({ name: 'named', external_ids: { k: 'v' } });
    expect(table.rows.get(row?.uuid ?? '')).toBe(row);
    expect(table.named('__proto__')).toBeUndefined();
  });

  it('is found by its name when another row takes the name in one transaction', async () => {
    await add('again', 'external_ids:round="first"');
    const table = follow();
    await table.synced(forever);
    const again = ['add-port', 'br-int', 'again', '--', 'set', 'Interface', 'again'];
    // In which order both rows are reported is chance.
    for (let round = 0; round < 10; round += 1) {
      const { uuid: old = '' } = table.named('again') ?? {};
      const ids = `external_ids:round="${round}"`;
      await database.vsctl(['--', 'del-port', 'again', '--', ...again, ids]);
      await table.until(() => {
        return rowNamed(table, 'again')?.external_ids.round === `${round}` || undefined;
      }, forever);
      expect(table.named('again')).toMatchObject({ external_ids: { round: `${round}` } });
      expect(table.rows.has(old)).toBe(false);
    }
  });
});

describe('the values of a row', () => {
  it('has keys of maps that objects have by themselves', async () => {
    await add('proto', 'external_ids:__proto__="x"', 'external_ids:constructor="y"');
    const table = follow();
    await table.synced(forever);
    const ids = rowNamed(table, 'proto')?.external_ids ?? {};
    expect(Object.entries(ids).toSorted()).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('a wait for rows', () => {
  it('ends with the reason of its signal, and is not asked again', async () => {
    const table = follow();
    await table.synced(forever);
    const controller = new AbortController();
    let looks = 0;
    const wait = table.until(() => {
      looks += 1;
    }, controller.signal);
    controller.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
    await add('after-abort');
    await table.until(() => rowNamed(table, 'after-abort'), forever);
    expect(looks).toBe(1);
  });

  it('fails with what its look throws', async () => {
    const table = follow();
    const wait = table.until(() => {
      if (rowNamed(table, 'trap')) throw new Error('trapped');
    }, forever);
    await Promise.all([expect(wait).rejects.toThrow('trapped'), add('trap')]);
  });
});

describe('a replica of a database that goes away', () => {
  it('keeps its rows meanwhile, says so, and has the new state when it is back', async () => {
    await add('lost', 'external_ids:k="1"');
    await add('kept', 'external_ids:k="1"');
    const table = follow();
    await table.synced(forever);
    await database.stopServer();
    while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { reason: expect.any(String) } });
    expect(rowNamed(table, 'lost')).toBeDefined();
    await table.synced(forever);

    await database.startServer();
    await database.vsctl([
      ...['--', 'del-port', 'lost', '--', 'set', 'Interface', 'kept', 'external_ids:k="2"'],
      ...['--', 'add-port', 'br-int', 'found'],
    ]);
    await table.until(() => rowNamed(table, 'found'), forever);
    expect(rowNamed(table, 'lost')).toBeUndefined();
    expect(table.named('lost')).toBeUndefined();
    expect(rowNamed(table, 'kept')).toMatchObject({ external_ids: { k: '2' } });
    await add('live-again');
    await table.until(() => rowNamed(table, 'live-again'), forever);
  });

  it('is not started again once it was stopped', async () => {
    const session = open();
    await session.interfaces.synced(forever);
    await database.stopServer();
    while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    session.stop();
    const count = log.lines.length;
    await database.startServer();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(log.lines).toHaveLength(count);
    expect(session.isLive).toBe(false);
  });

  it('says when it is lost and when it is back, however often it is tried in between', async () => {
    const table = follow();
    expect(table.isLive).toBe(false);
    await table.synced(forever);
    expect(table.isLive).toBe(true);
    await database.stopServer();
    await expect.poll(() => table.isLive).toBe(false);
    // Attempts after 100, 300 and 700 ms.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { reason: expect.stringContaining(database.remote) },
        message: expect.stringContaining("lost touch with OVS's database"),
      },
    ]);

    await database.startServer();
    await expect.poll(() => table.isLive, { timeout: 60_000 }).toBe(true);
    expect(log.lines.slice(1)).toEqual([
      {
        level: 'info',
        fields: { durationMs: expect.any(Number) },
        message: expect.stringContaining("back in touch with OVS's database"),
      },
    ]);
  });

  it('may come before the database', async () => {
    await database.stopServer();
    const table = follow();
    while (log.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await database.startServer();
    await table.synced(forever);
    expect(table.rows.size).toBeGreaterThan(0);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });
});

describe('a fresh look', () => {
  it('sees what another client has just written', async () => {
    const session = open();
    for (let round = 0; round < 20; round += 1) {
      const name = `fresh${round}`;
      await add(name, 'external_ids:k="v"');
      expect((await session.fresh()).interfaceNamed(name)?.external_ids).toEqual({ k: 'v' });
      await database.vsctl(['--', 'del-port', name]);
      expect((await session.fresh()).interfaceNamed(name)).toBeUndefined();
    }
  });

  it('waits for a server that restarts', async () => {
    const session = open();
    await session.fresh();
    await database.stopServer();
    await expect.poll(() => session.isLive).toBe(false);
    const look = session.fresh();
    await database.startServer();
    await add('after-restart');
    await look;
    expect((await session.fresh()).interfaceNamed('after-restart')).toBeDefined();
  });

  it('fails where there is no server, and says at which address', async () => {
    const look = withOvs('unix:/nowhere/db.sock', (ovs) => ovs.fresh());
    await expect(look).rejects.toThrow('no connection to database Open_vSwitch: unix:/nowhere');
  });

  it('ends with the time of the work that it is part of, where the server hangs, and says which one', async () => {
    const session = open();
    await session.fresh();
    using _ = hang();
    const look = withToolTime(200, 0, () => session.fresh());
    const silent = `OVS's database ${database.remote} has not answered within 0.2 s`;
    await expect(look).rejects.toThrow(silent);
  });

  it('has all of its time for a first connection: a busy server is not one that is away', async () => {
    using _ = hang(1500);
    const { size } = await withOvs(database.remote, async (ovs) => (await ovs.fresh()).interfaces);
    expect(size).toBeGreaterThan(0);
  });

  it('says of a server that has not answered a first connection that it has accepted it', async () => {
    using _ = hang();
    const look = withToolTime(300, 0, () => open().fresh());
    const accepted = `${database.remote}: it has accepted the connection and not answered yet`;
    await expect(look).rejects.toThrow(`no connection to database Open_vSwitch: ${accepted}`);
  });
});

/** The server does nothing until this is disposed of, or for so long; ms. */
function hang(forMs?: number): Disposable {
  database.pauseServer(true);
  const timer =
    forMs === undefined ? undefined : setTimeout(() => database.pauseServer(false), forMs);
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      database.pauseServer(false);
    },
  };
}
