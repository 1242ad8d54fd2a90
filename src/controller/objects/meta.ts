/**
 * What is kept of every object's metadata, and the finalizer by which an object waits for us when
 * it is deleted. Pure.
 */
import { rawFields, readQuietly } from './fields.ts';

export interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339, to the second. */
  readonly createdAt: string;
  readonly finalizers: readonly string[];
  /** True once it has a deletionTimestamp. */
  readonly deleting: boolean;
}

/** A JSON merge patch (RFC 7386). */
export type MergePatch = Readonly<Record<string, unknown>>;

/** Kube-OVN's own, so that a cluster can move either way. */
export const FINALIZER = 'kubeovn.io/kube-ovn-controller';
/** What Kube-OVN named it before v1.13. */
const OLD_FINALIZER = 'kube-ovn-controller';

export function projectMeta(raw: unknown): Meta {
  // What the API server itself writes has the right types.
  const metadata = readQuietly(rawFields(raw).metadata);
  return {
    name: metadata.text('name'),
    uid: metadata.text('uid'),
    resourceVersion: metadata.text('resourceVersion'),
    createdAt: metadata.text('creationTimestamp'),
    finalizers: metadata.texts('finalizers'),
    deleting: metadata.text('deletionTimestamp') !== '',
  };
}

/** True where `one` was there before `other`; by name where both came in one second. */
export function isEarlier(one: Meta, other: Meta): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt;
  return one.name < other.name;
}

/** The patch that adds the finalizer, or undefined where it is there or comes too late. */
export function finalizerAdded(meta: Meta): MergePatch | undefined {
  if (meta.deleting || meta.finalizers.includes(FINALIZER)) return undefined;
  return finalizersPatch(meta, [...othersThanOurs(meta), FINALIZER]);
}

/** The patch that lets a deleted object go, or undefined where nothing of ours holds it. */
export function finalizerRemoved(meta: Meta): MergePatch | undefined {
  const others = othersThanOurs(meta);
  return others.length === meta.finalizers.length ? undefined : finalizersPatch(meta, others);
}

function othersThanOurs({ finalizers }: Meta): readonly string[] {
  return finalizers.filter((name) => name !== FINALIZER && name !== OLD_FINALIZER);
}

/** A merge patch replaces the whole list: the version keeps it from undoing another's change. */
function finalizersPatch({ resourceVersion }: Meta, finalizers: readonly string[]): MergePatch {
  return { metadata: { resourceVersion, finalizers } };
}
