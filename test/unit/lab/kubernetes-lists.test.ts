import { describe, expect, it } from 'vitest';
import { Client, PODS, pod, SUBNETS } from './support.ts';

async function names(client: Client, path: string, query: Record<string, string>) {
  const { body } = await client.send('GET', `${path}?${new URLSearchParams(query)}`);
  return body.items?.map(({ metadata }) => metadata.name);
}

describe('a list', () => {
  it('has the version of its moment', async () => {
    await using client = await Client.start();
    const { metadata } = client.server.create(pod('a'));
    const { body } = await client.send('GET', '/api/v1/pods');
    expect(body).toMatchObject({ kind: 'PodList', apiVersion: 'v1' });
    expect(body.metadata.resourceVersion).toBe(metadata.resourceVersion);
    expect(body.items?.[0]).not.toHaveProperty('kind');
  });

  it('shows the type of custom objects', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Subnet', metadata: { name: 'join' } });
    const { body } = await client.send('GET', SUBNETS);
    expect(body.items?.[0]).toMatchObject({ apiVersion: 'kubeovn.io/v1', kind: 'Subnet' });
  });

  it('is of one namespace or of all', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    client.server.create({ kind: 'Pod', metadata: { name: 'b', namespace: 'other' } });
    expect(await names(client, '/api/v1/pods', {})).toEqual(['a', 'b']);
    expect(await names(client, PODS, {})).toEqual(['a']);
  });

  it.each([
    [{ fieldSelector: 'metadata.name=a' }, ['a']],
    [{ fieldSelector: 'metadata.name!=a' }, ['b', 'c']],
    [{ fieldSelector: 'metadata.namespace=default' }, ['a', 'b', 'c']],
    [{ fieldSelector: 'spec.nodeName=node-1' }, ['a', 'b']],
    [{ fieldSelector: 'spec.nodeName==node-1,status.phase!=Pending' }, ['b']],
    [{ fieldSelector: 'spec.nodeName=' }, ['c']],
    [{ fieldSelector: 'status.phase=Pending' }, ['a', 'c']],
    [{ labelSelector: 'color=red' }, ['a', 'b']],
    [{ labelSelector: 'color!=red' }, ['c']],
    [{ labelSelector: 'color==red,size=big' }, ['b']],
    [{ labelSelector: 'size' }, ['b']],
    [{ labelSelector: '!size' }, ['a', 'c']],
    [{ labelSelector: 'color=red', fieldSelector: 'metadata.name=b' }, ['b']],
  ])('can be selected by %o', async (query, expected) => {
    await using client = await Client.start();
    client.server.create(pod('a', { labels: { color: 'red' }, nodeName: 'node-1' }));
    const b = pod('b', { labels: { color: 'red', size: 'big' }, nodeName: 'node-1' });
    client.server.create({ ...b, status: { phase: 'Running' } });
    client.server.create(pod('c'));
    expect(await names(client, '/api/v1/pods', query as Record<string, string>)).toEqual(expected);
    expect(client.server.list('Pod', query).map(({ metadata }) => metadata.name)).toEqual(expected);
  });

  it.each([
    ['/api/v1/pods?fieldSelector=spec.color%3Dred'],
    [`${SUBNETS}?fieldSelector=spec.nodeName%3Dn`],
    ['/api/v1/pods?fieldSelector=nonsense'],
    ['/api/v1/pods?labelSelector=a%20in%20(b)'],
  ])('refuses a selector that it does not have: %s', async (path) => {
    await using client = await Client.start();
    expect((await client.send('GET', path)).code).toBe(400);
  });

  it('comes in pages, all as of the first one', async () => {
    await using client = await Client.start();
    for (const name of ['a', 'b', 'c', 'd', 'e']) client.server.create(pod(name));
    const pages: unknown[] = [];
    let next = '';
    do {
      const { body } = await client.send('GET', `${PODS}?limit=2&continue=${next}`);
      pages.push([
        body.items?.map(({ metadata }) => metadata.name),
        body.metadata.remainingItemCount,
      ]);
      next = String(body.metadata.continue ?? '');
      client.server.create(pod(`new-${pages.length}`));
    } while (next !== '');
    expect(pages).toEqual([
      [['a', 'b'], 3],
      [['c', 'd'], 1],
      [['e'], undefined],
    ]);
  });

  it('of any version comes whole', async () => {
    await using client = await Client.start();
    for (const name of ['a', 'b', 'c']) client.server.create(pod(name));
    expect(await names(client, PODS, { limit: '2', resourceVersion: '0' })).toHaveLength(3);
  });

  it('cannot go on after the history is forgotten', async () => {
    await using client = await Client.start();
    for (const name of ['a', 'b', 'c']) client.server.create(pod(name));
    const { body } = await client.send('GET', `${PODS}?limit=2`);
    client.server.compact();
    const rest = await client.send('GET', `${PODS}?limit=2&continue=${body.metadata.continue}`);
    expect(rest.code).toBe(410);
    expect(rest.body.reason).toBe('Expired');
  });

  it('of a version of the future is not there yet', async () => {
    await using client = await Client.start();
    expect((await client.send('GET', `${PODS}?resourceVersion=999999`)).code).toBe(504);
  });
});

describe('a path', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/healthz', 404],
    ['GET', '/api/v1/nonsense', 404],
    ['GET', '/api/v1/pods/a', 404],
    ['GET', '/apis/kubeovn.io/v1/namespaces/x/subnets', 404],
    ['GET', '/api/v1/nodes/a/status/more', 404],
    ['GET', '/api/v1/nodes/a', 404],
    ['DELETE', '/api/v1/nodes', 405],
    ['PUT', '/api/v1/nodes', 405],
    ['POST', '/api/v1/nodes/a', 405],
  ])('%s %s is answered with %i', async (method, path, code) => {
    await using client = await Client.start();
    expect((await client.send(method, path)).code).toBe(code);
  });

  it('names namespaces, and what is in them', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Namespace', metadata: { name: 'default' } });
    const nad = {
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'net', namespace: 'default' },
    };
    client.server.create(nad);
    expect((await client.send('GET', '/api/v1/namespaces/default')).body.kind).toBe('Namespace');
    const group = '/apis/k8s.cni.cncf.io/v1';
    const path = `${group}/namespaces/default/network-attachment-definitions/net`;
    expect((await client.send('GET', path)).body.kind).toBe('NetworkAttachmentDefinition');
    expect(await names(client, `${group}/network-attachment-definitions`, {})).toEqual(['net']);
  });
});
