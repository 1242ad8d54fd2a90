/**
 * Objects of the fake API server, and what is common to all of them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from './kinds.ts';

export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  [field: string]: unknown;
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

/** What tests write by hand: the name may be left to `generateName`. */
export interface NewObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** Under what an object is kept: `namespace/name`, or `name` without a namespace. */
export function keyOf({
  namespace,
  name,
}: {
  namespace?: string | undefined;
  name: string;
}): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** Time as the API writes it: whole seconds, UTC. */
export function timestamp(at = new Date()): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** True where both say the same, their resource versions aside. */
export function isSameContent(one: KubernetesObject, other: KubernetesObject): boolean {
  return isDeepStrictEqual(withVersion(one, ''), withVersion(other, ''));
}

/** True where both say the same outside of metadata and status: what `generation` counts. */
export function isSameSpec(one: KubernetesObject, other: KubernetesObject): boolean {
  const { metadata: m1, status: s1, ...spec1 } = one;
  const { metadata: m2, status: s2, ...spec2 } = other;
  return isDeepStrictEqual(spec1, spec2);
}

/** The object under another resource version. */
export function withVersion(object: KubernetesObject, resourceVersion: string): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

/** RFC 7386, section 2. `undefined` stands for a member that is not there. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

/** True for what JSON calls an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields that every object of a kind has as the server serves it, at their place in front. */
export function typed(kind: Kind, object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind: name } = kind;
  return { ...object, apiVersion, kind: name };
}
