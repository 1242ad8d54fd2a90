/**
 * Structural schemas of custom objects, as the real API server applies them
 * (k8s.io/apiextensions-apiserver): fields that no schema names are dropped, defaults are filled
 * in, and what is left is checked. Rules in CEL (`x-kubernetes-validations`) are not evaluated:
 * the fake takes objects that the real server refuses for them.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type FieldError,
  invalidValue,
  required,
  tooLong,
  tooMany,
  unsupported,
  wrongType,
} from './field-errors.ts';
import { isRecord } from './object.ts';

/** What a CustomResourceDefinition may write; a keyword that is not here is refused. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly unknown[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-list-type'?: string;
}

const KEYWORDS: Readonly<Record<keyof Schema, true>> = {
  type: true,
  format: true,
  description: true,
  default: true,
  nullable: true,
  enum: true,
  pattern: true,
  minLength: true,
  maxLength: true,
  minimum: true,
  maximum: true,
  minItems: true,
  maxItems: true,
  required: true,
  properties: true,
  additionalProperties: true,
  items: true,
  anyOf: true,
  'x-kubernetes-int-or-string': true,
  'x-kubernetes-preserve-unknown-fields': true,
  'x-kubernetes-validations': true,
  'x-kubernetes-map-type': true,
  'x-kubernetes-list-type': true,
};

/** Numbers of a format, and the form of texts of a format. */
const RANGES: Readonly<Record<string, readonly [min: number, max: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
};
const FORMS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
};

/** A check of one value; an empty list is good. */
type Check = (value: unknown, path: string) => readonly FieldError[];

/** A schema that is ready to be applied; compiled once, since objects are many. */
export class StructuralSchema {
  readonly #schema: Schema;
  readonly #properties: ReadonlyMap<string, StructuralSchema>;
  readonly #additional: StructuralSchema | undefined;
  readonly #items: StructuralSchema | undefined;
  readonly #checks: readonly Check[];

  /** @throws Error for a keyword or format that is not known here */
  constructor(schema: Schema) {
    const unknown = Object.keys(schema).filter((word) => !Object.hasOwn(KEYWORDS, word));
    if (unknown.length > 0) {
      throw new Error(`the fake API server does not know ${unknown.join(', ')} in a schema`);
    }
    this.#schema = schema;
    this.#properties = new Map(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [
        name,
        new StructuralSchema(property),
      ]),
    );
    this.#additional = compiled(schema.additionalProperties);
    this.#items = compiled(schema.items);
    this.#checks = checksOf(schema);
  }

  /**
   * A value as it is kept: without fields that are not in the schema and without nulls that it
   * does not allow, and with its defaults. Values of a wrong type stay, for `errors` to tell.
   */
  admitted(value: unknown): unknown {
    if (Array.isArray(value)) {
      return this.#items === undefined ? value : value.map((item) => this.#items?.filled(item));
    }
    return isRecord(value) ? this.#admittedFields(value) : value;
  }

  #admittedFields(sent: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(sent)) {
      const kept = this.#admittedField(name, value);
      if (kept !== undefined) object[name] = kept;
    }
    for (const [name, property] of this.#properties) {
      const { default: initial } = property.#schema;
      if (initial !== undefined && object[name] === undefined)
        object[name] = property.admitted(structuredClone(initial));
    }
    return object;
  }

  /** Undefined for a field that is dropped. */
  #admittedField(name: string, value: unknown): unknown {
    const schema = this.#of(name);
    if (schema === undefined) {
      return this.#schema['x-kubernetes-preserve-unknown-fields'] ? value : undefined;
    }
    const kept = schema.filled(value);
    return kept === null && !schema.#schema.nullable ? undefined : kept;
  }

  /** Likewise, with the default in the place of a null that is not allowed. */
  filled(value: unknown): unknown {
    const { nullable, default: initial } = this.#schema;
    if (value !== null || nullable || initial === undefined) return this.admitted(value);
    return structuredClone(initial);
  }

  /** What is wrong with a value. @param path like `spec.excludeIps` */
  errors(value: unknown, path: string): FieldError[] {
    const found: FieldError[] = [];
    this.#collect(value, path, found);
    return found;
  }

  #collect(value: unknown, path: string, found: FieldError[]): void {
    if (value === null && this.#schema.nullable) return;
    const mistake = typeMistake(this.#schema, value, path);
    if (mistake !== undefined) {
      found.push(mistake);
      return;
    }
    for (const check of this.#checks) found.push(...check(value, path));
    if (Array.isArray(value)) this.#collectItems(value, path, found);
    else if (isRecord(value)) this.#collectFields(value, path, found);
  }

  #collectItems(items: readonly unknown[], path: string, found: FieldError[]): void {
    const schema = this.#items;
    if (schema === undefined) return;
    for (const [index, item] of items.entries()) {
      schema.#collect(item, `${path}[${index}]`, found);
    }
  }

  #collectFields(object: Readonly<Record<string, unknown>>, path: string, found: FieldError[]) {
    for (const [name, value] of Object.entries(object)) {
      const schema = this.#of(name);
      if (schema !== undefined) schema.#collect(value, within(path, name), found);
    }
  }

  #of(name: string): StructuralSchema | undefined {
    return this.#properties.get(name) ?? this.#additional;
  }
}

function compiled(schema: Schema | undefined): StructuralSchema | undefined {
  return schema === undefined ? undefined : new StructuralSchema(schema);
}

/** All checks that a schema asks for, its type aside. */
function checksOf(schema: Schema): Check[] {
  return [
    ...requiredChecks(schema),
    ...enumChecks(schema),
    ...textChecks(schema),
    ...numberChecks(schema),
    ...countChecks(schema),
    ...formatChecks(schema),
    ...anyOfChecks(schema),
  ];
}

function requiredChecks({ required: names = [] }: Schema): Check[] {
  return names.map((name) => (value, path) => {
    if (!isRecord(value) || value[name] !== undefined) return [];
    return [required(within(path, name))];
  });
}

function enumChecks({ enum: values }: Schema): Check[] {
  if (values === undefined) return [];
  return [
    (value, path) =>
      values.some((one) => isDeepStrictEqual(one, value)) ? [] : [unsupported(path, value, values)],
  ];
}

function textChecks({ pattern, minLength, maxLength }: Schema): Check[] {
  const checks: Check[] = [];
  if (maxLength !== undefined) {
    checks.push((value, path) => (lengthOf(value) > maxLength ? [tooLong(path, maxLength)] : []));
  }
  if (minLength !== undefined) {
    const why = `at least ${minLength} chars long`;
    checks.push((value, path) => (lengthOf(value) < minLength ? [should(path, value, why)] : []));
  }
  if (pattern !== undefined) {
    const regex = new RegExp(pattern, 'u');
    checks.push((value, path) => {
      if (typeof value !== 'string' || regex.test(value)) return [];
      return [invalidValue(path, value, `${path} in body should match '${pattern}'`)];
    });
  }
  return checks;
}

function numberChecks({ minimum, maximum }: Schema): Check[] {
  const checks: Check[] = [];
  if (minimum !== undefined) {
    const why = `greater than or equal to ${minimum}`;
    checks.push((value, path) => (Number(value) < minimum ? [should(path, value, why)] : []));
  }
  if (maximum !== undefined) {
    const why = `less than or equal to ${maximum}`;
    checks.push((value, path) => (Number(value) > maximum ? [should(path, value, why)] : []));
  }
  return checks;
}

function countChecks({ minItems, maxItems }: Schema): Check[] {
  const checks: Check[] = [];
  if (minItems !== undefined) {
    checks.push((value, path) => {
      const few = Array.isArray(value) && value.length < minItems;
      if (!few) return [];
      return [
        invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`),
      ];
    });
  }
  if (maxItems !== undefined) {
    checks.push((value, path) => {
      const many = Array.isArray(value) && value.length > maxItems;
      return many ? [tooMany(path, value.length, maxItems)] : [];
    });
  }
  return checks;
}

function formatChecks({ type, format }: Schema): Check[] {
  if (format === undefined) return [];
  const range = RANGES[format];
  if (range !== undefined) {
    const [min, max] = range;
    const why = `Checked value must be of type ${type} with format ${format}`;
    const isWithin = (value: unknown) => Number(value) >= min && Number(value) <= max;
    return [(value, path) => (isWithin(value) ? [] : [invalidValue(path, value, why)])];
  }
  const form = FORMS[format];
  if (form === undefined) throw new Error(`the fake API server does not know format ${format}`);
  return [
    (value, path) => {
      if (form.test(String(value))) return [];
      const why = `${path} in body must be of type ${format}: ${JSON.stringify(value)}`;
      return [invalidValue(path, value, why)];
    },
  ];
}

function anyOfChecks({ anyOf }: Schema): Check[] {
  if (anyOf === undefined) return [];
  const alternatives = anyOf.map((schema) => new StructuralSchema(schema));
  return [
    (value, path) => {
      const found = alternatives.map((alternative) => alternative.errors(value, path));
      if (found.some(({ length }) => length === 0)) return [];
      const [best = []] = found.toSorted((one, other) => one.length - other.length);
      const why = `"${path}" must validate at least one schema (anyOf)`;
      return [invalidValue(path, '', why), ...best];
    },
  ];
}

function typeMistake(schema: Schema, value: unknown, path: string): FieldError | undefined {
  const { type } = schema;
  const actual = typeOf(value);
  if (schema['x-kubernetes-int-or-string']) {
    if (actual === 'integer' || actual === 'string') return undefined;
    return typeError(path, 'integer,string', actual);
  }
  if (type === undefined || type === actual) return undefined;
  return type === 'number' && actual === 'integer' ? undefined : typeError(path, type, actual);
}

function typeError(path: string, type: string, actual: string): FieldError {
  const why = `${path} in body must be of type ${type}: ${JSON.stringify(actual)}`;
  return wrongType(path, actual, why);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function should(path: string, value: unknown, be: string): FieldError {
  return invalidValue(path, value, `${path} in body should be ${be}`);
}

/** Characters of a text; of anything else none. */
function lengthOf(value: unknown): number {
  return typeof value === 'string' ? [...value].length : Number.NaN;
}

function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
