/**
 * Kubernetes' LabelSelector: which labels an object has to have. Pure.
 */
import type { Fields } from './fields.ts';

/**
 * A selector (Kubernetes' `metav1.LabelSelector`): labels have to have all values, and all expressions have to
 * hold.
 */
export interface LabelSelector {
  readonly matchLabels: ReadonlyMap<string, string>;
  readonly matchExpressions: readonly LabelExpression[];
}

/** One expression of a selector, as it was written. */
export interface LabelExpression {
  readonly key: string;
  /** One of the four below; with any other nothing matches. */
  readonly operator: string;
  readonly values: readonly string[];
}

/**
 * The selector that the fields of a raw object say; what they lack, or have of a wrong type, counts as absent.
 */
export function readLabelSelector(fields: Fields): LabelSelector {
  return {
    matchLabels: fields.textMap('matchLabels'),
    matchExpressions: fields.parts('matchExpressions').map((expression) => ({
      key: expression.text('key'),
      operator: expression.text('operator'),
      values: expression.texts('values'),
    })),
  };
}

/** True where all of the selector holds; an empty one holds for everything. */
export function matchesLabels(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: ReadonlyMap<string, string>,
): boolean {
  return (
    [...matchLabels].every(([key, value]) => labels.get(key) === value) &&
    matchExpressions.every((expression) => holds(expression, labels.get(expression.key)))
  );
}

function holds({ operator, values }: LabelExpression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
