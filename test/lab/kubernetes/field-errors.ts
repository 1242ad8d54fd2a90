/**
 * What is wrong with the fields of an object, in the words of the real API server
 * (k8s.io/apimachinery, package field), and the refusal that comes of it. Pure functions.
 */
import type { Kind } from './kinds.ts';
import { invalid } from './status.ts';

/** One field that is wrong; goes over the wire as a cause of the Status. */
export interface FieldError {
  /** `FieldValueInvalid` and so on. */
  readonly reason: string;
  /** Path like `spec.excludeIps[0]`. */
  readonly field: string;
  /** All but the path. */
  readonly message: string;
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown(value)}${detail}` };
}

/** @param type what the value is, as JSON has it */
export function wrongType(field: string, type: string, detail: string): FieldError {
  const message = `Invalid value: ${shown(type)}${detail}`;
  return { reason: 'FieldValueTypeInvalid', field, message };
}

export function required(field: string, detail = ''): FieldError {
  const message = detail === '' ? 'Required value' : `Required value: ${detail}`;
  return { reason: 'FieldValueRequired', field, message };
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` };
}

/** @param max bytes */
export function tooLong(field: string, max: number): FieldError {
  const message = `Too long: may not be more than ${max} bytes`;
  return { reason: 'FieldValueTooLong', field, message };
}

export function tooMany(field: string, count: number, max: number): FieldError {
  const message = `Too many: ${count}: must have at most ${max} items`;
  return { reason: 'FieldValueTooMany', field, message };
}

export function unsupported(
  field: string,
  value: unknown,
  supported: readonly unknown[],
): FieldError {
  const detail = `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`;
  const message = `Unsupported value: ${shown(value)}${detail}`;
  return { reason: 'FieldValueNotSupported', field, message };
}

/** Refuses an object for its fields, if any is wrong. @throws ApiRefusal 422 */
export function refuseFor(errors: readonly FieldError[], kind: Kind, name: string): void {
  if (errors.length === 0) return;
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const what = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  throw invalid(kind, name, what, errors);
}

function shown(value: unknown): string {
  return `${value === undefined ? '"null"' : JSON.stringify(value)}: `;
}
