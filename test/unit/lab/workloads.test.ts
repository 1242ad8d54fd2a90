import { describe, expect, it } from 'vitest';
import { staticWorkload, type WorkloadManifest } from '../../lab/documented.ts';
import { apply } from '../../lab/kubectl.ts';
import { FakeApiServer } from '../../lab/kubernetes/api.ts';
import { keyOf } from '../../lab/kubernetes/object.ts';
import { endPod, markPod, Workloads, type WorkloadsOptions } from '../../lab/workloads.ts';

const DEPLOYMENT = 'default/static-workload';
const web: WorkloadManifest = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    serviceName: 'web',
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
  },
};

function cluster(options: Partial<WorkloadsOptions> = {}) {
  const api = new FakeApiServer();
  const workloads = new Workloads(api, { nodeName: 'node1', ...options });
  const names = () => api.list('Pod').map(({ metadata }) => metadata.name);
  return { api, workloads, names };
}

describe('a Deployment', () => {
  it('has pods of its template that a ReplicaSet owns', async () => {
    const { api, workloads, names } = cluster();
    const pods = await workloads.apply(staticWorkload);
    expect(pods.map(({ name }) => name).sort()).toEqual(names());
    expect(pods).toHaveLength(2);
    for (const pod of pods) {
      expect(pod.name).toMatch(/^static-workload-[0-9a-f]{8}-[a-z0-9]{5}$/);
      const { metadata, spec } = api.get('Pod', keyOf(pod));
      const owner = pod.name.slice(0, pod.name.lastIndexOf('-'));
      expect(metadata.ownerReferences).toMatchObject([
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, controller: true },
      ]);
      expect(metadata).toMatchObject(staticWorkload.spec.template.metadata);
      expect(spec).toEqual({ ...staticWorkload.spec.template.spec, nodeName: 'node1' });
    }
  });

  it('gets another pod for one that goes, before that one is gone', async () => {
    const { api, workloads, names } = cluster();
    const [one] = await workloads.apply(staticWorkload);
    if (one === undefined) throw new Error('no pod');
    markPod(api, one);
    const made = await workloads.reconcile('Deployment', DEPLOYMENT);
    expect(made).toHaveLength(1);
    expect(names()).toHaveLength(3);
    endPod(api, one);
    expect(names()).not.toContain(one.name);
    expect(await workloads.reconcile('Deployment', DEPLOYMENT)).toEqual([]);
  });
});

describe('a StatefulSet', () => {
  it('has pods with numbers, which it owns', async () => {
    const { api, workloads } = cluster();
    await workloads.apply(web);
    const { uid } = api.get('StatefulSet', 'default/web').metadata;
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid };
    for (const index of [0, 1, 2]) {
      const { metadata } = api.get('Pod', `default/web-${index}`);
      expect(metadata.ownerReferences).toMatchObject([owner]);
      expect(metadata.labels).toMatchObject({ 'apps.kubernetes.io/pod-index': `${index}` });
    }
  });

  it('gets a pod of the same name for one that is gone, and not before', async () => {
    const { api, workloads, names } = cluster();
    const [, one] = await workloads.apply(web);
    if (one === undefined) throw new Error('no pod');
    markPod(api, one);
    expect(await workloads.reconcile('StatefulSet', 'default/web')).toEqual([]);
    endPod(api, one);
    const [again] = await workloads.reconcile('StatefulSet', 'default/web');
    expect(again).toEqual({ ...one, uid: expect.not.stringContaining(one.uid) });
    expect(names()).toEqual(['web-0', 'web-1', 'web-2']);
    // The pod before has no part in the one of the same name.
    endPod(api, one);
    expect(names()).toEqual(['web-0', 'web-1', 'web-2']);
  });

  it('loses its last pods first, is told how, and gets them back', async () => {
    const ended: string[] = [];
    const { api, workloads, names } = cluster({
      end: async (pod) => {
        ended.push(pod.name);
        endPod(api, pod);
      },
    });
    await workloads.apply(web);
    await workloads.scale('StatefulSet', 'default/web', 1);
    expect([ended, names()]).toEqual([['web-2', 'web-1'], ['web-0']]);
    const made = await workloads.scale('StatefulSet', 'default/web', 2);
    expect(made.map(({ name }) => name)).toEqual(['web-1']);
    await workloads.delete('StatefulSet', 'default/web');
    expect(names()).toEqual([]);
    expect(api.list('StatefulSet')).toEqual([]);
  });

  it('counts its pods from another number where it says so, and past nine', async () => {
    const { workloads } = cluster();
    const spec = { ...web.spec, replicas: 3, ordinals: { start: 9 } };
    await workloads.apply({ ...web, spec });
    const pods = workloads.podsOf('StatefulSet', 'default/web');
    expect(pods.map(({ name }) => name)).toEqual(['web-9', 'web-10', 'web-11']);
  });
});

describe('the scheduler', () => {
  it('places a pod after it was created, where that is wanted', async () => {
    const { api, workloads } = cluster({ binding: 'later' });
    await workloads.apply(web);
    expect(api.get('Pod', 'default/web-0').spec).not.toHaveProperty('nodeName');
    await api.until('Pod', 'default/web-0', ({ spec }) => spec?.nodeName === 'node1');
  });

  it('leaves a pod alone that is gone by then', async () => {
    const { api, workloads, names } = cluster({ binding: 'later' });
    const pods = await workloads.apply(web);
    for (const pod of pods.slice(0, 2)) endPod(api, pod);
    await api.until('Pod', 'default/web-2', ({ spec }) => spec?.nodeName === 'node1');
    expect(names()).toEqual(['web-2']);
  });
});

describe('apply', () => {
  it('makes an object, and changes it', () => {
    const api = new FakeApiServer();
    const subnet = {
      kind: 'Subnet',
      metadata: { name: 'a' },
      spec: { provider: 'ovn', mtu: 1400 },
    };
    const { metadata } = apply(api, subnet);
    const changed = apply(api, { ...subnet, spec: { provider: 'ovn', mtu: 1300 } });
    expect(changed.metadata.uid).toBe(metadata.uid);
    expect(changed.spec).toEqual({ provider: 'ovn', mtu: 1300 });
  });

  it('throws what the API server refuses', () => {
    const api = new FakeApiServer();
    const misplaced = { kind: 'Subnet', metadata: { name: 'a', namespace: 'default' } };
    expect(() => apply(api, misplaced)).toThrow('Subnet has no namespace');
  });
});
