/** Containers of a pod, of the charts or of deploy/, as a kubelet has the runtime start them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ChartContainer,
  type ChartMount,
  type ChartPod,
  type PodPlace,
  variablesOf,
} from '../../test/lab/chart-pods.ts';
import type { ContainerSpec, Mount } from './containerd.ts';

/** What is the same for all containers of a check. */
export interface PodSurroundings extends PodPlace {
  /** Stands for the host's folders, but for those of the lab's own /run. */
  readonly hostFolder: string;
  /** Of the image. */
  readonly entrypoint: readonly string[];
}

const SERVICE_ACCOUNT_MOUNT: Mount = {
  from: '/run/secrets/kubernetes.io/serviceaccount',
  to: '/var/run/secrets/kubernetes.io/serviceaccount',
  readOnly: true,
  propagation: 'rprivate',
};
/** The charts' limit. */
const MEMORY_BYTES = 2 ** 30;
/** Hosts' paths that the lab has as they are. */
const REAL = ['/run/openvswitch', '/run/netns', '/var/run/netns'];

/** Hosts' paths that are files. */
const FILES = ['/run/xtables.lock', '/etc/localtime'];

/** @param pod of which the container is one */
export function specOf(
  pod: ChartPod,
  container: ChartContainer,
  around: PodSurroundings,
): ContainerSpec {
  const { command = [], args = [], securityContext = {} } = container;
  const { capabilities, privileged = false, runAsUser = 0 } = securityContext;
  const entrypoint = command.length > 0 ? command : around.entrypoint;
  const mounts = (container.volumeMounts ?? []).map((mount) => mountOf(pod, mount, around));
  return {
    name: container.name,
    argv: [...entrypoint, ...args],
    environment: variablesOf(container, around),
    mounts: [
      ...mounts,
      ...(pod.automountServiceAccountToken === false ? [] : [SERVICE_ACCOUNT_MOUNT]),
    ],
    sharesProcesses: pod.hostPID ?? false,
    privileged,
    user: runAsUser,
    readOnly: securityContext.readOnlyRootFilesystem ?? false,
    capabilities: capabilities?.add ?? [],
    allowsNewPrivileges: securityContext.allowPrivilegeEscalation ?? true,
    dropsAll: capabilities?.drop?.includes('ALL') ?? false,
    memoryBytes: MEMORY_BYTES,
  };
}

function mountOf(pod: ChartPod, mount: ChartMount, { hostFolder }: PodSurroundings): Mount {
  const volume = pod.volumes?.find(({ name }) => name === mount.name);
  const path = volume?.hostPath?.path ?? join('/volumes', mount.name);
  const isReal = REAL.includes(path);
  const from = isReal ? path : join(hostFolder, path);
  if (!isReal) makeSource(from, FILES.includes(path));
  return {
    from,
    to: mount.mountPath,
    readOnly: mount.readOnly ?? false,
    propagation: mount.mountPropagation === 'HostToContainer' ? 'rslave' : 'rprivate',
  };
}

function makeSource(path: string, isFile: boolean): void {
  mkdirSync(isFile ? dirname(path) : path, { recursive: true });
  if (isFile) writeFileSync(path, '', { flag: 'a' });
}
