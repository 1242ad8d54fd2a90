import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { closeHealth, listenForHealth } from '../../../src/common/http/health-server.ts';
import { type ProbeOptions, probeHandler, serveProbes } from '../../../src/controller/probes.ts';
import { RecordingLog } from '../common/kubernetes/support.ts';

const NO_METRICS = { hasMetrics: false };

function optionsOf(isReady: () => boolean, lacks: readonly string[] = []): ProbeOptions {
  const metrics = () => ({ contentType: 'text/plain', body: 'up 1\n' });
  const api = { create: () => Promise.reject(new Error('nobody is to be asked')) };
  return { isReady, lacks: () => lacks, metrics, api, log: new RecordingLog() };
}

/** Probes on a port of the kernel's choice. */
async function setUp(
  isReady: () => boolean,
  lacks: readonly string[] = [],
  settings: Parameters<typeof probeHandler>[0] = NO_METRICS,
) {
  const handler = probeHandler(settings, optionsOf(isReady, lacks));
  const server = await listenForHealth(handler, { port: 0, address: '127.0.0.1' });
  onTestFinished(() => closeHealth(server));
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { ask, port };
}

it('a controller lives and is ready from the beginning, and says what it does not know yet', async () => {
  let isReady = false;
  const { ask } = await setUp(() => isReady);
  expect(await ask('/livez')).toEqual({ status: 200, text: 'ok\n' });
  for (const path of ['/readyz', '/healthz']) {
    const text = 'ok\nthe objects of the cluster are not known yet\n';
    expect(await ask(path)).toEqual({ status: 200, text });
  }
  expect((await ask('/statusz')).text).toContain('✗ API server  the objects of the cluster');
  isReady = true;
  for (const path of ['/livez', '/readyz', '/healthz']) {
    expect(await ask(path)).toEqual({ status: 200, text: 'ok\n' });
  }
  expect((await ask('/statusz')).text).toContain('✓ API server  all objects are known');
});

it('a query changes nothing', async () => {
  const { ask } = await setUp(() => true);
  expect((await ask('/readyz?verbose&exclude=etcd')).status).toBe(200);
});

it.each(['/', '/livez/ping', '/metrics', '/livezz'])('%s is not there', async (path) => {
  const { ask } = await setUp(() => true);
  expect((await ask(path)).status).toBe(404);
});

it('metrics are there unless they are switched off, and with HTTPS for who bears a token', async () => {
  const plain = await setUp(() => true, [], { hasMetrics: true });
  expect(await plain.ask('/metrics')).toEqual({ status: 200, text: 'up 1\n' });
  const secure = await setUp(() => true, [], { hasMetrics: true, tls: {} });
  expect((await secure.ask('/metrics')).status).toBe(401);
  expect((await secure.ask('/readyz')).status).toBe(200);
});

it('there are none with port 0', () => {
  const settings = { port: 0, addresses: [], hasMetrics: true };
  expect(
    serveProbes(
      settings,
      optionsOf(() => true),
    ),
  ).toBeUndefined();
});

it('what it has to do without is in the answer, whether it is ready or not', async () => {
  let isReady = false;
  const { ask } = await setUp(() => isReady, ['the cluster has no vlans.kubeovn.io']);
  const note = '\nthe cluster has no vlans.kubeovn.io\n';
  expect(await ask('/readyz')).toMatchObject({ status: 200, text: expect.stringContaining(note) });
  isReady = true;
  expect(await ask('/readyz')).toEqual({ status: 200, text: `ok${note}` });
  expect(await ask('/livez')).toEqual({ status: 200, text: 'ok\n' });
});
