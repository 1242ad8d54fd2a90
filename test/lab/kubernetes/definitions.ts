/**
 * The schemas of this project's CustomResourceDefinitions, for the fake API server to apply.
 * KubeVirt's and Multus's kinds have none here, and are taken as they come.
 */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { Kind } from './kinds.ts';
import { type Schema, StructuralSchema } from './schemas.ts';
import { groupOf } from './status.ts';

const FOLDER = new URL('../../../crds/', import.meta.url);

interface Definition {
  readonly spec: {
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

const schemas = new Map<Kind, StructuralSchema>();

/** The schema of a kind's objects, compiled once; undefined for kinds without one. */
export function schemaOf(kind: Kind): StructuralSchema | undefined {
  if (groupOf(kind) !== 'kubeovn.io') return undefined;
  const known = schemas.get(kind);
  if (known !== undefined) return known;
  const file = new URL(`${kind.plural}.yaml`, FOLDER);
  const { spec } = load(readFileSync(file, 'utf8')) as Definition;
  const { metadata: _, ...properties } = spec.versions[0].schema.openAPIV3Schema.properties ?? {};
  // Metadata is the same for all kinds, see metadata.ts: here it stays as it is.
  const metadata: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const { openAPIV3Schema } = spec.versions[0].schema;
  const schema = new StructuralSchema({
    ...openAPIV3Schema,
    properties: { ...properties, metadata },
  });
  schemas.set(kind, schema);
  return schema;
}
