import { describe, expect, it } from 'vitest';
import { Client, MERGE_PATCH, PODS, pod, SUBNETS } from './support.ts';

const A = `${PODS}/a`;

describe('a created object', () => {
  it('has the metadata that the server decides', async () => {
    await using client = await Client.start();
    const { code, body } = await client.send('POST', PODS, pod('a'));
    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: 'v1', kind: 'Pod', status: { phase: 'Pending' } });
    const { uid, resourceVersion, creationTimestamp, generation } = body.metadata;
    expect(uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(resourceVersion)).toBeGreaterThan(0);
    expect(creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(generation).toBe(1);
    expect((await client.send('GET', A)).body).toEqual(body);
  });

  it('gets a name and the namespace of its path', async () => {
    await using client = await Client.start();
    const events = '/api/v1/namespaces/kube-system/events';
    const { body } = await client.send('POST', events, { metadata: { generateName: 'a.' } });
    expect(body.metadata.name).toMatch(/^a\..{5}$/);
    expect(body.metadata.namespace).toBe('kube-system');
  });

  it('cannot exist twice', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const { code, body } = await client.send('POST', PODS, pod('a'));
    expect(code).toBe(409);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'AlreadyExists',
      code: 409,
    });
  });

  it.each([
    ['another namespace', { metadata: { name: 'a', namespace: 'other' } }, 400],
    ['no name', { metadata: {} }, 422],
  ])('is refused with %s', async (_what, body, code) => {
    await using client = await Client.start();
    expect((await client.send('POST', PODS, body)).code).toBe(code);
  });

  it('loses the status that was sent with it, except in process', async () => {
    await using client = await Client.start();
    const subnet = { metadata: { name: 'join' }, spec: {}, status: { dhcpV4OptionsUUID: 'x' } };
    expect((await client.send('POST', SUBNETS, subnet)).body.status).toBeUndefined();
    const made = client.server.create({ ...subnet, kind: 'Subnet', metadata: { name: 'other' } });
    expect(made.status).toEqual(subnet.status);
  });
});

describe('an update', () => {
  it('with the latest version replaces the object', async () => {
    await using client = await Client.start();
    const created = client.server.create(pod('a', { labels: { color: 'red' } }));
    const { labels, ...metadata } = created.metadata;
    const { code, body } = await client.send('PUT', A, { ...created, metadata });
    expect(code).toBe(200);
    expect(body.metadata.labels).toBeUndefined();
    expect(Number(body.metadata.resourceVersion)).toBe(Number(metadata.resourceVersion) + 1);
  });

  it('of an older version is a conflict', async () => {
    await using client = await Client.start();
    const created = client.server.create(pod('a'));
    client.server.patch('Pod', 'default/a', { metadata: { labels: { color: 'blue' } } });
    const { code, body } = await client.send('PUT', A, created);
    expect(code).toBe(409);
    expect(body.reason).toBe('Conflict');
    expect(body.message).toContain('the object has been modified');
  });

  it('of a custom object needs a version, and one of a pod does not', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Subnet', metadata: { name: 'join' } });
    client.server.create(pod('a'));
    expect((await client.send('PUT', `${SUBNETS}/join`, { metadata: { name: 'join' } })).code).toBe(
      422,
    );
    expect((await client.send('PUT', A, pod('a'))).code).toBe(200);
  });

  it('of another UID is a conflict, and of another name wrong', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const other = { metadata: { name: 'a', namespace: 'default', uid: 'other' } };
    expect((await client.send('PUT', A, other)).code).toBe(409);
    expect((await client.send('PUT', A, pod('b'))).code).toBe(400);
  });

  it('that changes nothing makes no new version', async () => {
    await using client = await Client.start();
    const created = client.server.create(pod('a'));
    expect((await client.send('PUT', A, created)).body).toEqual(created);
  });

  it('counts the generation for the spec only', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Subnet', metadata: { name: 'join' }, spec: { mtu: 1400 } });
    const path = `${SUBNETS}/join`;
    expect(
      (await client.patch(path, { metadata: { labels: { a: 'b' } } })).body.metadata.generation,
    ).toBe(1);
    expect(
      (await client.patch(`${path}/status`, { status: { a: 1 } })).body.metadata.generation,
    ).toBe(1);
    expect((await client.patch(path, { spec: { mtu: 1500 } })).body.metadata.generation).toBe(2);
  });
});

describe('a merge patch', () => {
  it('changes what it names, removes what is null, and replaces lists', async () => {
    await using client = await Client.start();
    client.server.create({
      ...pod('a', { labels: { keep: '1', drop: '2' } }),
      spec: { tolerations: ['x', 'y'] },
    });
    const patch = {
      metadata: { labels: { drop: null, fresh: '3' } },
      spec: { tolerations: ['z'] },
    };
    const { code, body } = await client.patch(A, patch);
    expect(code).toBe(200);
    expect(body.metadata.labels).toEqual({ keep: '1', fresh: '3' });
    expect(body.spec).toEqual({ tolerations: ['z'] });
  });

  it('with a stale version is a conflict', async () => {
    await using client = await Client.start();
    const { resourceVersion } = client.server.create(pod('a')).metadata;
    expect(
      (await client.patch(A, { metadata: { resourceVersion, labels: { a: '1' } } })).code,
    ).toBe(200);
    expect(
      (await client.patch(A, { metadata: { resourceVersion, labels: { a: '2' } } })).code,
    ).toBe(409);
  });

  it('with another UID is invalid', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    expect((await client.patch(A, { metadata: { uid: 'other' } })).code).toBe(422);
  });

  it('cannot change what the server decides', async () => {
    await using client = await Client.start();
    const { metadata } = client.server.create(pod('a'));
    const change = { creationTimestamp: null, generation: 7, selfLink: null };
    expect((await client.patch(A, { metadata: change })).body.metadata).toEqual(metadata);
  });

  it('cannot begin a deletion', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const deletionTimestamp = '2020-01-01T00:00:00Z';
    const { code, body } = await client.patch(A, { metadata: { deletionTimestamp } });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'Pod "a" is invalid: metadata.deletionTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable',
    );
  });

  it('of an object that is not there is refused', async () => {
    await using client = await Client.start();
    const { code, body } = await client.patch(`${SUBNETS}/none`, {});
    expect(code).toBe(404);
    expect(body.message).toBe('subnets.kubeovn.io "none" not found');
  });

  it.each(['application/strategic-merge-patch+json', 'application/json-patch+json'])(
    'is the only kind of patch: no %s',
    async (type) => {
      await using client = await Client.start();
      client.server.create(pod('a'));
      const { code, body } = await client.send('PATCH', A, {}, { 'Content-Type': type });
      expect(code).toBe(415);
      expect(body.message).toContain(MERGE_PATCH);
    },
  );
});

describe('the status subresource', () => {
  it('takes the status and nothing else', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const change = {
      metadata: { labels: { a: 'b' } },
      spec: { nodeName: 'n' },
      status: { phase: 'Running' },
    };
    const { body } = await client.patch(`${A}/status`, change);
    expect(body.status).toEqual({ phase: 'Running' });
    expect(body.spec).toEqual({});
    expect(body.metadata.labels).toBeUndefined();
    const put = await client.send('PUT', `${A}/status`, {
      ...body,
      spec: { x: 1 },
      status: { phase: 'Failed' },
    });
    expect(put.body).toMatchObject({ spec: {}, status: { phase: 'Failed' } });
  });

  it('is the only way to it', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const { body } = await client.patch(A, {
      spec: { terminationGracePeriodSeconds: 1 },
      status: { phase: 'Running' },
    });
    expect(body).toMatchObject({
      spec: { terminationGracePeriodSeconds: 1 },
      status: { phase: 'Pending' },
    });
  });

  it('checks the version too', async () => {
    await using client = await Client.start();
    const created = client.server.create(pod('a'));
    client.server.patch('Pod', 'default/a', { metadata: { labels: { a: 'b' } } });
    expect((await client.send('PUT', `${A}/status`, created)).code).toBe(409);
  });

  it('is not there for kinds without it, whose status is a field like any other', async () => {
    await using client = await Client.start();
    const kind = 'VirtualMachineInstance';
    client.server.create({ kind, metadata: { name: 'a', namespace: 'default' } });
    const path = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/a';
    expect((await client.patch(`${path}/status`, {})).code).toBe(404);
    expect((await client.patch(path, { status: { a: 1 } })).body.status).toEqual({ a: 1 });
  });
});

describe('a deletion', () => {
  it('removes at once', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Subnet', metadata: { name: 'join' } });
    const { body } = await client.send('DELETE', `${SUBNETS}/join`);
    expect(body).toMatchObject({ kind: 'Status', status: 'Success' });
    expect((await client.send('GET', `${SUBNETS}/join`)).code).toBe(404);
    expect((await client.send('DELETE', `${SUBNETS}/join`)).code).toBe(404);
  });

  it('waits for finalizers', async () => {
    await using client = await Client.start();
    const path = `${SUBNETS}/join`;
    client.server.create({
      kind: 'Subnet',
      metadata: { name: 'join', finalizers: ['kubeovn.io/x'] },
    });
    const { body } = await client.send('DELETE', path);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    expect((await client.send('GET', path)).code).toBe(200);
    await client.patch(path, { metadata: { finalizers: null } });
    expect((await client.send('GET', path)).code).toBe(404);
  });

  it('of a pod on a node waits for the node', async () => {
    await using client = await Client.start();
    client.server.create(pod('a', { nodeName: 'node-1' }));
    const { body } = await client.send('DELETE', A);
    expect(body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 30 } });
    expect(Date.parse(body.metadata.deletionTimestamp ?? '')).toBeGreaterThan(Date.now() + 25_000);
    client.server.finishDeletion('default/a');
    expect((await client.send('GET', A)).code).toBe(404);
  });

  it('of a pod without grace, or without a node, does not wait', async () => {
    await using client = await Client.start();
    client.server.create(pod('a', { nodeName: 'node-1' }));
    client.server.create(pod('b'));
    await client.send('DELETE', `${A}?gracePeriodSeconds=0`);
    await client.send('DELETE', `${PODS}/b`);
    expect(client.server.list('Pod')).toEqual([]);
  });

  it('takes its options from a body', async () => {
    await using client = await Client.start();
    const { metadata } = client.server.create(pod('a', { nodeName: 'node-1' }));
    const wrong = { preconditions: { uid: 'other' } };
    expect((await client.send('DELETE', A, wrong)).code).toBe(409);
    const right = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
    expect((await client.send('DELETE', A, right)).code).toBe(200);
    expect(client.server.list('Pod')).toEqual([]);
  });
});
