/**
 * Connections that die in silence, and servers that say GOAWAY: over a real socket, with the limits
 * of `connections.ts` in small.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import type { ConnectionLimits } from '../../../../src/common/kubernetes/connections.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import { KubernetesApiDouble } from '../../../lab/kubernetes/api.ts';
import type { Protocol } from '../../../lab/kubernetes/listener.ts';
import { TcpLine } from '../../../lab/tcp-line.ts';
import {
  LogDouble,
  PODS,
  pod,
  project,
  shortLimits,
} from '../../../unit/common/kubernetes/support.ts';

const A = '/api/v1/namespaces/default/pods/a';
const never = new AbortController().signal;
/** A busy machine answers a PING in less. */
const short: ConnectionLimits = { connectMs: 5_000, pingEveryMs: 100, silenceMs: 1_500 };

interface SetUp extends AsyncDisposable {
  readonly double: KubernetesApiDouble;
  readonly line: TcpLine;
  readonly config: KubeConfig;
}

/** A double behind a line, and how to reach it. */
async function setUp(protocol: Protocol): Promise<SetUp> {
  const double = await KubernetesApiDouble.start({ protocol });
  const line = await TcpLine.start(double.url);
  const config = new KubeConfig();
  config.loadFromString(double.kubeconfig().replace(double.url, line.url));
  const dispose = async () => {
    await line[Symbol.asyncDispose]();
    await double.close();
  };
  return { double, line, config, [Symbol.asyncDispose]: dispose };
}

function startCache({ config }: SetUp, limits: Partial<typeof shortLimits> = {}) {
  const log = new LogDouble();
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
    await all.double.watches.waitForCount(1);
    all.line.lose();
    all.double.create(pod('a'));
    await started.sees('a');
    expect(all.double.requests.count({ verb: 'list' })).toBe(1);
    // The server was there all the time.
    expect(started.log.lines).toEqual([]);
  });

  it.each(['http/1.1', 'plain'] as const)(
    'of %s is noticed by a watch that does not end when it should',
    async (protocol) => {
      await using all = await setUp(protocol);
      using started = startCache(all, { unaskedInactivityMs: 1_500, inactivityMs: 90_000 });
      await started.cache.synced;
      await all.double.watches.waitForCount(1);
      all.line.lose();
      all.double.create(pod('a'));
      await started.sees('a');
      expect(all.double.requests.count({ verb: 'list' })).toBe(1);
    },
  );

  it('that is alive and quiet is kept', async () => {
    await using all = await setUp('h2');
    using started = startCache(all, { inactivityMs: 90_000 });
    await started.cache.synced;
    await all.double.watches.waitForCount(1);
    await new Promise((resolve) => setTimeout(resolve, 2 * short.silenceMs));
    expect(all.double.requests.count({ verb: 'watch' })).toBe(1);
    expect(started.log.lines).toEqual([]);
  });

  it.each(['h2', 'http/1.1', 'plain'] as const)(
    'costs a request that has no answer, and the next one goes over another (%s)',
    async (protocol) => {
      await using all = await setUp(protocol);
      all.double.create(pod('a'));
      const api = new KubernetesApi(all.config, short);
      const patch = { metadata: { labels: { color: 'blue' } } };
      all.double.silence();
      const asking = expect(api.mergePatch(A, patch, AbortSignal.timeout(6_000))).rejects.toThrow();
      await all.double.requests.waitFor({ verb: 'patch' }, 1);
      all.line.lose();
      all.double.resume();
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
    all.double.faults.goAwayChance(0.3);
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
    expect(all.double.requests.count({ verb: 'create' })).toBe(count);
    expect(all.double.requests.count({ verb: 'patch' })).toBe(count);
    expect(all.double.requests.count({ verb: 'list' })).toBe(1);
    expect(started.log.lines).toEqual([]);
    expect(all.double.connectionCount).toBeGreaterThan(5);
    api.destroy();
  });
});
