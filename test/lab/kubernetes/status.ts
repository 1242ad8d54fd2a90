/**
 * Refusals of the fake API server, as the Status objects that the real one sends.
 */
import { STATUS_CODES } from 'node:http';
import type { Kind } from './kinds.ts';

/** The reasons that the API has for statuses, where they are not the same as HTTP's words. */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** A request was refused; the message is the Status's. */
export class ApiRefusal extends Error {
  readonly code: number;
  readonly reason: string;
  /** What it is about, for those who do not read the message; undefined where the server has none. */
  readonly details: object | undefined;
  /** True where the message is all that is sent, as text. */
  readonly isPlain: boolean;

  constructor(
    code: number,
    message: string,
    more: { reason?: string; details?: object; isPlain?: boolean } = {},
  ) {
    super(message);
    this.name = 'ApiRefusal';
    this.code = code;
    this.reason = more.reason ?? reasons[code] ?? 'Unknown';
    this.details = more.details;
    this.isPlain = more.isPlain ?? false;
  }

  /** The object that goes over the wire. */
  toStatus(): object {
    const { code, reason, message, details } = this;
    return { ...head, status: 'Failure', message, reason, details, code };
  }
}

const head = { kind: 'Status', apiVersion: 'v1', metadata: {} };

/** What a DELETE answers with when the object is gone. */
export function success(name: string, kind: Kind, uid: string): object {
  return {
    ...head,
    status: 'Success',
    details: { name, group: groupOf(kind), kind: kind.plural, uid },
  };
}

/** A failure that was asked for by a test. */
export function injected(code: number): ApiRefusal {
  return new ApiRefusal(code, `${STATUS_CODES[code] ?? 'failure'} (made by the test)`);
}

export function notFound(kind: Kind, name: string): ApiRefusal {
  return new ApiRefusal(404, `${qualified(kind)} "${name}" not found`);
}

export function alreadyExists(kind: Kind, name: string): ApiRefusal {
  return new ApiRefusal(409, `${qualified(kind)} "${name}" already exists`, {
    reason: 'AlreadyExists',
  });
}

/** @param why like "the object has been modified" */
export function conflict(kind: Kind, name: string, why: string): ApiRefusal {
  const message = `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`;
  return new ApiRefusal(409, message);
}

/**
 * @param what the field and what is wrong with it
 * @param causes likewise, one by one
 */
export function invalid(
  kind: Kind,
  name: string,
  what: string,
  causes: readonly object[] = [],
): ApiRefusal {
  const group = groupOf(kind);
  const qualifiedKind = group === '' ? kind.kind : `${kind.kind}.${group}`;
  const details = { name, group, kind: kind.kind, causes };
  return new ApiRefusal(422, `${qualifiedKind} "${name}" is invalid: ${what}`, { details });
}

function qualified(kind: Kind): string {
  const group = groupOf(kind);
  return group === '' ? kind.plural : `${kind.plural}.${group}`;
}

/** Empty for the core group. */
export function groupOf({ apiVersion }: Pick<Kind, 'apiVersion'>): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
