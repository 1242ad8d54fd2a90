/**
 * The metadata of objects as the real API server reads and checks it, for all kinds alike
 * (k8s.io/apimachinery, ObjectMeta and ValidateObjectMetaAccessor). Pure functions.
 */
import { type FieldError, forbidden, invalidValue, required, tooLong } from './field-errors.ts';
import type { Kind } from './kinds.ts';
import { keyErrors, labelErrors, nameErrors, valueErrors } from './name-rules.ts';
import { isRecord, type Metadata } from './object.ts';
import { ApiRefusal } from './status.ts';

/** Keys and values of all annotations together; bytes. */
const ANNOTATION_BYTES_MAX = 256 * 1024;

interface OwnerReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

/** Makes a value of its Go type. @throws TypeError with the type that it should have had */
type Reader = (value: unknown) => unknown;

const text = primitive('string');
const flag = primitive('boolean');
const integer: Reader = (value) => {
  if (!Number.isInteger(value)) throw new TypeError('int64');
  return value;
};
const texts = listOf(text);
const textMap: Reader = (value) => {
  if (!isRecord(value)) throw new TypeError('map[string]string');
  return Object.fromEntries(present(value).map(([key, one]) => [key, text(one ?? '')]));
};

const fields: Readonly<Record<string, Reader>> = {
  name: text,
  generateName: text,
  namespace: text,
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: integer,
  creationTimestamp: text,
  deletionTimestamp: text,
  deletionGracePeriodSeconds: integer,
  labels: textMap,
  annotations: textMap,
  ownerReferences: listOf(
    struct({
      apiVersion: text,
      kind: text,
      name: text,
      uid: text,
      controller: flag,
      blockOwnerDeletion: flag,
    }),
  ),
  finalizers: texts,
  managedFields: listOf((value) => value),
};
const readFields = struct(fields);

/**
 * The metadata of what was sent: fields that nobody knows are dropped, and so are empty ones.
 * @throws ApiRefusal 400 for a value of another type
 */
export function readMetadata(kind: Kind, sent: unknown): Metadata {
  try {
    return readFields(sent ?? {}) as Metadata;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const why = `json: cannot unmarshal into Go struct field ObjectMeta.metadata of type ${error.message}`;
    const { kind: name, apiVersion } = kind;
    throw new ApiRefusal(
      400,
      `${name} in version "${apiVersion}" cannot be handled as a ${name}: ${why}`,
    );
  }
}

/** What is wrong with metadata; `before` is undefined of a new object. */
export function metadataErrors(kind: Kind, metadata: Metadata, before?: Metadata): FieldError[] {
  return [
    ...(before === undefined ? identityErrors(kind, metadata) : changeErrors(metadata, before)),
    ...labelsErrors(metadata.labels),
    ...annotationErrors(metadata.annotations),
    ...ownerErrors(metadata.ownerReferences as readonly OwnerReference[] | undefined),
    ...finalizerErrors(metadata.finalizers),
  ];
}

function identityErrors(kind: Kind, { name, generateName, namespace }: Metadata): FieldError[] {
  const rule = kind.nameRule ?? 'subdomain';
  const wrong = (field: string, value: unknown, whys: readonly string[]) =>
    whys.map((why) => invalidValue(`metadata.${field}`, value, why));
  const prefix = String(generateName ?? '');
  return [
    ...(prefix === '' ? [] : wrong('generateName', prefix, nameErrors(rule, prefix, true))),
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : wrong('name', name, nameErrors(rule, name))),
    ...(namespace === undefined ? [] : wrong('namespace', namespace, labelErrors(namespace))),
  ];
}

function changeErrors(metadata: Metadata, before: Metadata): FieldError[] {
  if (before.deletionTimestamp === undefined) return [];
  const { finalizers: old = [] } = before;
  const fresh = (metadata.finalizers ?? []).filter((name) => !old.includes(name));
  if (fresh.length === 0) return [];
  const list = `[]string{${fresh.map((name) => JSON.stringify(name)).join(', ')}}`;
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  return [forbidden('metadata.finalizers', why)];
}

function labelsErrors(labels: Metadata['labels'] = {}): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const why of keyErrors(key)) errors.push(invalidValue('metadata.labels', key, why));
    for (const why of valueErrors(value)) errors.push(invalidValue('metadata.labels', value, why));
  }
  return errors;
}

function annotationErrors(annotations: Metadata['annotations'] = {}): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    // Unlike a label's, its prefix may be in upper case.
    for (const why of keyErrors(key.toLowerCase()))
      errors.push(invalidValue('metadata.annotations', key, why));
  }
  if (bytes > ANNOTATION_BYTES_MAX)
    errors.push(tooLong('metadata.annotations', ANNOTATION_BYTES_MAX));
  return errors;
}

function ownerErrors(owners: readonly OwnerReference[] = []): FieldError[] {
  const errors = owners.flatMap(ownerReferenceErrors);
  const [first, second] = owners
    .filter(({ controller }) => controller)
    .map(({ kind, name }) => `${kind}/${name}`);
  if (second === undefined) return errors;
  const why = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
  return [...errors, invalidValue('metadata.ownerReferences', owners, why)];
}

function ownerReferenceErrors(owner: OwnerReference): FieldError[] {
  const { apiVersion = '', kind = '' } = owner;
  const empty = (['apiVersion', 'kind', 'name', 'uid'] as const).filter(
    (field) => (owner[field] ?? '') === '',
  );
  const errors = empty.map((field) => {
    const why = field === 'apiVersion' ? 'version must not be empty' : 'must not be empty';
    return invalidValue(`metadata.ownerReferences.${field}`, '', why);
  });
  if (apiVersion !== 'v1' || kind !== 'Event') return errors;
  const why = '/v1, Kind=Event is disallowed from being an owner';
  return [...errors, invalidValue('metadata.ownerReferences', owner, why)];
}

function finalizerErrors(finalizers: readonly string[] = []): FieldError[] {
  return finalizers.flatMap((name) =>
    keyErrors(name).map((why) => invalidValue('metadata.finalizers', name, why)),
  );
}

function primitive(type: 'string' | 'boolean'): Reader {
  const name = type === 'boolean' ? 'bool' : type;
  return (value) => {
    if (typeof value !== type) throw new TypeError(name);
    return value;
  };
}

function listOf(read: Reader): Reader {
  return (value) => {
    if (!Array.isArray(value)) throw new TypeError('[]');
    return value.map(read);
  };
}

function struct(readers: Readonly<Record<string, Reader>>): Reader {
  const known = new Map(Object.entries(readers));
  return (value) => {
    if (!isRecord(value)) throw new TypeError('struct');
    const taken: Record<string, unknown> = {};
    for (const [name, one] of Object.entries(value)) {
      const read = known.get(name);
      if (read === undefined || one === undefined || one === null) continue;
      const field = read(one);
      if (!isEmpty(field)) taken[name] = field;
    }
    return taken;
  };
}

function present(record: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(record).filter(([, value]) => value !== undefined);
}

function isEmpty(value: unknown): boolean {
  if (value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
