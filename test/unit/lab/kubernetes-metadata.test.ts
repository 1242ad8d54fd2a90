import { describe, expect, it } from 'vitest';
import { Client, PODS, pod, SUBNETS } from './support.ts';

const NAMESPACES = '/api/v1/namespaces';
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: '1' };
const withMetadata = (metadata: object) => ({ ...pod('a'), metadata: { name: 'a', ...metadata } });

describe('metadata', () => {
  it.each([
    [PODS, 'web_0', 'a lowercase RFC 1123 subdomain must consist of'],
    [PODS, 'Web', 'a lowercase RFC 1123 subdomain must consist of'],
    [PODS, '../b', 'a lowercase RFC 1123 subdomain must consist of'],
    [PODS, 'x'.repeat(254), 'must be no more than 253 bytes'],
    [SUBNETS, 'a..b', 'a lowercase RFC 1123 subdomain must consist of'],
    [NAMESPACES, 'a.b', 'a lowercase RFC 1123 label must consist of'],
    [NAMESPACES, 'x'.repeat(64), 'must be no more than 63 bytes'],
    ['/api/v1/namespaces/default/events', 'a/b', "may not contain '/'"],
  ])('of %s cannot have the name %j', async (path, name, why) => {
    await using client = await Client.start();
    const { code, body } = await client.send('POST', path, { metadata: { name } });
    expect(code).toBe(422);
    expect(body.message).toContain(`metadata.name: Invalid value: ${JSON.stringify(name)}: ${why}`);
  });

  it.each([
    [{ labels: { 'a b': '' } }, 'metadata.labels: Invalid value: "a b": name part must consist of'],
    [{ labels: { 'a/b/c': '' } }, 'a qualified name must consist of'],
    [{ labels: { '/b': '' } }, 'prefix part must be non-empty'],
    [{ labels: { a: '-' } }, 'metadata.labels: Invalid value: "-": a valid label must be'],
    [{ labels: { a: 'x'.repeat(64) } }, 'must be no more than 63 bytes'],
    [{ annotations: { 'a_B!': '' } }, 'metadata.annotations: Invalid value: "a_B!": name part'],
    [{ annotations: { [`p/${'x'.repeat(64)}`]: '' } }, 'name part must be no more than 63 bytes'],
    [
      { annotations: { a: 'x'.repeat(131_072), b: 'x'.repeat(131_071) } },
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [{ generateName: 'Web-', name: undefined }, 'metadata.generateName: Invalid value: "Web-"'],
    [{ ownerReferences: [{ ...owner, uid: '' }] }, 'metadata.ownerReferences.uid: Invalid value'],
    [{ ownerReferences: [{ ...owner, name: undefined }] }, 'ownerReferences.name: Invalid value'],
    [{ ownerReferences: [{ ...owner, apiVersion: '' }] }, 'version must not be empty'],
    [
      { ownerReferences: [owner, { ...owner, uid: '2' }].map((o) => ({ ...o, controller: true })) },
      'Only one reference can have Controller set to true',
    ],
    [{ finalizers: ['a b'] }, 'metadata.finalizers: Invalid value: "a b": name part'],
  ])('is refused with %j, from clients and in process', async (metadata, why) => {
    await using client = await Client.start();
    const { code, body } = await client.send('POST', PODS, withMetadata(metadata));
    expect(code).toBe(422);
    expect(body.message).toContain(why);
    const inProcess = withMetadata({ namespace: 'default', ...metadata });
    expect(() => client.server.create(inProcess)).toThrow(why);
    client.server.create(pod('b'));
    if ('generateName' in metadata) return;
    expect((await client.patch(`${PODS}/b`, { metadata })).code).toBe(422);
  });

  it('takes what is just allowed', async () => {
    await using client = await Client.start();
    const value = 'x'.repeat(256 * 1024 - 'Example.COM/a'.length);
    const { code } = await client.send('POST', PODS, {
      metadata: {
        generateName: 'web-',
        labels: { [`${'p'.repeat(253)}/${'n'.repeat(63)}`]: 'v'.repeat(63), empty: '' },
        annotations: { 'Example.COM/a': value },
        finalizers: ['kubeovn.io/x'],
        ownerReferences: [{ ...owner, controller: true }],
      },
    });
    expect(code).toBe(201);
  });

  it.each([{ labels: { a: 1 } }, { annotations: [] }, { ownerReferences: {} }, { name: 7 }])(
    'cannot be read with %j',
    async (metadata) => {
      await using client = await Client.start();
      expect((await client.send('POST', PODS, withMetadata(metadata))).code).toBe(400);
    },
  );

  it('loses what nobody knows, and what is empty', async () => {
    await using client = await Client.start();
    const reference = { ...owner, colour: 'red' };
    const sent = { labels: {}, annotations: {}, nonsense: 1, ownerReferences: [reference] };
    const { metadata } = (await client.send('POST', PODS, withMetadata(sent))).body;
    expect(metadata).not.toHaveProperty('labels');
    expect(metadata).not.toHaveProperty('annotations');
    expect(metadata).not.toHaveProperty('nonsense');
    expect(metadata.ownerReferences).toEqual([owner]);
  });

  it('gets no finalizer any more while the object is being deleted', async () => {
    await using client = await Client.start();
    const finalizers = ['kubeovn.io/x', 'kubeovn.io/y'];
    client.server.create({ kind: 'Subnet', metadata: { name: 'a', finalizers } });
    client.server.delete('Subnet', 'a');
    const path = `${SUBNETS}/a`;
    expect((await client.patch(path, { metadata: { finalizers: finalizers.slice(1) } })).code).toBe(
      200,
    );
    const { code, body } = await client.patch(path, { metadata: { finalizers } });
    expect(code).toBe(422);
    expect(body.message).toContain('no new finalizers can be added if the object is being deleted');
  });
});

describe('the spec of a pod', () => {
  it('is put on a node by the scheduler alone', async () => {
    await using client = await Client.start();
    client.server.create({ ...pod('a'), spec: { containers: [{ name: 'c', image: 'one' }] } });
    const { code, body } = await client.patch(`${PODS}/a`, { spec: { nodeName: 'n' } });
    expect(code).toBe(422);
    expect(body.message).toContain('spec: Forbidden: pod updates may not change fields other than');
    expect(
      client.server.patch('Pod', 'default/a', { spec: { nodeName: 'n' } }).spec?.nodeName,
    ).toBe('n');
  });

  it('can get other images', async () => {
    await using client = await Client.start();
    client.server.create({ ...pod('a'), spec: { containers: [{ name: 'c', image: 'one' }] } });
    const containers = [{ name: 'c', image: 'two' }];
    expect((await client.patch(`${PODS}/a`, { spec: { containers } })).code).toBe(200);
    expect((await client.patch(`${PODS}/a`, { spec: { containers: [] } })).code).toBe(422);
  });
});
