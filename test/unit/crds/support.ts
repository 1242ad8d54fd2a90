/**
 * The CustomResourceDefinitions, as far as tests ask about them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';

export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; message?: string }[];
  readonly [keyword: string]: unknown;
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
}

export interface Definition {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
    };
    readonly versions: readonly [
      {
        readonly name: string;
        readonly served: boolean;
        readonly storage: boolean;
        readonly subresources?: { readonly status?: object };
        readonly additionalPrinterColumns?: readonly Column[];
        readonly schema: { readonly openAPIV3Schema: Schema };
      },
    ];
  };
}

const FOLDER = new URL('../../../crds/', import.meta.url);

/** All definitions, by the kind that they define. */
export const definitions: ReadonlyMap<string, Definition> = new Map(
  readdirSync(FOLDER).flatMap((file) => {
    if (file === 'kustomization.yaml') return [];
    const definition = load(readFileSync(new URL(file, FOLDER), 'utf8')) as Definition;
    return [[definition.spec.names.kind, definition] as const];
  }),
);

export function schemaOf(kind: string): Schema {
  const schema = definitions.get(kind)?.spec.versions[0].schema.openAPIV3Schema;
  if (schema === undefined) throw new Error(`there is no definition of ${kind}`);
  return schema;
}

/** A schema within a schema: `spec.acls[].match` is where an object has that field. */
export interface Place {
  readonly path: string;
  readonly schema: Schema;
}

/** The schema and all within, each with the place of its values in an object. */
export function* placesOf(schema: Schema, path = ''): Generator<Place> {
  yield { path, schema };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield* placesOf(property, path === '' ? name : `${path}.${name}`);
  }
  if (schema.items) yield* placesOf(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* placesOf(schema.additionalProperties, `${path}{}`);
}

/** The schema at a path from `schema`: `logicalGateway` is one of its properties. */
export function schemaAt(schema: Schema, path: string): Schema | undefined {
  return path.split('.').reduce<Schema | undefined>((found, name) => {
    const field = found?.properties?.[name.replace(/\[\]$/, '')];
    return name.endsWith('[]') ? field?.items : field;
  }, schema);
}
