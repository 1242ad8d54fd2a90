/**
 * What happens to an object on its way into the fake API server: it is read as its kind has it,
 * which drops what nobody knows, and then checked. Pure functions.
 */
import { schemaOf } from './definitions.ts';
import { type FieldError, refuseFor } from './field-errors.ts';
import type { Kind } from './kinds.ts';
import { checkLease } from './lease-rules.ts';
import { metadataErrors, readMetadata } from './metadata.ts';
import type { KubernetesObject, NewObject } from './object.ts';
import { podUpdateErrors } from './pod-rules.ts';
import type { Part } from './writes.ts';

/**
 * An object that was sent as its kind has it: without fields that nobody knows, with defaults.
 * The specs of the kinds without a schema stay as they are.
 * @throws ApiRefusal 400 for metadata that is none
 */
export function read(kind: Kind, sent: NewObject): KubernetesObject {
  const object = { ...sent, metadata: readMetadata(kind, sent.metadata) };
  const schema = schemaOf(kind);
  return schema === undefined ? object : (schema.admitted(object) as KubernetesObject);
}

/**
 * @param object as it shall be kept
 * @param before undefined of a new one
 * @throws ApiRefusal 422 with all that is wrong, 400 see checkLease
 */
export function check(
  kind: Kind,
  object: KubernetesObject,
  { before, part }: { before: KubernetesObject | undefined; part: Part },
): void {
  checkLease(kind, object);
  const isRequest = part !== 'all';
  const errors = [
    ...metadataErrors(kind, object.metadata, before?.metadata),
    ...schemaErrors(kind, object, before),
    ...(kind.kind === 'Pod' && before !== undefined && isRequest
      ? podUpdateErrors(before, object)
      : []),
  ];
  refuseFor(errors, kind, object.metadata.name);
}

/**
 * What a schema has against an object; what it had against the one before too is let pass, as the
 * real server does since 1.30 ("ratcheting"): objects may be older than their schema.
 */
function schemaErrors(
  kind: Kind,
  object: KubernetesObject,
  before: KubernetesObject | undefined,
): readonly FieldError[] {
  const schema = schemaOf(kind);
  const errors = schema?.errors(object, '') ?? [];
  if (errors.length === 0 || before === undefined) return errors;
  const old = new Set(schema?.errors(before, '').map(textOf));
  return errors.filter((error) => !old.has(textOf(error)));
}

function textOf({ field, message }: FieldError): string {
  return `${field}: ${message}`;
}
