/**
 * Field and label selectors of the fake API server.
 */
import type { Kind } from './kinds.ts';
import { isRecord, type KubernetesObject } from './object.ts';
import { ApiRefusal } from './status.ts';

/** Which objects of a collection are meant. */
export interface Selection {
  /** Empty for all namespaces. */
  readonly namespace?: string;
  /** Terms like `spec.nodeName=node-1` or `status.phase!=Failed`, separated by commas. */
  readonly fieldSelector?: string;
  /** Terms `key=value`, `key!=value`, `key` and `!key`, separated by commas. */
  readonly labelSelector?: string;
}

export type Predicate = (object: KubernetesObject) => boolean;

/**
 * Makes a test of a selection.
 * @throws ApiRefusal 400 for a field that objects of this kind cannot be selected by, or a term
 *   that cannot be read (set-based label selectors are not supported)
 */
export function predicateOf(kind: Kind, selection: Selection): Predicate {
  const tests: Predicate[] = [
    ...terms(selection.fieldSelector).map((term) => fieldTest(kind, term)),
    ...terms(selection.labelSelector).map(labelTest),
  ];
  const { namespace = '' } = selection;
  if (namespace !== '') tests.push(({ metadata }) => metadata.namespace === namespace);
  return (object) => tests.every((test) => test(object));
}

function terms(selector = ''): string[] {
  return selector.split(',').filter((term) => term !== '');
}

interface Comparison {
  readonly left: string;
  readonly right: string;
  readonly isEqual: boolean;
}

function compare(term: string): Comparison | undefined {
  const match = /^([^=!]+?)\s*(==|=|!=)\s*([^=!]*)$/.exec(term.trim());
  if (match === null) return undefined;
  const [, left = '', operator, right = ''] = match;
  return { left, right, isEqual: operator !== '!=' };
}

function fieldTest(kind: Kind, term: string): Predicate {
  const comparison = compare(term);
  if (comparison === undefined) throw new ApiRefusal(400, `invalid field selector: "${term}"`);
  const { left, right, isEqual } = comparison;
  const known = ['metadata.name', 'metadata.namespace', ...(kind.fields ?? [])];
  if (!known.includes(left)) throw new ApiRefusal(400, `field label not supported: ${left}`);
  return (object) => (fieldOf(object, left) === right) === isEqual;
}

/** A field that is not there equals the empty string. */
function fieldOf(object: KubernetesObject, path: string): string {
  let value: unknown = object;
  for (const name of path.split('.')) value = isRecord(value) ? value[name] : undefined;
  return value === undefined || value === null ? '' : String(value);
}

function labelTest(term: string): Predicate {
  const comparison = compare(term);
  if (comparison !== undefined) {
    const { left, right, isEqual } = comparison;
    return ({ metadata }) => (metadata.labels?.[left] === right) === isEqual;
  }
  const match = /^(!?)([\w./-]+)$/.exec(term.trim());
  if (match === null) throw new ApiRefusal(400, `unable to parse label selector: "${term}"`);
  const [, not, name = ''] = match;
  return ({ metadata }) => Object.hasOwn(metadata.labels ?? {}, name) === (not === '');
}
