/**
 * What the tests of the controller's process share: informer caches of the fake API server's objects,
 * objects as it serves them, and waits for what a copy shows.
 */
import type { WatchLimits } from '../../../src/common/kubernetes/watch-cache.ts';
import { type Cluster, createCluster } from '../../../src/controller/cluster/cluster.ts';
import type { Objects } from '../../../src/controller/cluster/collection.ts';
import type { ClusterSettings } from '../../../src/controller/model/settings.ts';
import { CONTROLLER, FakeApiServer, type NewObject } from '../../lab/kubernetes/api.ts';
import { configOf, RecordingLog } from '../common/kubernetes/support.ts';
import { defaultSettings } from './settings.ts';

export interface LiveCluster extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly cluster: Cluster;
  readonly settings: ClusterSettings;
  readonly log: RecordingLog;
}

/** A fake API server with these objects, and copies of it of which none is started. */
export async function setUpCluster(
  objects: readonly NewObject[] = [],
  changes: Partial<ClusterSettings> = {},
  limits: Partial<WatchLimits> = {},
): Promise<LiveCluster> {
  const server = await FakeApiServer.start();
  createAll(server, objects);
  const log = new RecordingLog();
  const settings = { ...defaultSettings, ...changes };
  const cluster = createCluster({ config: configOf(server, CONTROLLER), settings, log, limits });
  const dispose = async () => {
    cluster.stop();
    await server.close();
  };
  return { server, cluster, settings, log, [Symbol.asyncDispose]: dispose };
}

/** Creates objects in order; pods of a machine's instance that came before them name its real UID. */
function createAll(server: FakeApiServer, objects: readonly NewObject[]): void {
  let instance: unknown = INSTANCE_UID;
  for (const object of objects) {
    const owners = (object.metadata?.ownerReferences ?? []) as { uid: string }[];
    const ownerReferences = owners.map((owner) => {
      return owner.uid === INSTANCE_UID ? { ...owner, uid: instance } : owner;
    });
    const metadata = { ...object.metadata, ...(owners.length > 0 ? { ownerReferences } : {}) };
    const { uid } = server.create({ ...object, metadata }).metadata;
    if (object.metadata?.uid === INSTANCE_UID) instance = uid;
  }
}

type Startable = Pick<Objects<unknown>, 'start' | 'synced'>;

/** Starts copies, and resolves when they have their first lists. */
export async function start(...collections: readonly Startable[]): Promise<void> {
  for (const collection of collections) collection.start();
  await Promise.all(collections.map(({ synced }) => synced));
}

/** Resolves as soon as a copy shows what is wanted of it. */
export function shows<T>(collection: Objects<T>, isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (isSo()) resolve();
  };
  const stop = collection.onChange(look);
  look();
  return promise.finally(stop);
}

/** An object of one of Kube-OVN's kinds. */
export function kubeOvn(kind: string, name: string, spec: object, metadata: object = {}) {
  return { kind, metadata: { name, ...metadata }, spec };
}

export interface PodShape {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly phase?: string;
  readonly spec?: object;
  /** Name of the KubeVirt VM that it says runs in it. */
  readonly virtualMachine?: string;
}

/** Stands for the UID of the instance that pods say they are of, whatever the server makes it. */
const INSTANCE_UID = 'vmi';

/** The instance of a KubeVirt VM that pods of `podObject` say they are of. */
export function machineInstance(name: string, changes: object = {}) {
  return {
    kind: 'VirtualMachineInstance',
    metadata: { name, namespace: 'shop', uid: INSTANCE_UID, ...changes },
  };
}

/** A pod of namespace `shop`, Running unless it is said otherwise. */
export function podObject(name: string, shape: PodShape = {}) {
  const { annotations = {}, phase = 'Running', spec = {}, virtualMachine } = shape;
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', uid: INSTANCE_UID };
  const ownerReferences = virtualMachine === undefined ? [] : [{ ...owner, name: virtualMachine }];
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'shop', annotations, ownerReferences },
    spec: { nodeName: 'node-1', restartPolicy: 'Never', ...spec },
    status: { phase },
  };
}
