/**
 * StatefulSets with the role of Kube-OVN's charts, which lets the controller list and get them, and not
 * watch: what is decided for their pods goes by the sets as they are, and not by the last list.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkloadManifest } from '../lab/documented.ts';
import { CHART_CONTROLLER } from '../lab/kubernetes/chart-roles.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { NETWORKS, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { gone } from './controller-observe.ts';

const PROVIDER = 'net.default.ovn';
const SETS = '/apis/apps/v1/statefulsets';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ account: CHART_CONTROLLER });
  fixture.apply(ovnNetwork('net'), subnet('net', { cidrBlock: '10.1.0.0/24', provider: PROVIDER }));
  await fixture.controller.logged('statefulsets.apps may not be watched');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const ipName = (pod: string) => `${pod}.default.${PROVIDER}`;
const allocated = ({ name }: Pick<PodIdentity, 'name'>) =>
  fixture.allocated(`default/${name}`, PROVIDER);
const listsOfSets = () => fixture.api.requests.count({ verb: 'list', path: SETS });

test('a set that no list has shown keeps the addresses of a pod that comes back', async () => {
  const before = listsOfSets();
  const set: WorkloadManifest = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'set', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'set' } },
      template: {
        metadata: { labels: { app: 'set' }, annotations: { [NETWORKS]: 'net' } },
        spec: {},
      },
    },
  };
  const pods = await fixture.workloads.apply(set);
  const [first] = await Promise.all(pods.map(allocated));
  expect(fixture.api.get('IP', ipName('set-0')).spec).toMatchObject({ podType: 'StatefulSet' });
  await fixture.kubelet.end(pods[0] as PodIdentity);
  // One that goes after it has given all back: so nothing more comes of the end of the first.
  const last = fixture.schedule(podOf('last', 'net'));
  await allocated(last);
  await fixture.kubelet.end(last);
  await gone(fixture, 'IP', ipName('last'));
  const [again] = await fixture.workloads.reconcile('StatefulSet', 'default/set');
  expect(await allocated(again as PodIdentity)).toEqual(first);
  expect(listsOfSets() - before).toBeLessThan(2);
});

test('a pod that is scaled away gives its address back at once', async () => {
  await fixture.workloads.scale('StatefulSet', 'default/set', 1);
  await gone(fixture, 'IP', ipName('set-1'));
  expect(fixture.api.get('IP', ipName('set-0')).metadata.deletionTimestamp).toBeUndefined();
});

test('the log has one line about it', () => {
  expect(fixture.controller.logLines('statefulsets.apps may not be watched')).toHaveLength(1);
});
