/**
 * Operations of a transaction (RFC 7047, section 5.2), and what the server says of them.
 */
import { excerpt, OvsdbError, TransactionError } from './error.ts';
import { uuidAtom, type Value } from './value.ts';

/** Conditions that a row must meet, all of them (RFC 7047, section 5.1, `<condition>`). */
export type Where = readonly (readonly [
  column: string,
  condition: '==' | '!=' | 'includes' | 'excludes',
  value: Value,
])[];

/** Values by column, as an operation writes them. */
export type Row = Readonly<Record<string, Value>>;

/**
 * Members or keys that come or go in place (RFC 7047, section 5.1, `<mutation>`), so that what others have put
 * there stays.
 */
export type Mutation = readonly [column: string, mutator: 'insert' | 'delete', value: Value];

/** The operations that we use, as they are sent (RFC 7047, section 5.2). */
export type Operation =
  | {
      readonly op: 'insert';
      readonly table: string;
      readonly row: Row;
      /** By which other operations of the transaction refer to it, as `['named-uuid', name]`. */
      readonly 'uuid-name'?: string;
    }
  | {
      readonly op: 'update';
      readonly table: string;
      readonly where: Where;
      readonly row: Row;
    }
  | {
      readonly op: 'mutate';
      readonly table: string;
      readonly where: Where;
      readonly mutations: readonly Mutation[];
    }
  | { readonly op: 'delete'; readonly table: string; readonly where: Where }
  | WaitOperation;

/** The transaction is carried out only where the rows are those. */
export interface WaitOperation {
  readonly op: 'wait';
  readonly table: string;
  readonly where: Where;
  readonly columns: readonly string[];
  readonly until: '==';
  readonly rows: readonly Row[];
  /** Nothing is waited for. */
  readonly timeout: 0;
}

/** The row with that UUID. */
export function whereUuid(uuid: string): Where {
  return [['_uuid', '==', uuidAtom(uuid)]];
}

/** Asserts that exactly one row matches `where`, and that it has these values. */
export function expectRow(table: string, where: Where, row: Row): WaitOperation {
  const columns = Object.keys(row);
  return { op: 'wait', table, where, columns, until: '==', rows: [row], timeout: 0 };
}

/** Asserts that no row matches `where`. */
export function expectNone(table: string, where: Where): WaitOperation {
  return { op: 'wait', table, where, columns: ['_uuid'], until: '==', rows: [], timeout: 0 };
}

/**
 * Refuses what a server would take for no JSON, and close the connection: it knows no string with a
 * null character, and none that is not well-formed Unicode (ovsdb-server's json.c).
 * @param json of the operations
 * @throws TransactionError `refused`
 */
export function refuseUnsendable(operations: readonly Operation[], json: string): void {
  // Where none of these escapes is in it, which JSON.stringify writes, no string is to be looked at.
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return;
  for (const [index, operation] of operations.entries()) {
    const wrong = unsendableIn(operation);
    if (wrong === undefined) continue;
    const what = `${describe(operation)}: ${JSON.stringify(excerpt(wrong, 100))}`;
    const why = 'OVSDB has no strings with null characters or halves of surrogate pairs';
    throw new TransactionError('refused', `${what}: ${why}`, index);
  }
}

function unsendableIn(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return value.includes('\0') || !value.isWellFormed() ? value : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const key in value) {
    const wrong = unsendableIn(key) ?? unsendableIn((value as Record<string, unknown>)[key]);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/**
 * What the server says of a transaction (RFC 7047, section 4.1.3).
 * @throws TransactionError `changed` where a `wait` found other rows; `interrupted` where the server
 *   no longer leads its cluster; `refused`; OvsdbError `protocol`
 */
export function checkResults(operations: readonly Operation[], results: unknown): void {
  if (!Array.isArray(results)) {
    throw new OvsdbError('protocol', `the answer to a transaction is ${excerpt(results)}`);
  }
  const failed = results.findIndex((result) => errorOf(result) !== undefined);
  if (failed === -1) return;
  const operation = operations[failed];
  const { error, details } = errorOf(results[failed]) ?? { error: '', details: '' };
  // An error behind the last operation is that of the whole: a constraint that all of them break.
  const what = operation === undefined ? 'the transaction' : describe(operation);
  const said = details === '' ? error : `${error}: ${excerpt(details, 600)}`;
  throw new TransactionError(reasonOf(operation, error), `${what}: ${said}`, failed);
}

function reasonOf(operation: Operation | undefined, error: string) {
  if (operation?.op === 'wait' && error === 'timed out') return 'changed';
  return error === 'not leader' || error === 'cluster error' ? 'interrupted' : 'refused';
}

function describe(operation: Operation): string {
  const { op, table } = operation;
  if (op === 'insert') return `${op} into ${table} ${excerpt(operation.row.name ?? '', 100)}`;
  return `${op} on ${table} where ${excerpt(operation.where, 100)}`;
}

function errorOf(result: unknown): { error: string; details: string } | undefined {
  if (typeof result !== 'object' || result === null || !('error' in result)) return undefined;
  const details = 'details' in result ? result.details : '';
  return { error: String(result.error), details: String(details ?? '') };
}
