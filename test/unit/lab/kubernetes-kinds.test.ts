import { describe, expect, it } from 'vitest';
import { Client } from './support.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const LEASE = `${LEASES}/a`;

const lease = (spec: object) => ({ metadata: { name: 'a' }, spec });

describe('a Lease', () => {
  it('is listed as the built-in kind that it is, and replaced only by its version', async () => {
    await using client = await Client.start();
    const spec = {
      holderIdentity: 'pod-a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      renewTime: '2026-08-22T10:00:00.123456Z',
    };
    const { code, body } = await client.send('POST', LEASES, lease(spec));
    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec });
    expect((await client.send('GET', LEASES)).body.items?.[0]).not.toHaveProperty('kind');
    expect((await client.send('PUT', LEASE, lease(spec))).code).toBe(422);
    expect((await client.send('PUT', LEASE, body)).code).toBe(200);
    expect((await client.send('GET', `${LEASE}/status`)).code).toBe(404);
  });

  it.each([
    [{ leaseDurationSeconds: 0 }, 422],
    [{ leaseTransitions: -1 }, 422],
    [{ leaseDurationSeconds: 1.5 }, 400],
    [{ holderIdentity: 7 }, 400],
    [{ renewTime: '2026-08-22T10:00:00Z' }, 400],
    [{ renewTime: '2026-08-22T10:00:00.123Z' }, 400],
    [{ acquireTime: 1_700_000_000 }, 400],
  ])('is refused with %j', async (spec, code) => {
    await using client = await Client.start();
    expect((await client.send('POST', LEASES, lease(spec))).code).toBe(code);
    await client.send('POST', LEASES, lease({}));
    expect((await client.patch(LEASE, { spec })).code).toBe(code);
    expect((await client.send('GET', LEASE)).body.spec).toEqual({});
  });
});

describe('the kinds that a controller reads and writes', () => {
  it.each([
    ['/apis/kubeovn.io/v1/ippools', 'IPPool'],
    ['/apis/kubeovn.io/v1/security-groups', 'SecurityGroup'],
    ['/apis/apps/v1/namespaces/default/deployments', 'Deployment'],
    ['/apis/apps/v1/namespaces/default/statefulsets', 'StatefulSet'],
  ])('are at %s, with a status apart', async (path, kind) => {
    await using client = await Client.start();
    const sent = { metadata: { name: 'a' }, spec: { replicas: 2 }, status: { replicas: 1 } };
    expect((await client.send('POST', path, sent)).body).toMatchObject({ kind, spec: sent.spec });
    expect((await client.send('GET', `${path}/a`)).body.status).toBeUndefined();
    const { body } = await client.patch(`${path}/a/status`, { status: { replicas: 2 } });
    expect(body.status).toEqual({ replicas: 2 });
  });
});

describe('a change of an object', () => {
  it('is told to those in process who asked, with its last state or none', async () => {
    await using client = await Client.start();
    const seen: unknown[] = [];
    const stop = client.double.onChange('IPPool', (pool) => seen.push(pool?.spec));
    const path = '/apis/kubeovn.io/v1/ippools';
    await client.send('POST', path, { metadata: { name: 'a' }, spec: { subnet: 'red' } });
    client.double.create({ kind: 'Subnet', metadata: { name: 'red' } });
    client.double.patch('IPPool', 'a', { spec: { subnet: 'blue' } });
    client.double.delete('IPPool', 'a');
    stop();
    client.double.create({ kind: 'IPPool', metadata: { name: 'b' } });
    expect(seen).toEqual([{ subnet: 'red' }, { subnet: 'blue' }, undefined]);
  });
});
