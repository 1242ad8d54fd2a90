import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { DRIFT_TABLES } from '../../../../src/controller/ovn/drift-tables.ts';
import { portOf } from '../../../unit/controller/ovn/support.ts';
import { isRunning, processesWith, untilGone } from '../../common/process/processes.ts';
import { startDatabase } from './database.ts';
import {
  bringNetwork,
  bringPod,
  PORT,
  pod,
  subnet,
  told,
  watch,
  watched,
} from './drift-support.ts';

describe('a database that goes away', () => {
  it('is told once when it is back, and then its changes', async () => {
    const database = await startDatabase();
    await bringNetwork(database);
    await bringPod(database);
    const watching = await watched(database);
    await database.stopServer();
    await untilGone('ovsdb-client', database.remote);
    await database.startServer();
    await expect.poll(() => watching.reconnects.length, { timeout: 60_000 }).toBe(1);
    await database.by('lsp-del', PORT);
    await told(watching, pod());
    await database.by('lrp-del', 'tenant-front');
    await told(watching, pod(), subnet());
    expect(watching.reconnects).toEqual([0]);
    expect(watching.log.lines).toEqual([
      expect.objectContaining({ level: 'warn', fields: { reason: expect.any(String) } }),
      expect.objectContaining({ level: 'info', fields: { durationMs: expect.any(Number) } }),
    ]);
  });

  it('is tried with one process, and told when it is back empty', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    expect(await processesWith('ovsdb-client', database.remote)).toHaveLength(DRIFT_TABLES.length);
    await database.stopServer();
    await expect.poll(() => watching.log.lines.length).toBe(1);
    // Attempts after 100, 300 and 700 ms.
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect((await processesWith('ovsdb-client', database.remote)).length).toBeLessThanOrEqual(1);
    expect(watching.log.lines).toHaveLength(1);
    expect(watching.reconnects).toEqual([]);
    await database.startServer();
    await expect.poll(() => watching.reconnects.length, { timeout: 60_000 }).toBe(1);
  });

  it('may also come late: then changes may have been missed', async () => {
    const database = await startDatabase();
    await database.stopServer();
    const watching = watch({ database: database.remote });
    await expect.poll(() => watching.log.lines.length).toBe(1);
    await database.startServer();
    await watching.ready;
    expect(watching.reconnects).toEqual([0]);
  });

  it('need not have gone: one lost process is enough', async () => {
    const database = await startDatabase();
    await bringNetwork(database);
    const watching = await watched(database);
    expect(watching.reconnects).toEqual([]);
    const [id = 0] = await processesWith('ovsdb-client', database.remote, 'Logical_Router_Port');
    process.kill(id, 'SIGKILL');
    await expect.poll(() => watching.reconnects.length).toBe(1);
    await database.by('lrp-del', 'tenant-front');
    await told(watching, subnet());
    expect(await processesWith('ovsdb-client', database.remote)).toHaveLength(DRIFT_TABLES.length);
  });
});

describe('the database', () => {
  it('may be one of several remotes', async () => {
    const database = await startDatabase();
    await bringNetwork(database);
    const watching = watch({ database: `tcp:127.0.0.1:1,${database.remote}` });
    await watching.ready;
    await database.by('lsp-del', 'front-tenant');
    await told(watching, subnet());
  });

  it('may talk TLS', async () => {
    const database = await startDatabase();
    await bringNetwork(database);
    const tls = await database.createTls();
    const watching = watch({ database: await database.listenWithTls(tls), tls });
    await watching.ready;
    await database.by('lsp-del', 'front-tenant');
    await told(watching, subnet());
  });
});

describe('a watch that is stopped', () => {
  it('leaves no process, and tells nothing', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    watching.stop();
    watching.stop();
    await untilGone('ovsdb-client', database.remote);
    expect(watching.log.lines).toEqual([]);
  });

  it('is not started again', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    await database.stopServer();
    await expect.poll(() => watching.log.lines.length).toBe(1);
    watching.stop();
    await database.startServer();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await isRunning('ovsdb-client', database.remote)).toBe(false);
    expect(watching.reconnects).toEqual([]);
  });

  it('tells nothing more of a transaction of which it has told a part', async () => {
    const database = await startDatabase();
    await bringNetwork(database);
    for (const name of ['p1', 'p2', 'p3'])
      await database.bring((state) => planPod(state, name, [portOf('10.1.0.5', { name })]));
    const watching = watch({ database: database.remote }, () => watching.stop());
    await watching.ready;
    await database.by('lsp-del', 'p1', '--', 'lsp-del', 'p2', '--', 'lsp-del', 'p3');
    await expect.poll(() => watching.changes.length).toBe(1);
    await untilGone('ovsdb-client', database.remote);
    expect(watching.changes).toHaveLength(1);
  });
});
