/**
 * The part of an object's fields that is to be written: nothing is written that changes nothing.
 * Pure.
 */
import { isDeepStrictEqual } from 'node:util';

type FieldValues = Readonly<Record<string, unknown>>;

/**
 * What of `wanted` differs from `current`, or undefined where nothing does. A field that is wanted
 * to be null is to be removed.
 */
export function changedFields(current: FieldValues, wanted: FieldValues): FieldValues | undefined {
  const changes = Object.entries(wanted).filter(
    ([name, value]) => !isDeepStrictEqual(current[name] ?? null, value),
  );
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}
