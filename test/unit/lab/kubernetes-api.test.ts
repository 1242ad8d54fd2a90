import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { ApiRefusal } from '../../lab/kubernetes/api.ts';
import { Client, PODS, pod } from './support.ts';

describe('a token', () => {
  it('is that of an account, or the request is refused', async () => {
    await using client = await Client.start({ token: 'secret' });
    const right = await client.send('GET', PODS, undefined, { Authorization: 'Bearer secret' });
    expect(right.code).toBe(200);
    const wrong = await client.send('GET', PODS, undefined, { Authorization: 'Bearer other' });
    expect(wrong.code).toBe(401);
    expect(wrong.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });

  it('is replaced: the one before is worth nothing', async () => {
    await using client = await Client.start({ token: 'secret' });
    client.server.setToken('new');
    const old = await client.send('GET', PODS, undefined, { Authorization: 'Bearer secret' });
    expect(old.code).toBe(401);
    expect((await client.send('GET', PODS)).code).toBe(200);
  });
});

describe('a kubeconfig of the fake API server', () => {
  it('serves the generated client', async () => {
    await using client = await Client.start({ token: 'secret' });
    client.server.create(pod('a'));
    const config = new KubeConfig();
    config.loadFromString(client.server.kubeconfig());
    const { items } = await config
      .makeApiClient(CoreV1Api)
      .listNamespacedPod({ namespace: 'default' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['a']);
  });

  it('can be written to a file that only its owner reads', async () => {
    await using client = await Client.start();
    const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
    const path = join(folder, 'config');
    await client.server.writeKubeconfig(path);
    expect(await readFile(path, 'utf8')).toBe(client.server.kubeconfig());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
  });
});

describe('in process', () => {
  it('objects are made, changed and deleted as over HTTP', async () => {
    await using client = await Client.start();
    const { server } = client;
    server.create(pod('a'));
    expect(() => server.create(pod('a'))).toThrow(ApiRefusal);
    server.patch('Pod', 'default/a', {
      status: { phase: 'Running' },
      spec: { nodeName: 'node-1' },
    });
    const patched = server.get('Pod', 'default/a');
    expect(patched).toMatchObject({ status: { phase: 'Running' }, spec: { nodeName: 'node-1' } });
    server.update({ ...patched, spec: { nodeName: 'node-2' } });
    expect(() => server.update({ ...patched, spec: {} })).toThrow('the object has been modified');
    server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
    expect(() => server.get('Pod', 'default/a')).toThrow('pods "a" not found');
  });

  it('objects that were given out are copies', async () => {
    await using client = await Client.start();
    const created = client.server.create(pod('a'));
    created.metadata.labels = { changed: 'by the test' };
    expect(client.server.get('Pod', 'default/a').metadata.labels).toBeUndefined();
  });

  it('kinds that are not in the table are refused', async () => {
    await using client = await Client.start();
    expect(() => client.server.create({ kind: 'Nonsense', metadata: { name: 'a' } })).toThrow(
      'no kind Nonsense',
    );
  });
});

describe('faults', () => {
  it('fail the next requests that match, and no others', async () => {
    await using client = await Client.start();
    client.server.faults.failNext(2, 503, { verb: 'list' });
    expect((await client.send('GET', `${PODS}/a`)).code).toBe(404);
    expect((await client.send('GET', PODS)).body).toMatchObject({
      kind: 'Status',
      code: 503,
      reason: 'ServiceUnavailable',
    });
    expect((await client.send('GET', '/api/v1/nodes')).code).toBe(503);
    expect((await client.send('GET', PODS)).code).toBe(200);
  });

  it('fail all requests for as long as they should', async () => {
    await using client = await Client.start();
    client.server.faults.failAll(503);
    expect((await client.send('GET', PODS)).code).toBe(503);
    expect((await client.send('GET', '/nonsense')).code).toBe(503);
    client.server.faults.failAll(undefined);
    expect((await client.send('GET', PODS)).code).toBe(200);
  });

  it('silence answers until the server resumes', async () => {
    await using client = await Client.start();
    client.server.silence();
    let isAnswered = false;
    const asking = client.send('GET', PODS).then(() => {
      isAnswered = true;
    });
    await client.server.requests.waitFor({ verb: 'list' }, 1);
    expect(isAnswered).toBe(false);
    client.server.resume();
    await asking;
  });

  it('silence watches for good', async () => {
    await using client = await Client.start();
    const watch = await client.watch(PODS);
    client.server.silence();
    client.server.create(pod('a'));
    client.server.resume();
    client.server.create(pod('b'));
    client.server.watches.endAll();
    expect(await watch.next()).toBeUndefined();
  });

  it('reset connections', async () => {
    await using client = await Client.start();
    client.server.silence();
    const asking = client.send('GET', PODS);
    await client.server.requests.waitFor({}, 1);
    client.server.resetConnections();
    await expect(asking).rejects.toThrow('fetch failed');
  });

  it('close it, and start it again on the same port with the same objects', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const { url } = client.server;
    await client.server.close();
    await expect(client.send('GET', PODS)).rejects.toThrow('fetch failed');
    await client.server.start();
    expect(client.server.url).toBe(url);
    expect((await client.send('GET', `${PODS}/a`)).code).toBe(200);
  });
});

describe('requests', () => {
  it('are counted by verb and path', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    await client.send('GET', `${PODS}?limit=1`);
    await client.send('GET', `${PODS}/a`);
    await client.patch(`${PODS}/a`, {});
    await client.send('DELETE', `${PODS}/a`);
    const { requests } = client.server;
    expect(requests.all.map(({ verb }) => verb)).toEqual(['list', 'get', 'patch', 'delete']);
    expect(requests.count({ path: `${PODS}/a` })).toBe(3);
    expect(requests.matching({ verb: 'list' })[0]).toMatchObject({
      verb: 'list',
      path: PODS,
      query: { limit: '1' },
    });
    requests.clear();
    expect(requests.count()).toBe(0);
  });
});
