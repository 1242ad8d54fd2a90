import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import {
  isConflict,
  isNotFound,
  KubernetesApi,
  KubernetesError,
} from '../../../../src/common/kubernetes/api.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { identity } from '../../../lab/kubernetes/certificate.ts';
import { configOf, pod } from './support.ts';

const A = '/api/v1/namespaces/default/pods/a';
const never = new AbortController().signal;
/** Requests share what says who asks for so long; ms. */
const AUTHENTICATED_MS = 20;
const authenticatedAnew = () => sleep(AUTHENTICATED_MS + 1);

/** What a promise rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  );
}

async function setUp(token?: string) {
  const server = await FakeApiServer.start(token === undefined ? {} : { token });
  const api = new KubernetesApi(configOf(server));
  const dispose = async () => {
    api.destroy();
    await server.close();
  };
  return { server, api, [Symbol.asyncDispose]: dispose };
}

describe('KubernetesApi', () => {
  it('reads an object as the raw JSON of the server', async () => {
    await using all = await setUp('secret');
    all.server.create(pod('a'));
    expect(await all.api.get(A, {}, never)).toEqual(all.server.get('Pod', 'default/a'));
  });

  it('leaves undefined parameters out of the query', async () => {
    await using all = await setUp();
    await all.api.get(
      '/api/v1/pods',
      { limit: 5, labelSelector: 'a=b', continue: undefined },
      never,
    );
    expect(all.server.requests.all[0]?.query).toEqual({ limit: '5', labelSelector: 'a=b' });
  });

  it.each([
    '/api/v1/namespaces/default/pods/..',
    '/api/v1/namespaces/default/pods/../secrets/a',
    '/api/v1/namespaces/default/pods/a?watch=true',
    '/api/v1/namespaces/default/pods/a#',
    '/api/v1/namespaces/default/pods/%2e%2e',
    '/api/v1/namespaces/default/pods/a b',
  ])('sends nothing to %s, which is not what it says', async (path) => {
    await using all = await setUp();
    const error = await rejection(all.api.get(path, {}, never));
    expect((error as Error).message).toContain('is no path of the API server');
    expect(all.server.requests.count()).toBe(0);
  });

  it('applies a merge patch and returns the object', async () => {
    await using all = await setUp();
    all.server.create(pod('a'));
    const patch = { metadata: { annotations: { seen: 'true' }, labels: { color: null } } };
    const patched = await all.api.mergePatch(A, patch, never);
    expect(patched).toMatchObject({ metadata: { annotations: { seen: 'true' } } });
    expect(patched).not.toHaveProperty('metadata.labels');
    expect(patched).toEqual(all.server.get('Pod', 'default/a'));
  });

  it('creates an object', async () => {
    await using all = await setUp();
    const event = { metadata: { generateName: 'a.' }, reason: 'Attached', type: 'Normal' };
    const created = await all.api.create('/api/v1/namespaces/default/events', event, never);
    expect(created).toMatchObject({
      kind: 'Event',
      reason: 'Attached',
      metadata: { namespace: 'default' },
    });
  });

  it('deletes an object, and never another one of its name', async () => {
    await using all = await setUp();
    const path = '/apis/kubeovn.io/v1/ips/a.default';
    const { uid = '' } = all.server.create({
      kind: 'IP',
      metadata: { name: 'a.default' },
    }).metadata;
    const error = await rejection(all.api.delete(path, 'another', never));
    expect(isConflict(error)).toBe(true);
    expect(error).toMatchObject({ verb: 'delete', path });
    expect(all.server.list('IP')).toHaveLength(1);
    await all.api.delete(path, uid, never);
    expect(all.server.list('IP')).toEqual([]);
    expect(isNotFound(await rejection(all.api.delete(path, uid, never)))).toBe(true);
  });

  it('rejects with all that the server said', async () => {
    await using all = await setUp();
    const error = await rejection(all.api.get(A, {}, never));
    expect(error).toBeInstanceOf(KubernetesError);
    expect(error).toMatchObject({ status: 404, reason: 'NotFound', verb: 'get', path: A });
    expect((error as Error).message).toBe(`get ${A}: 404 NotFound: pods "a" not found`);
    expect(isNotFound(error)).toBe(true);
    expect(isConflict(error)).toBe(false);
  });

  it('rejects a patch of a version that is not the latest', async () => {
    await using all = await setUp();
    const { resourceVersion } = all.server.create(pod('a')).metadata;
    all.server.patch('Pod', 'default/a', { metadata: { labels: { color: 'blue' } } });
    const error = await rejection(all.api.mergePatch(A, { metadata: { resourceVersion } }, never));
    expect(isConflict(error)).toBe(true);
    expect(error).toMatchObject({ status: 409, reason: 'Conflict', verb: 'patch' });
  });

  it('rejects an object that exists already', async () => {
    await using all = await setUp();
    all.server.create(pod('a'));
    const error = await rejection(
      all.api.create('/api/v1/namespaces/default/pods', pod('a'), never),
    );
    expect(error).toMatchObject({ status: 409, reason: 'AlreadyExists', verb: 'create' });
  });

  it('rejects with the reason of its signal, before and during a request', async () => {
    await using all = await setUp();
    const reason = new Error('the call is over');
    expect(await rejection(all.api.get(A, {}, AbortSignal.abort(reason)))).toBe(reason);
    expect(all.server.requests.count()).toBe(0);
    all.server.silence();
    const controller = new AbortController();
    const asking = rejection(all.api.get(A, {}, controller.signal));
    await all.server.requests.waitFor({}, 1);
    controller.abort(reason);
    expect(await asking).toBe(reason);
  });

  it('says why there is no connection', async () => {
    await using all = await setUp();
    await all.server.close();
    const error = await rejection(all.api.get(A, {}, never));
    expect(error).toMatchObject({ status: 0, reason: 'Unreachable', verb: 'get', path: A });
    expect((error as Error).message).toContain('ECONNREFUSED');
  });

  it('ends a request that waits when it is destroyed, and begins none after', async () => {
    await using all = await setUp();
    all.server.silence();
    const asking = rejection(all.api.get(A, {}, never));
    await all.server.requests.waitFor({}, 1);
    all.api.destroy();
    expect(await asking).toMatchObject({ reason: 'Unreachable' });
    expect(await rejection(all.api.get(A, {}, never))).toMatchObject({ reason: 'Unreachable' });
    expect(all.server.requests.count()).toBe(1);
  });
});

describe('an answer that is not from an API server', () => {
  it.each([
    [502, '<html>Bad Gateway</html>', { status: 502, reason: 'Bad Gateway' }],
    [200, '<html>Welcome</html>', { status: 200, reason: 'Malformed' }],
    [503, 'x'.repeat(10_000), { status: 503, reason: 'Service Unavailable' }],
    [500, '[1]', { status: 500, reason: 'Internal Server Error' }],
  ])(
    '%i with a foreign body is a KubernetesError of bounded length',
    async (status, body, expected) => {
      const server = createServer((_, response) => response.writeHead(status).end(body)).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
      const config = new KubeConfig();
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      config.loadFromClusterAndUser(
        { name: 'c', server: address, skipTLSVerify: true },
        { name: 'u' },
      );
      const api = new KubernetesApi(config);
      const error = await rejection(api.get(A, {}, never));
      expect(error).toMatchObject(expected);
      expect((error as Error).message.length).toBeLessThan(700);
      api.destroy();
      server.close();
    },
  );
});

/** undici opens a second connection where the first is not quite done with its answer. */
async function warmUp(api: KubernetesApi): Promise<void> {
  for (let count = 0; count < 3; count++) await api.get(A, {}, never);
}

describe('connections of a KubernetesApi', () => {
  it('are used again', async () => {
    await using all = await setUp();
    all.server.create(pod('a'));
    await warmUp(all.api);
    const { connectionCount } = all.server;
    for (let count = 0; count < 20; count++) await all.api.get(A, {}, never);
    expect(all.server.connectionCount).toBe(connectionCount);
  });

  it('do not outlive a client certificate', async () => {
    await using all = await setUp();
    all.server.create(pod('a'));
    const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
    try {
      const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
      const { certificate, key } = identity();
      await writeFile(certFile, certificate);
      await writeFile(keyFile, key);
      const config = configOf(all.server);
      config.users = [{ name: 'test', certFile, keyFile, token: all.server.tokenOf() }];
      const api = new KubernetesApi(config);
      await warmUp(api);
      const { connectionCount } = all.server;
      await writeFile(certFile, `${certificate}\n`);
      await authenticatedAnew();
      await api.get(A, {}, never);
      expect(all.server.connectionCount).toBe(connectionCount + 1);
      api.destroy();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('serve another token than they were opened with, a moment after it is there', async () => {
    await using server = await FakeApiServer.start({ token: 'old', protocol: 'plain' });
    server.create(pod('a'));
    const config = configOf(server);
    let token = 'old';
    // What client-node does with a service account's token file, which it reads each minute.
    const user = {
      name: 'test',
      get token() {
        return token;
      },
    };
    config.users = [user];
    const api = new KubernetesApi(config);
    await warmUp(api);
    const { connectionCount } = server;
    server.setToken('new');
    token = 'new';
    await authenticatedAnew();
    await api.get(A, {}, never);
    expect(server.connectionCount).toBe(connectionCount);
    token = 'old';
    await authenticatedAnew();
    expect(await rejection(api.get(A, {}, never))).toMatchObject({
      status: 401,
      reason: 'Unauthorized',
    });
    token = 'new';
    // After a refusal nobody waits.
    await api.get(A, {}, never);
    api.destroy();
  });

  it('belong to it alone: the config that it was made from is not changed', async () => {
    await using all = await setUp();
    const config = configOf(all.server);
    const api = new KubernetesApi(config);
    expect(Object.hasOwn(config, 'createDispatcher')).toBe(false);
    expect(Object.hasOwn(api.config, 'createDispatcher')).toBe(true);
    api.destroy();
  });
});
