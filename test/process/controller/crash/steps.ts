/**
 * What happens in a cluster, step by step: everything that has to do with addresses and that a crash
 * can come between.
 */
import type { WorkloadManifest } from '../../../lab/documented.ts';
import type { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { keyOf } from '../../../lab/kubernetes/object.ts';
import { endPod, identityOf } from '../../../lab/workloads.ts';
import type { CrashCluster } from './crash-cluster.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const RED_POOL = 'red.default.kubernetes.io/ip_pool';

export type Step = (crashCluster: CrashCluster) => unknown;

/** Each step is there for a way in which addresses come, go or stay. */
export const scenario: readonly Step[] = [
  function networksAndFirstPods(crashCluster) {
    crashCluster.api.create({ kind: 'Node', metadata: { name: 'node-1' } });
    crashCluster.api.create({ kind: 'Namespace', metadata: { name: 'default' } });
    for (const name of ['red', 'blue', 'green']) network(crashCluster.api, name);
    subnet(crashCluster.api, 'red', '10.1.0.0/26');
    subnet(crashCluster.api, 'blue', '10.2.0.0/26,fd00:2::/120');
    pod(crashCluster.api, 'a', 'red');
    pod(crashCluster.api, 'b', 'red');
    pod(crashCluster.api, 'c', 'red,blue');
  },
  (crashCluster) => crashCluster.workloads.apply(statefulSet),
  function reservations(crashCluster) {
    reserve(crashCluster, 'kept', '10.1.0.20');
    reserve(crashCluster, 'dynamic', '');
    reserve(crashCluster, 'together', '10.1.0.21');
    pod(crashCluster.api, 'together', 'red');
  },
  (crashCluster) => crashCluster.workloads.apply(deployment),
  function namedPool(crashCluster) {
    const spec = { subnet: 'red', ips: ['10.1.0.40..10.1.0.43'] };
    crashCluster.api.create({ kind: 'IPPool', metadata: { name: 'pool' }, spec });
    pod(crashCluster.api, 'pooled', 'red', { [RED_POOL]: 'pool' });
  },
  function leaveAndCome(crashCluster) {
    end(crashCluster.api, 'a');
    pod(crashCluster.api, 'd', 'red');
    pod(crashCluster.api, 'e', 'red,blue');
  },
  function statefulPodComesBack(crashCluster) {
    end(crashCluster.api, 'db-0');
    return crashCluster.workloads.reconcile('StatefulSet', 'default/db');
  },
  function reservedPodComes(crashCluster) {
    pod(crashCluster.api, 'kept', 'red');
    pod(crashCluster.api, 'f', 'red', { 'red.default.kubernetes.io/ip_address': '10.1.0.50' });
  },
  function subnetExcludesWhatIsInUse(crashCluster) {
    const excludeIps = ['10.1.0.1', '10.1.0.3..10.1.0.5', '10.1.0.60..10.1.0.62'];
    crashCluster.api.patch('Subnet', 'red', { spec: { excludeIps } });
    pod(crashCluster.api, 'g', 'red');
  },
  function pooledPodIsReplaced(crashCluster) {
    const [first] = crashCluster.workloads.podsOf('Deployment', 'default/web');
    if (first !== undefined) endPod(crashCluster.api, first);
    return crashCluster.workloads.reconcile('Deployment', 'default/web');
  },
  (crashCluster) => crashCluster.workloads.scale('StatefulSet', 'default/db', 1),
  function reservedPodGoesAndNicIsNotAskedFor(crashCluster) {
    end(crashCluster.api, 'kept');
    crashCluster.api.patch('Pod', 'default/c', {
      metadata: { annotations: { [NETWORKS]: 'red' } },
    });
  },
  function podCompletes(crashCluster) {
    crashCluster.api.patch('Pod', 'default/b', { status: { phase: 'Succeeded' } });
    pod(crashCluster.api, 'h', 'red');
  },
  function subnetComes(crashCluster) {
    subnet(crashCluster.api, 'green', '10.3.0.0/26');
    pod(crashCluster.api, 'i', 'green');
  },
  function sameNameAtOnce(crashCluster) {
    end(crashCluster.api, 'd');
    pod(crashCluster.api, 'd', 'red,blue');
  },
  function podWithForgottenNicGoes(crashCluster) {
    end(crashCluster.api, 'c');
  },
  function recordOfLivePodIsDeleted(crashCluster) {
    // What nothing records any more only those keep that run with it, and only what is not excluded.
    crashCluster.api.patch('Pod', 'default/e', { status: { phase: 'Running' } });
    crashCluster.api.patch('Subnet', 'red', { spec: { excludeIps: ['10.1.0.1'] } });
    crashCluster.api.delete('IP', 'e.default.red.default');
  },
  async function recordsAreLostWhileNobodyIsThere(crashCluster) {
    await crashCluster.kill();
    for (const { metadata } of crashCluster.api.list('Pod')) {
      crashCluster.api.patch('Pod', keyOf(metadata), { status: { phase: 'Running' } });
    }
    for (const { metadata, spec } of crashCluster.api.list('IP')) {
      if (spec?.subnet !== 'red' || crashCluster.reservations.has(metadata.name)) continue;
      crashCluster.api.patch('IP', metadata.name, { metadata: { finalizers: [] } });
      // What is being deleted already has gone with that.
      if (metadata.deletionTimestamp === undefined) crashCluster.api.delete('IP', metadata.name);
    }
    // They are first in line.
    for (const name of ['a-0', 'a-1', 'a-2']) pod(crashCluster.api, name, 'red');
  },
  function subnetGoes(crashCluster) {
    end(crashCluster.api, 'i');
    crashCluster.api.delete('Subnet', 'green');
  },
  function poolAndReservationGo(crashCluster) {
    end(crashCluster.api, 'pooled');
    crashCluster.api.delete('IPPool', 'pool');
    for (const name of crashCluster.reservations.keys()) crashCluster.api.delete('IP', name);
    crashCluster.reservations.clear();
  },
  (crashCluster) => crashCluster.workloads.delete('StatefulSet', 'default/db'),
];

function network(api: FakeApiServer, name: string): void {
  const config = JSON.stringify({
    cniVersion: '0.3.1',
    type: 'macvlan',
    master: 'eth0',
    ipam: { type: 'kube-ovn', provider: `${name}.default` },
  });
  const metadata = { name, namespace: 'default' };
  api.create({ kind: 'NetworkAttachmentDefinition', metadata, spec: { config } });
}

function subnet(api: FakeApiServer, name: string, cidrBlock: string): void {
  const spec = { provider: `${name}.default`, cidrBlock };
  api.create({ kind: 'Subnet', metadata: { name }, spec });
}

/** Creates a pod on a node. @param networks short form, of namespace default */
export function pod(
  api: FakeApiServer,
  name: string,
  networks: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const annotations = { [NETWORKS]: networks, ...more };
  const metadata = { name, namespace: 'default', annotations };
  api.create({ kind: 'Pod', metadata, spec: { nodeName: 'node-1', restartPolicy: 'Never' } });
}

/** Creates many pods at once; each third has a second NIC, with addresses of both families. */
export function burst(api: FakeApiServer, count: number): void {
  for (let index = 0; index < count; index += 1) {
    pod(api, `burst-${index}`, index % 3 === 0 ? 'red,blue' : 'red');
  }
}

/** Creates a pod as somebody does who copies what `kubectl get -o yaml` says of another one. */
export function copyOf(api: FakeApiServer, name: string, copy: string): void {
  const { metadata, spec } = api.get('Pod', `default/${name}`);
  const { annotations } = metadata;
  api.create({ kind: 'Pod', metadata: { name: copy, namespace: 'default', annotations }, spec });
}

/** A network of macvlan interfaces, and its Subnet. */
export function makeNetwork(api: FakeApiServer, name: string, cidrBlock: string): void {
  network(api, name);
  subnet(api, name, cidrBlock);
}

function end(api: FakeApiServer, name: string): void {
  endPod(api, identityOf(api.get('Pod', `default/${name}`)));
}

function reserve({ api, reservations }: CrashCluster, podName: string, v4IpAddress: string): void {
  const name = `${podName}.default.red.default`;
  const spec = { subnet: 'red', podName, namespace: 'default', v4IpAddress };
  api.create({ kind: 'IP', metadata: { name }, spec });
  reservations.set(name, v4IpAddress);
}

const statefulSet = workload('StatefulSet', 'db', { [NETWORKS]: 'blue' });
const deployment = workload('Deployment', 'web', {
  [NETWORKS]: 'red',
  [RED_POOL]: '10.1.0.30,10.1.0.31,10.1.0.32',
});

function workload(
  kind: string,
  name: string,
  annotations: Readonly<Record<string, string>>,
): WorkloadManifest {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: {} },
    },
  };
}
