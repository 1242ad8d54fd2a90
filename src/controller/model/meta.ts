/**
 * What is kept of every object's metadata, and the finalizer by which an object waits for us when
 * it is deleted. Pure.
 */

import { rawFields, readQuietly } from '../../common/fields.ts';
import type { Condition } from './conditions.ts';

/** What is kept of an object's metadata. */
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

/** The metadata of a raw object; texts that are missing are empty. */
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

/** What tells which of two objects was there first. */
export interface Age {
  readonly meta: Meta;
  readonly status: { readonly conditions: readonly Condition[] };
}

/**
 * True where `one` was there before `other`. Of two that came in one second it is the one that was
 * found valid, and where that does not tell, the one with the lower name.
 */
export function isEarlier(one: Age, other: Age): boolean {
  if (one.meta.createdAt !== other.meta.createdAt) return one.meta.createdAt < other.meta.createdAt;
  if (isValidated(one) !== isValidated(other)) return isValidated(one);
  return one.meta.name < other.meta.name;
}

/** An IPPool has nothing but Ready for it. */
function isValidated({ status }: Age): boolean {
  const types = ['Validated', 'Ready'];
  const found = types.flatMap((type) => status.conditions.find((each) => each.type === type) ?? []);
  return found[0]?.status === 'True';
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
