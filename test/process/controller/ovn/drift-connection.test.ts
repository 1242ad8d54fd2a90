import { expect, it } from 'vitest';
import { mapOf } from '../../../../src/common/ovsdb/value.ts';
import { startDatabase } from './database.ts';
import {
  applyNetwork,
  applyPod,
  PORT,
  pod,
  subnet,
  told,
  watch,
  watched,
} from './drift-support.ts';

const named = (name: string) => [['name', '==', name]];

it('what others do while the database is out of reach is told when it is back, and only that', async () => {
  const database = await startDatabase();
  await applyNetwork(database);
  await applyPod(database);
  const watching = await watched(database);
  await database.stopServer();
  await database.server.transactOffline(
    { op: 'update', table: 'Logical_Router_Port', where: [], row: { networks: '192.0.2.7/24' } },
    { op: 'insert', table: 'Logical_Switch', row: { name: 'new' } },
    { op: 'update', table: 'Logical_Switch_Port', where: named(PORT), row: { addresses: 'x' } },
  );
  await database.startServer();
  await expect.poll(() => watching.changes.length).toBe(2);
  expect(watching.changes).toEqual(expect.arrayContaining([pod(), subnet()]));
  expect(watching.log.lines).toEqual([
    expect.objectContaining({ level: 'warn', fields: { reason: expect.any(String) } }),
    expect.objectContaining({ level: 'info', fields: { durationMs: expect.any(Number) } }),
  ]);
  await database.by('lsp-del', PORT);
  await expect.poll(() => watching.changes.length).toBe(3);
  expect(watching.changes[2]).toEqual(pod());
});

it('a database that is back empty tells that all rows have gone', async () => {
  const database = await startDatabase();
  const ids = mapOf({ vendor: 'kube-ovn' });
  const insert = {
    op: 'insert',
    table: 'Logical_Switch',
    row: { name: 'front', external_ids: ids },
  };
  await database.server.transact(insert);
  const watching = await watched(database);
  await database.stopServer();
  await database.server.transactOffline({ op: 'delete', table: 'Logical_Switch', where: [] });
  await database.startServer();
  await expect.poll(() => watching.changes).toEqual([subnet()]);
});

it('a database that comes late is followed then', async () => {
  const database = await startDatabase();
  await applyNetwork(database);
  await database.stopServer();
  const watching = watch(database.remote);
  await expect.poll(() => watching.log.lines.length).toBe(1);
  await database.startServer();
  await watching.ready();
  await database.by('lsp-del', 'front-tenant');
  await told(watching, subnet());
});

it('the database may be one of several remotes', async () => {
  const database = await startDatabase();
  await applyNetwork(database);
  const watching = watch(`tcp:127.0.0.1:1,${database.remote}`);
  await watching.ready();
  await database.by('lsp-del', 'front-tenant');
  await told(watching, subnet());
});

it('the database may talk TLS', async () => {
  const database = await startDatabase();
  await applyNetwork(database);
  const tls = await database.createTls();
  const watching = watch(await database.listenWithTls(tls), tls);
  await watching.ready();
  await database.by('lsp-del', 'front-tenant');
  await told(watching, subnet());
});
