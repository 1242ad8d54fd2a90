/**
 * What can go wrong with an OVSDB server: what was tried, at which address, and what was said.
 */

/**
 * - `unreachable`: there is no connection, or a server that cannot be used; trying again may help.
 * - `interrupted`: the connection ended while a transaction was under way. Nobody knows whether it
 *   was carried out: the rows tell, as soon as there is a connection again.
 * - `changed`: a `wait` of the transaction found other rows than it was made for.
 * - `refused`: the server did not carry out the transaction, for another reason.
 * - `schema`: the database lacks a table or column that is needed, or has it with another type.
 * - `protocol`: the server sent something that is not of this protocol.
 */
export type OvsdbReason =
  | 'unreachable'
  | 'interrupted'
  | 'changed'
  | 'refused'
  | 'schema'
  | 'protocol';

/**
 * What went wrong with a session or a transaction, and where; `reason` is for code, the message for people.
 */
export class OvsdbError extends Error {
  readonly reason: OvsdbReason;

  constructor(reason: OvsdbReason, message: string) {
    super(message);
    this.name = 'OvsdbError';
    this.reason = reason;
  }
}

/** What a failure says of a server that is away or silent, also where it is only its cause; undefined else. */
export function outageOf(error: unknown): OvsdbError | undefined {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof OvsdbError && cause.reason === 'unreachable' ? cause : undefined;
}

/** The server did not carry out a transaction: `changed`, `refused` or `interrupted`. */
export class TransactionError extends OvsdbError {
  /** Which operation failed, from 0; the number of operations where it is the whole of them. */
  readonly operation: number;

  constructor(reason: OvsdbReason, message: string, operation: number) {
    super(reason, message);
    this.operation = operation;
  }
}

/** A part of what a server said, for people: on one line, and not too long. */
export function excerpt(said: unknown, charsMax = 300): string {
  const text = typeof said === 'string' ? said : (JSON.stringify(said) ?? String(said));
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
