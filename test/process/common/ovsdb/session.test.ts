/** The session with real servers: one alone, and a cluster. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectNone, expectRow, whereUuid } from '../../../../src/common/ovsdb/operation.ts';
import { parseRemotes, type TlsFiles } from '../../../../src/common/ovsdb/remote.ts';
import { Replica } from '../../../../src/common/ovsdb/replica.ts';
import { OvsdbSession } from '../../../../src/common/ovsdb/session.ts';
import { setOf } from '../../../../src/common/ovsdb/value.ts';
import { createTls, NB_SCHEMA, OvsdbCluster, OvsdbServer } from '../../../lab/ovsdb-server.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';
import { failureOf, follow, insertSwitch } from './support.ts';

async function startServer(schema = NB_SCHEMA): Promise<OvsdbServer> {
  const server = await OvsdbServer.start(schema);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

describe('a session that is stopped', () => {
  it('in the moment in which it connects, ends', async () => {
    const server = await startServer();
    const stopped = Promise.withResolvers<void>();
    const session = new OvsdbSession({
      remotes: parseRemotes(server.remote),
      database: 'OVN_Northbound',
      replica: new Replica([]),
      log: new RecordingLog(),
      outage: { fields: {}, lost: 'lost', back: 'back' },
      // Asked for when there is a connection, and before anything is sent over it.
      get needsLeader() {
        stopped.resolve(session.stop());
        return true;
      },
    });
    session.start();
    await stopped.promise;
    expect(session.isLive).toBe(false);
  });

  it('while files of TLS are read that never end, ends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ovsdb-tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const pipe = join(folder, 'key.pem');
    await promisify(execFile)('mkfifo', [pipe]);
    const tls = { privateKey: pipe, certificate: '/dev/null', caCertificate: '/dev/null' };
    const followed = follow('ssl:127.0.0.1:1', { tls });
    await followed.session.stop();
    expect(followed.session.isLive).toBe(false);
    // The read ends with its writer.
    await writeFile(pipe, '');
  });
});

describe('a transaction', () => {
  it('is in the rows when it resolves', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    const hostile = 'a"b\\c\n\u{1F600}{[}';
    await followed.transact(
      {
        op: 'insert',
        table: 'Logical_Switch_Port',
        'uuid-name': 'port',
        row: { name: hostile, addresses: setOf(['unknown', hostile]) },
      },
      { op: 'insert', table: 'Logical_Switch', row: { name: 'x', ports: ['named-uuid', 'port'] } },
    );
    const [port] = followed.ports.rows.values();
    expect(port).toMatchObject({ name: hostile, external_ids: {} });
    expect(new Set(port?.addresses)).toEqual(new Set(['unknown', hostile]));
    expect(followed.switchesNamed('x')[0]?.ports).toEqual(new Set([port?.uuid]));
  });

  it('is carried out whole or not at all, and says which operation was refused and why', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    const failure = await failureOf(
      followed.transact(insertSwitch('x'), {
        op: 'update',
        table: 'Logical_Switch',
        where: [],
        row: { nothing: 1 },
      }),
    );
    expect(failure.reason).toBe('refused');
    expect(failure.message).toContain('update on Logical_Switch where []: unknown column');
    const set = { op: 'insert', table: 'Address_Set', row: { name: 'set' } } as const;
    const twice = await failureOf(followed.transact(insertSwitch('x'), set, set));
    expect(twice.message).toContain('constraint violation');
    expect(await followed.names()).toEqual([]);
  });

  it('is refused where a row is not what it was made for', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    await followed.transact(expectNone('Logical_Switch', [['name', '==', 'x']]), insertSwitch('x'));
    const [row] = followed.switchesNamed('x');
    if (row === undefined) throw new Error('there is no row');
    const again = followed.transact(
      expectNone('Logical_Switch', [['name', '==', 'x']]),
      insertSwitch('x'),
    );
    expect((await failureOf(again)).reason).toBe('changed');
    await server.nbctl('set', 'Logical_Switch', 'x', 'name=y');
    const where = whereUuid(row.uuid);
    const late = followed.transact(expectRow('Logical_Switch', where, { name: 'x' }), {
      op: 'delete',
      table: 'Logical_Switch',
      where,
    });
    expect((await failureOf(late)).reason).toBe('changed');
    expect(await followed.names()).toEqual(['y']);
  });

  it('whose caller goes away ends with his reason', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    server.signal('SIGSTOP');
    const caller = new AbortController();
    const waiting = followed.session.transact([insertSwitch('x')], caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    server.signal('SIGCONT');
    await followed.names();
  });

  it('that a restart of the server interrupts is told to be so, and the rows tell what came of it', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    await followed.transact(insertSwitch('before'));
    server.signal('SIGSTOP');
    const failure = failureOf(followed.transact(insertSwitch('lost')));
    await server.end('SIGKILL');
    expect(await failure).toMatchObject({ reason: 'interrupted' });
    expect((await failure).message).toContain('no answer to transact');
    expect(followed.switches.rows.size).toBe(1);
    await server.run();
    expect(await followed.names()).toEqual(['before']);
  });
});

describe('a server that goes away', () => {
  it('leaves the rows, and what has changed meanwhile is told when it is back', async () => {
    const server = await startServer();
    const followed = follow(server.remote);
    await followed.live();
    await followed.transact(insertSwitch('stays'), insertSwitch('goes'), insertSwitch('changes'));
    followed.changes.length = 0;
    const stays = followed.switchesNamed('stays')[0];
    await server.end();
    await expect.poll(() => followed.session.isLive).toBe(false);
    const failure = await failureOf(followed.live(0));
    expect(failure.reason).toBe('unreachable');
    expect(failure.message).toContain(
      `no connection to database OVN_Northbound: ${server.remote}: `,
    );
    expect(followed.switches.rows.size).toBe(3);
    const named = (name: string) => [['name', '==', name]];
    await server.transactOffline(
      { op: 'delete', table: 'Logical_Switch', where: named('goes') },
      { op: 'update', table: 'Logical_Switch', where: named('changes'), row: { name: 'changed' } },
    );
    await server.run();
    expect(await followed.names()).toEqual(['changed', 'stays']);
    expect(followed.changes).toHaveLength(2);
    expect(followed.changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'delete' }),
        expect.objectContaining({ kind: 'modify', columns: ['name'] }),
      ]),
    );
    expect(followed.switchesNamed('stays')[0]).toBe(stays);
    expect(followed.log.lines.map(({ message }) => message)).toEqual(['lost', 'back']);
  });

  it('is waited for as long as the caller says, and is tried again until the end', async () => {
    const server = await startServer();
    await server.end();
    const followed = follow(server.remote);
    const failure = await failureOf(followed.live(300));
    expect(failure.message).toContain('ENOENT');
    await server.run();
    await followed.live();
    await followed.session.stop();
    expect(followed.session.isLive).toBe(false);
    expect(await failureOf(followed.transact(insertSwitch('x')))).toMatchObject({
      reason: 'unreachable',
    });
  });
});

describe('several remotes', () => {
  it('are tried in turn', async () => {
    const server = await startServer();
    const followed = follow(`tcp:127.0.0.1:1,unix:/nowhere,${server.remote}`);
    await followed.live();
    expect(followed.log.lines).toEqual([]);
  });

  it('of a cluster: its leader is used, and the new one when it is killed', async () => {
    const cluster = await OvsdbCluster.start();
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const followed = follow(cluster.remotes);
    await followed.live();
    await followed.transact(insertSwitch('first'));
    const transaction = followed.replica.lastTransaction;
    expect(transaction).not.toMatch(/^0+-/);
    followed.changes.length = 0;
    const row = followed.switchesNamed('first')[0];
    const leader = await cluster.leader();
    await leader.end('SIGKILL');
    await expect.poll(() => followed.session.isLive, { timeout: 30_000 }).toBe(false);
    await followed.live();
    expect(await cluster.leader()).not.toBe(leader);
    // From the last transaction on there was nothing.
    expect(followed.switchesNamed('first')[0]).toBe(row);
    expect(followed.changes).toEqual([]);
    await followed.transact(insertSwitch('second'));
    expect(await followed.names()).toEqual(['first', 'second']);
  });

  it('of a cluster: one that stops leading is left', async () => {
    const cluster = await OvsdbCluster.start();
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const followed = follow(cluster.remotes);
    await followed.live();
    const leader = await cluster.leader();
    await leader.tell('cluster/leave', 'OVN_Northbound');
    await expect.poll(() => followed.log.lines.length, { timeout: 30_000 }).toBeGreaterThan(0);
    await followed.live();
    await followed.transact(insertSwitch('second'));
    const others = cluster.members.filter((member) => member !== leader);
    expect(await others[0]?.nbctl('--no-leader-only', 'ls-list')).toContain('second');
  });

  it('of a cluster: a member that does not lead says so, or serves who only reads', async () => {
    const cluster = await OvsdbCluster.start();
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const leader = await cluster.leader();
    const member = cluster.members.find((each) => each !== leader) ?? leader;
    const writer = follow(member.remote);
    const failure = await failureOf(writer.live(1000));
    expect(failure.message).toContain(`${member.remote}: it does not lead its cluster`);
    const reader = follow(member.remote, { needsLeader: false });
    await reader.live();
  });
});

describe('a schema', () => {
  it('may lack a column that an older version lacks', async () => {
    const followed = follow((await startServer()).remote);
    await followed.live();
    expect([followed.acls.has('tier'), followed.acls.has('match')]).toEqual([false, true]);
    const server = await startServer(await schemaWith({ tier: { type: 'integer' } }));
    const newer = follow(server.remote);
    await newer.live();
    expect(newer.acls.has('tier')).toBe(true);
  });

  it('that lacks a column which is needed is named, with its version', async () => {
    const server = await startServer(await schemaWith({ match: undefined }));
    const failure = await failureOf(follow(server.remote).live(300));
    expect(failure.message).toContain('(schema 7.0.0) has no column match of ACL');
  });

  it('is that of the database which is asked for', async () => {
    const server = await startServer();
    const failure = await failureOf(follow(server.remote, { database: 'Elsewhere' }).live(300));
    expect(failure.message).toContain('it has no database of that name');
  });
});

describe('TLS', () => {
  it('has its files read for each connection: they may be replaced', async () => {
    const server = await startServer();
    const first = await createTls(server.folder, 'first');
    const options = (tls: TlsFiles) => [
      `--private-key=${tls.privateKey}`,
      `--certificate=${tls.certificate}`,
      `--ca-cert=${tls.caCertificate}`,
    ];
    await server.end();
    await server.run(options(first));
    const remote = await server.listen('ssl');
    const tls = {
      privateKey: join(server.folder, 'own.key'),
      certificate: join(server.folder, 'own.pem'),
      caCertificate: join(server.folder, 'own.pem'),
    };
    const use = async (files: TlsFiles) => {
      await copyFile(files.privateKey, tls.privateKey);
      await copyFile(files.certificate, tls.certificate);
    };
    await use(first);
    const followed = follow(remote, { tls });
    await followed.live();
    const second = await createTls(server.folder, 'second');
    await use(second);
    await server.end();
    await server.run([...options(second), `--remote=pssl:${remote.split(':').at(-1)}:127.0.0.1`]);
    await expect.poll(() => followed.log.lines.length).toBeGreaterThan(0);
    await followed.live();
    await followed.transact(insertSwitch('x'));
  });

  it('says which file it lacks', async () => {
    const followed = follow('ssl:127.0.0.1:1');
    expect((await failureOf(followed.live(2000))).message).toContain('no private key, certificate');
    const tls = { privateKey: '/nowhere/key', certificate: '/x', caCertificate: '/x' };
    const other = follow('ssl:127.0.0.1:1', { tls });
    expect((await failureOf(other.live(2000))).message).toContain('cannot read /nowhere/key');
  });
});

/** The schema of OVN's northbound database with other columns of ACLs. */
async function schemaWith(columns: Readonly<Record<string, unknown>>): Promise<string> {
  const schema = JSON.parse(await readFile(NB_SCHEMA, 'utf8'));
  Object.assign(schema.tables.ACL.columns, columns);
  delete schema.cksum;
  const folder = await mkdtemp(join(tmpdir(), 'schema-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'schema');
  await writeFile(file, JSON.stringify(schema));
  return file;
}
