/**
 * Connections that die in silence, and servers that say GOAWAY: over a real socket, with the limits
 * of `connections.ts` in small.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import type { ConnectionLimits } from '../../../../src/common/kubernetes/connections.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import type { Protocol } from '../../../lab/kubernetes/listener.ts';
import { TcpLine } from '../../../lab/tcp-line.ts';
import {
  PODS,
  pod,
  project,
  RecordingLog,
  shortLimits,
} from '../../../unit/common/kubernetes/support.ts';

const A = '/api/v1/namespaces/default/pods/a';
const never = new AbortController().signal;
/** A busy machine answers a PING in less. */
const short: ConnectionLimits = { connectMs: 5_000, pingEveryMs: 100, silenceMs: 1_500 };

interface SetUp extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly line: TcpLine;
  readonly config: KubeConfig;
}

/** A fake API server behind a line, and how to reach it. */
async function setUp(protocol: Protocol): Promise<SetUp> {
  const server = await FakeApiServer.start({ protocol });
  const line = await TcpLine.start(server.url);
  const config = new KubeConfig();
  config.loadFromString(server.kubeconfig().replace(server.url, line.url));
  const dispose = async () => {
    await line[Symbol.asyncDispose]();
    await server.close();
  };
  return { server, line, config, [Symbol.asyncDispose]: dispose };
}

function startCache({ config }: SetUp, limits: Partial<typeof shortLimits> = {}) {
  const log = new RecordingLog();
  const cache = new WatchCache({
    config,
    path: PODS,
    project,
    log,
    limits: { ...shortLimits, listTimeoutMs: 5_000, ...limits },
    connectionLimits: short,
  });
  cache.start();
  const sees = (name: string) =>
    cache.until(() => cache.get(`default/${name}`), AbortSignal.timeout(20_000));
  return { cache, log, sees, [Symbol.dispose]: () => cache.stop() };
}

describe('a connection that dies in silence', () => {
  it('of HTTP/2 is noticed by PING, long before a quiet watch may end', async () => {
    await using all = await setUp('h2');
    using started = startCache(all, { inactivityMs: 90_000 });
    await started.cache.synced;
    await all.server.watches.waitForCount(1);
    all.line.lose();
    all.server.create(pod('a'));
    await started.sees('a');
    expect(all.server.requests.count({ verb: 'list' })).toBe(1);
    // The server was there all the time.
    expect(started.log.lines).toEqual([]);
  });

  it.each(['http/1.1', 'plain'] as const)(
    'of %s is noticed by a watch that does not end when it should',
    async (protocol) => {
      await using all = await setUp(protocol);
      using started = startCache(all, { unaskedInactivityMs: 1_500, inactivityMs: 90_000 });
      await started.cache.synced;
      await all.server.watches.waitForCount(1);
      all.line.lose();
      all.server.create(pod('a'));
      await started.sees('a');
      expect(all.server.requests.count({ verb: 'list' })).toBe(1);
    },
  );

  it('that is alive and quiet is kept', async () => {
    await using all = await setUp('h2');
    using started = startCache(all, { inactivityMs: 90_000 });
    await started.cache.synced;
    await all.server.watches.waitForCount(1);
    await new Promise((resolve) => setTimeout(resolve, 2 * short.silenceMs));
    expect(all.server.requests.count({ verb: 'watch' })).toBe(1);
    expect(started.log.lines).toEqual([]);
  });

  it.each(['h2', 'http/1.1', 'plain'] as const)(
    'costs a request that has no answer, and the next one goes over another (%s)',
    async (protocol) => {
      await using all = await setUp(protocol);
      all.server.create(pod('a'));
      const api = new KubernetesApi(all.config, short);
      const patch = { metadata: { labels: { color: 'blue' } } };
      all.server.silence();
      const asking = expect(api.mergePatch(A, patch, AbortSignal.timeout(6_000))).rejects.toThrow();
      await all.server.requests.waitFor({ verb: 'patch' }, 1);
      all.line.lose();
      all.server.resume();
      await asking;
      await expect(api.mergePatch(A, patch, never)).resolves.toMatchObject({ kind: 'Pod' });
      api.destroy();
    },
  );
});

describe('GOAWAY', () => {
  it('loses no request, does none twice, and loses no event', { timeout: 120_000 }, async () => {
    const count = 60;
    await using all = await setUp('h2');
    all.server.faults.goAwayChance(0.3);
    const api = new KubernetesApi(all.config, short);
    using started = startCache(all);
    await started.cache.synced;
    const names = Array.from({ length: count }, (_, index) => `pod-${index}`);
    const collection = '/api/v1/namespaces/default/pods';
    const made = names.map((name) => api.create(collection, pod(name), never));
    // An object that was made twice would be refused the second time.
    expect(await Promise.all(made)).toHaveLength(count);
    const patched = names.map((name) =>
      api.mergePatch(`${collection}/${name}`, { metadata: { labels: { color: 'blue' } } }, never),
    );
    expect(await Promise.all(patched)).toHaveLength(count);
    const read = names.map((name) => api.get(`${collection}/${name}`, {}, never));
    expect(await Promise.all(read)).toHaveLength(count);
    await started.cache.until(
      () =>
        [...started.cache.values()].filter(({ color }) => color === 'blue').length === count ||
        undefined,
      AbortSignal.timeout(100_000),
    );
    expect(all.server.requests.count({ verb: 'create' })).toBe(count);
    expect(all.server.requests.count({ verb: 'patch' })).toBe(count);
    expect(all.server.requests.count({ verb: 'list' })).toBe(1);
    expect(started.log.lines).toEqual([]);
    expect(all.server.connectionCount).toBeGreaterThan(5);
    api.destroy();
  });
});
