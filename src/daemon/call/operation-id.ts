/**
 * The id of a CNI call, by which log, metrics and the error that a person reads are found together: the
 * executable chooses it, or the daemon where it has not.
 */
import { randomBytes } from 'node:crypto';
import type { CniRequest } from '../../wire/messages.ts';

const ID = /^[0-9a-f]{8,32}$/;
const ID_BYTES = 6;

/** For Fastify: ids of calls that bring none. */
export function newOperationId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

/** The id that a call brings; undefined where it brings none that can be one. */
export function sentOperation(body: unknown): string | undefined {
  const { operation_id: sent } = (body ?? {}) as Partial<CniRequest>;
  return typeof sent === 'string' && ID.test(sent) ? sent : undefined;
}
