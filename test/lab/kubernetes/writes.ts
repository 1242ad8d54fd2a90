/**
 * What a write makes of an object of the fake API server: the metadata that the server alone
 * decides, the parts that a request may change, and the preconditions. Pure functions.
 */
import { randomUUID } from 'node:crypto';
import { invalidValue, refuseFor } from './field-errors.ts';
import type { Kind } from './kinds.ts';
import {
  isSameSpec,
  type KubernetesObject,
  type Metadata,
  type NewObject,
  timestamp,
} from './object.ts';
import { ApiRefusal, conflict, invalid } from './status.ts';

/**
 * Which part of an object a write may change: what a request to `/status` may, what any other
 * may, or both, which no real request can, but a test does.
 */
export type Part = 'status' | 'main' | 'all';

export interface DeleteOptions {
  /** Of pods; s. Without it the pod's own, which is 30 by default. 0 removes at once. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface Write {
  readonly kind: Kind;
  readonly part: Part;
  /** Of a patch another UID is a wrong value, of a replacement another object. */
  readonly isPatch: boolean;
}

const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';
const DEFAULT_GRACE_SECONDS = 30;
const GENERATED_PREFIX_MAX = 58;

/** A new object from what was sent. @throws ApiRefusal 400, 422 */
export function newObject(kind: Kind, object: NewObject, part: Part): KubernetesObject {
  const { status, metadata: sent = {}, ...rest } = object;
  const { resourceVersion, deletionTimestamp, ...metadata } = sent;
  const name = String(metadata.name ?? generatedName(metadata.generateName));
  if (name === '') {
    throw invalid(kind, '', 'metadata.name: Required value: name or generateName is required');
  }
  if (Boolean(metadata.namespace) !== Boolean(kind.namespaced)) {
    const needs = kind.namespaced ? 'needs a' : 'has no';
    throw new ApiRefusal(400, `${kind.kind} ${needs} namespace`);
  }
  const creationTimestamp = timestamp();
  const fixed = { name, uid: randomUUID(), generation: 1, creationTimestamp };
  const given = kind.hasStatus && part === 'main' ? undefined : status;
  const initial = kind.kind === 'Pod' ? { phase: 'Pending' } : undefined;
  return withStatus({ ...rest, metadata: { ...metadata, ...fixed } }, given ?? initial);
}

/** A name that nobody has; empty without a prefix. The real server cuts long prefixes too. */
function generatedName(prefix: unknown): string {
  if (prefix === undefined) return '';
  return `${String(prefix).slice(0, GENERATED_PREFIX_MAX)}${randomUUID().slice(0, 5)}`;
}

/** The next state of an object, given what a request wants and what part of it that may change. */
export function nextObject(
  before: KubernetesObject,
  wanted: KubernetesObject,
  write: Write,
): KubernetesObject {
  const { kind, part } = write;
  const main = part === 'status' ? before : wanted;
  const keepsStatus = part === 'main' && kind.hasStatus;
  const next = withStatus(main, keepsStatus ? before.status : wanted.status);
  const { generation = 0 } = before.metadata;
  const grown = isSameSpec(before, {
    ...next,
    apiVersion: before.apiVersion,
    kind: before.kind,
  } as KubernetesObject)
    ? generation
    : generation + 1;
  return {
    ...next,
    metadata: { ...next.metadata, ...fixedMetadata(before.metadata), generation: grown },
  };
}

/** The object marked as deleted, for its finalizers and its node's agent to see. */
export function markDeleted(object: KubernetesObject, graceSeconds: number): KubernetesObject {
  const { deletionTimestamp, generation = 0 } = object.metadata;
  const until = timestamp(new Date(Date.now() + graceSeconds * 1000));
  const metadata: Metadata = {
    ...object.metadata,
    deletionTimestamp: deletionTimestamp ?? until,
    deletionGracePeriodSeconds: graceSeconds,
    generation: deletionTimestamp === undefined ? generation + 1 : generation,
  };
  return { ...object, metadata };
}

/** @throws ApiRefusal 409 for another version or UID than the request wants, 422 see Write */
export function checkWrite(
  before: KubernetesObject,
  wanted: KubernetesObject,
  { kind, isPatch }: Write,
): void {
  const { name, uid, resourceVersion } = before.metadata;
  const wantedVersion = wanted.metadata.resourceVersion ?? '';
  if (wantedVersion !== '' && wantedVersion !== resourceVersion)
    throw conflict(kind, name, MODIFIED);
  const { deletionTimestamp } = wanted.metadata;
  if (before.metadata.deletionTimestamp === undefined) {
    refuseChange(kind, name, { deletionTimestamp });
  }
  if ((wanted.metadata.uid ?? uid) === uid) return;
  if (isPatch) refuseChange(kind, name, { uid: wanted.metadata.uid });
  const why = `UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${uid}`;
  throw conflict(kind, name, `Precondition failed: ${why}`);
}

/** @throws ApiRefusal 422 for each field of the metadata that is there */
function refuseChange(kind: Kind, name: string, changed: Readonly<Record<string, unknown>>): void {
  const errors = Object.entries(changed)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => invalidValue(`metadata.${field}`, value, 'field is immutable'));
  refuseFor(errors, kind, name);
}

/** @throws ApiRefusal 409 */
export function checkDelete(
  kind: Kind,
  { metadata }: KubernetesObject,
  options: DeleteOptions,
): void {
  const { uid = metadata.uid, resourceVersion = metadata.resourceVersion } =
    options.preconditions ?? {};
  if (uid === metadata.uid && resourceVersion === metadata.resourceVersion) return;
  throw conflict(kind, metadata.name, 'Precondition failed: UID or resourceVersion differ');
}

/** How long a DELETE waits for the node's agent; s. A pod that is on no node has none. */
export function graceOf(
  kind: Kind,
  { spec = {} }: KubernetesObject,
  asked: number | undefined,
): number {
  if (!kind.graceful || spec.nodeName === undefined) return 0;
  return asked ?? Number(spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
}

export function hasFinalizers({ metadata }: KubernetesObject): boolean {
  return (metadata.finalizers ?? []).length > 0;
}

/** True for an object that was only waiting for its last finalizer. */
export function isDoneDeleting(object: KubernetesObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  return (
    deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && !hasFinalizers(object)
  );
}

/** What no request changes; what the object does not have, it does not get either. */
function fixedMetadata(before: Metadata): Partial<Metadata> {
  const { name, namespace, uid, creationTimestamp } = before;
  const { deletionTimestamp, deletionGracePeriodSeconds } = before;
  const deletion = { deletionTimestamp, deletionGracePeriodSeconds };
  // Undefined takes away what the request sent; the store keeps no undefined members.
  return { name, namespace, uid, creationTimestamp, ...deletion } as Partial<Metadata>;
}

function withStatus(object: KubernetesObject, status: unknown): KubernetesObject {
  const { status: _, ...rest } = object;
  return status === undefined
    ? (rest as KubernetesObject)
    : { ...(rest as KubernetesObject), status: status as object as Record<string, unknown> };
}
