/**
 * What goes wrong between us and the API server.
 */

/** What was asked: `list` is a `get` of a collection, and reported as one. */
export type Verb = 'get' | 'create' | 'update' | 'patch' | 'delete' | 'watch';

/** The parts of a KubernetesError. */
export interface KubernetesErrorFields {
  /** HTTP status; 0 where there was no usable answer at all. */
  readonly status: number;
  /** The `reason` of the server's Status object, like `NotFound`; ours are in `OwnReason`. */
  readonly reason: string;
  readonly verb: Verb;
  /** Path of the request, without its query. */
  readonly path: string;
}

/** Reasons that no server says. */
export const OwnReason = {
  /** No connection, or it broke before an answer. */
  unreachable: 'Unreachable',
  /** The answer is not what the API promises: no JSON, or parts are missing. */
  malformed: 'Malformed',
} as const;

/** A request failed. The message names request, status, reason and what the server said. */
export class KubernetesError extends Error implements KubernetesErrorFields {
  readonly status: number;
  readonly reason: string;
  readonly verb: Verb;
  readonly path: string;

  /** @param said what the server, or the failed connection, had to say */
  constructor(fields: KubernetesErrorFields, said: string, options?: ErrorOptions) {
    const { status, reason, verb, path } = fields;
    const answer = status === 0 ? reason : `${status} ${reason}`;
    super(`${verb} ${path}: ${answer}${said === '' ? '' : `: ${said}`}`, options);
    this.name = 'KubernetesError';
    this.status = status;
    this.reason = reason;
    this.verb = verb;
    this.path = path;
  }
}

/** True where the API server says that there is no such object. */
export function isNotFound(error: unknown): error is KubernetesError {
  return error instanceof KubernetesError && error.status === 404;
}

/** True where the object changed since its `resourceVersion`, or exists already. */
export function isConflict(error: unknown): error is KubernetesError {
  return error instanceof KubernetesError && error.status === 409;
}

/** Longest text of a proxy or server that goes into a message; characters. */
const SAID_LENGTH_MAX = 500;

/**
 * An HTTP answer as an error. Servers send a Status object (`kind: Status`); load balancers
 * between us and them send what they like.
 */
export function errorOfAnswer(
  { verb, path }: Pick<KubernetesErrorFields, 'verb' | 'path'>,
  { status, statusText, body }: { status: number; statusText: string; body: string },
): KubernetesError {
  const said = parseStatus(body);
  const reason = said?.reason ?? (statusText === '' ? 'Unknown' : statusText);
  const message = said?.message ?? body.trim();
  return new KubernetesError({ status, reason, verb, path }, message.slice(0, SAID_LENGTH_MAX));
}

/** A Status object of the API, as far as we read it. */
export interface Status {
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

/** Reads a Status object; what is not one has none of its parts. */
export function readStatus(value: unknown): Status {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Partial<
    Record<keyof Status, unknown>
  >;
  const { code, reason, message } = fields;
  return {
    code: typeof code === 'number' ? code : undefined,
    reason: typeof reason === 'string' ? reason : undefined,
    message: typeof message === 'string' ? message : undefined,
  };
}

function parseStatus(body: string): Status | undefined {
  try {
    return readStatus(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** A request without an answer: fetch hides the reason in `cause`. */
export function errorOfConnection(
  { verb, path }: Pick<KubernetesErrorFields, 'verb' | 'path'>,
  thrown: unknown,
): KubernetesError {
  const fields = { status: 0, reason: OwnReason.unreachable, verb, path };
  return new KubernetesError(fields, innermostMessage(thrown), { cause: thrown });
}

/** Depth to which `cause` is followed; fetch nests two deep. */
const CAUSES_MAX = 5;

function innermostMessage(thrown: unknown): string {
  let innermost = thrown;
  for (let depth = 0; depth < CAUSES_MAX; depth++) {
    if (!(innermost instanceof Error) || !(innermost.cause instanceof Error)) break;
    innermost = innermost.cause;
  }
  if (!(innermost instanceof Error)) return String(innermost);
  // A failed connect to several addresses of a name is an AggregateError without a message.
  if (innermost.message !== '') return innermost.message;
  return 'code' in innermost ? String(innermost.code) : innermost.name;
}
