/**
 * What the API server lets a request change in the spec of a pod that exists. Only the scheduler's
 * binding puts a pod on a node, which tests play in process.
 */
import { isDeepStrictEqual } from 'node:util';
import { type FieldError, forbidden } from './field-errors.ts';
import { isRecord, type KubernetesObject } from './object.ts';

const WHY =
  'pod updates may not change fields other than `spec.containers[*].image`,' +
  '`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions ' +
  'to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it ' +
  'was previously negative)';

/** What is wrong with a request that makes `after` of `before`. */
export function podUpdateErrors(before: KubernetesObject, after: KubernetesObject): FieldError[] {
  const isSame = isDeepStrictEqual(fixedSpec(before.spec), fixedSpec(after.spec));
  return isSame ? [] : [forbidden('spec', WHY)];
}

/** A pod's spec without what may change. */
function fixedSpec(spec: Readonly<Record<string, unknown>> = {}): object {
  const { activeDeadlineSeconds, tolerations, terminationGracePeriodSeconds, ...fixed } = spec;
  const { containers, initContainers } = fixed;
  return {
    ...fixed,
    containers: withoutImages(containers),
    initContainers: withoutImages(initContainers),
  };
}

function withoutImages(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container) =>
    isRecord(container) ? { ...container, image: '' } : container,
  );
}
