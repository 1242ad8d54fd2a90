/**
 * What we keep of a Pod object.
 */
import { MIGRATION_ANNOTATION } from '../../common/names.ts';

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** True once the pod has a deletionTimestamp. */
  readonly deleting: boolean;
  /** Only Kube-OVN's annotations and those it reads. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A static pod's mirror has its own UID; the runtime knows the pod by this one. */
const STATIC_POD_UID_ANNOTATION = 'kubernetes.io/config.hash';

export function podKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** A raw Pod as the API server sends it, reduced to what we use: memory is what it costs. */
export function projectPod(raw: unknown): Pod {
  const { metadata } = raw as { metadata: RawMetadata };
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (isOurs(key)) annotations[key] = value;
  }
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
    annotations,
  };
}

interface RawMetadata {
  name: string;
  namespace?: string;
  uid: string;
  deletionTimestamp?: string | null;
  annotations?: Record<string, string>;
}

function isOurs(key: string): boolean {
  if (key === MIGRATION_ANNOTATION || key === STATIC_POD_UID_ANNOTATION) return true;
  return /\.kubernetes\.io\/[a-z_]+$/.test(key) && !key.startsWith('kubectl.');
}

/** True for the mirror of a static pod: it gets a new UID when it is deleted, and the pod runs on. */
export function isMirror(pod: Pod): boolean {
  return pod.annotations[STATIC_POD_UID_ANNOTATION] !== undefined;
}

/** True where `uid`, as a runtime says it, means this pod. */
export function isSamePod(pod: Pod, uid: string | undefined): boolean {
  return uid === undefined || uid === pod.uid || uid === pod.annotations[STATIC_POD_UID_ANNOTATION];
}
