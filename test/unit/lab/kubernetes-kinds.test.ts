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
  const replicas = (count: number) => ({ replicas: count });

  it.each([
    ['/apis/kubeovn.io/v1/ippools', 'IPPool', { subnet: 'red', ips: [] }],
    ['/apis/kubeovn.io/v1/security-groups', 'SecurityGroup', { tier: 1 }],
    ['/apis/apps/v1/namespaces/default/deployments', 'Deployment', replicas(2)],
    ['/apis/apps/v1/namespaces/default/statefulsets', 'StatefulSet', replicas(2)],
  ])('are at %s, with a status apart', async (path, kind, spec) => {
    await using client = await Client.start();
    const status = statusOf(kind);
    const sent = { metadata: { name: 'a' }, spec, status };
    expect((await client.send('POST', path, sent)).body).toMatchObject({ kind, spec });
    expect((await client.send('GET', `${path}/a`)).body.status).toBeUndefined();
    const { body } = await client.patch(`${path}/a/status`, { status });
    expect(body.status).toEqual(status);
  });

  function statusOf(kind: string): object {
    if (kind === 'IPPool') return { v4UsingIPs: 1 };
    return kind === 'SecurityGroup' ? { portGroup: 'ovn.sg.a' } : replicas(1);
  }
});

describe('a change of an object', () => {
  it('is told to those in process who asked, with its last state or none', async () => {
    await using client = await Client.start();
    const seen: unknown[] = [];
    const stop = client.server.onChange('IPPool', (pool) => seen.push(pool?.spec));
    const path = '/apis/kubeovn.io/v1/ippools';
    const spec = { subnet: 'red', ips: ['10.0.0.5'], enableAddressSet: false };
    await client.send('POST', path, { metadata: { name: 'a' }, spec });
    client.server.create({ kind: 'Subnet', metadata: { name: 'red' } });
    client.server.patch('IPPool', 'a', { spec: { ips: ['10.0.0.6'] } });
    client.server.delete('IPPool', 'a');
    stop();
    client.server.create({ kind: 'IPPool', metadata: { name: 'b' } });
    expect(seen).toEqual([spec, { ...spec, ips: ['10.0.0.6'] }, undefined]);
  });
});
