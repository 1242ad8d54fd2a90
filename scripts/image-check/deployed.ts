/** Pods of deploy/ in the form in which those of the charts are checked. */
import type { ChartContainer, ChartPod } from '../../test/lab/chart-pods.ts';
import {
  find,
  type Manifest,
  type PodSpec,
  templateOf,
} from '../../test/process/deploy/rendered.ts';

/** What tests of manifests do not look at. */
type RenderedPod = PodSpec & { readonly securityContext?: { readonly runAsUser?: number } };

/** @throws Error where there is no such workload */
export function podOf(objects: readonly Manifest[], kind: string, name: string): ChartPod {
  const spec: RenderedPod | undefined = templateOf(find(objects, kind, name))?.spec;
  if (spec === undefined) throw new Error(`${name} has no pods`);
  const { initContainers = [], containers, volumes = [] } = spec;
  const { hostPID, automountServiceAccountToken } = spec;
  // The pod's user is that of containers that name none.
  const user = spec.securityContext?.runAsUser;
  const all = [...initContainers, ...containers].map((container) => ({
    ...container,
    securityContext: {
      ...(user === undefined ? {} : { runAsUser: user }),
      ...container.securityContext,
    },
  })) as readonly ChartContainer[];
  return {
    init: all.slice(0, initContainers.length),
    containers: all.slice(initContainers.length),
    volumes,
    ...(hostPID === undefined ? {} : { hostPID }),
    ...(automountServiceAccountToken === undefined ? {} : { automountServiceAccountToken }),
  };
}
