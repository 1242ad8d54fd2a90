import { expect, it, onTestFinished } from 'vitest';
import { DeadlinePassed } from '../../../../src/common/concurrency/deadline.ts';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import type { RequestSeen } from '../../../../src/common/kubernetes/request-observer.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { configOf, pod, RecordingLog } from './support.ts';

const A = '/api/v1/namespaces/default/pods/a';

async function setUp() {
  const server = await FakeApiServer.start();
  const seen: RequestSeen[] = [];
  const observe = (request: RequestSeen) => void seen.push(request);
  const api = new KubernetesApi(configOf(server), undefined, observe);
  onTestFinished(async () => {
    api.destroy();
    await server.close();
  });
  return { server, api, seen, observe };
}

it('requests to the API server are told, with what came of them', async () => {
  const { server, api, seen } = await setUp();
  const { signal } = new AbortController();
  await expect(api.get(A, {}, signal)).rejects.toThrow();
  server.create(pod('a'));
  await api.mergePatch(A, {}, signal);
  await server.close();
  await expect(api.get(A, {}, signal)).rejects.toThrow();
  expect(seen).toMatchObject([
    { method: 'GET', path: A, status: 404 },
    { method: 'PATCH', path: A, status: 200 },
    { method: 'GET', path: A, status: undefined },
  ]);
  for (const { ms } of seen) expect(ms).toBeGreaterThan(0);
});

it('a request that nobody waits for any more is told only where its time was up', async () => {
  const { api, seen } = await setUp();
  for (const reason of [new Error('the caller went away'), new DeadlinePassed(1000)]) {
    const controller = new AbortController();
    const asked = api.get(A, {}, controller.signal);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  }
  expect(seen).toMatchObject([{ method: 'GET', status: undefined }]);
});

it('a cache tells its lists and watches', async () => {
  const { server, seen, observe } = await setUp();
  const cache = new WatchCache({
    config: configOf(server),
    path: '/api/v1/pods',
    project: (raw) => raw,
    log: new RecordingLog(),
    observe,
  });
  cache.start();
  await cache.synced;
  server.create(pod('a'));
  await cache.until(() => (cache.size > 0 ? true : undefined), new AbortController().signal);
  expect(seen).toMatchObject([
    { method: 'GET', path: '/api/v1/pods', status: 200 },
    { method: 'GET', path: '/api/v1/pods', status: 200 },
  ]);
  cache.stop();
});
