import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { serveProbes } from '../../../src/controller/probes.ts';

/** Probes on a port of the kernel's choice. */
async function setUp(isReady: () => boolean, lacks?: () => readonly string[]) {
  const server = await serveProbes(0, isReady, lacks);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { ask, port };
}

it('a controller lives from the beginning, and is ready as soon as it knows all objects', async () => {
  let isReady = false;
  const { ask } = await setUp(() => isReady);
  expect(await ask('/livez')).toEqual({ status: 200, text: 'ok\n' });
  for (const path of ['/readyz', '/healthz']) {
    expect(await ask(path)).toMatchObject({
      status: 503,
      text: expect.stringContaining('not known yet'),
    });
  }
  isReady = true;
  for (const path of ['/livez', '/readyz', '/healthz']) {
    expect(await ask(path)).toEqual({ status: 200, text: 'ok\n' });
  }
});

it('a query changes nothing', async () => {
  const { ask } = await setUp(() => true);
  expect((await ask('/readyz?verbose&exclude=etcd')).status).toBe(200);
});

it.each(['/', '/livez/ping', '/metrics', '/livezz'])('%s is not there', async (path) => {
  const { ask } = await setUp(() => true);
  expect((await ask(path)).status).toBe(404);
});

it('a port that somebody else has is an error, and no controller without probes', async () => {
  const { port } = await setUp(() => true);
  await expect(serveProbes(port, () => true)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

it('what it has to do without is in the answer, whether it is ready or not', async () => {
  let isReady = false;
  const { ask } = await setUp(
    () => isReady,
    () => ['the cluster has no vlans.kubeovn.io'],
  );
  const note = '\nthe cluster has no vlans.kubeovn.io\n';
  expect(await ask('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining(note) });
  isReady = true;
  expect(await ask('/readyz')).toEqual({ status: 200, text: `ok${note}` });
  expect(await ask('/livez')).toEqual({ status: 200, text: 'ok\n' });
});
