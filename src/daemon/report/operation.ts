/**
 * A CNI call, as the log, the metrics and the error that a person reads name it: by an id that the
 * executable chooses, or the daemon where it has not.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../common/log.ts';
import { stackOf } from '../../common/log.ts';
import { plain } from '../../common/text.ts';
import type { CniRequest } from '../../wire/messages.ts';
import { ADD_PATH, CHECK_PATH, DEL_PATH, GC_PATH, STATUS_PATH } from '../../wire/paths.ts';
import type { CniError } from '../call/error.ts';
import { OwnCode } from '../call/error.ts';
import type { Observers } from '../call/observers.ts';
import { sentOperation } from '../call/operation-id.ts';
import { CallStages } from '../call/stage.ts';

const VERBS: Readonly<Record<string, string>> = {
  [ADD_PATH]: 'ADD',
  [DEL_PATH]: 'DEL',
  [CHECK_PATH]: 'CHECK',
  [GC_PATH]: 'GC',
  [STATUS_PATH]: 'STATUS',
};
/** What calls that nobody knows are counted as. */
const UNKNOWN = 'other';

/** The id of a call. */
export function operationOf({ id, body }: Pick<FastifyRequest, 'id' | 'body'>): string {
  return sentOperation(body) ?? id;
}

/** Undefined for a path that nobody knows. */
export function verbOf({ url }: Pick<FastifyRequest, 'url'>): string | undefined {
  return VERBS[url];
}

/** Reports each call that has its answer: a line in the log, and to whoever observes. */
export class Operations {
  readonly #log: Logger;
  readonly #observers: Observers | undefined;
  readonly #stages = new WeakMap<FastifyRequest, CallStages>();

  constructor(log: Logger, observers: Observers | undefined) {
    this.#log = log;
    this.#observers = observers;
  }

  /** The stages of a call, from its arrival to its answer. */
  stagesOf(request: FastifyRequest): CallStages {
    const stages = this.#stages.get(request) ?? new CallStages();
    this.#stages.set(request, stages);
    return stages;
  }

  /**
   * @param status of HTTP
   * @param result what the line says of it
   */
  done(request: FastifyRequest, reply: FastifyReply, status: number, result: object = {}): void {
    const ms = this.#observe(request, reply, status);
    const verb = verbOf(request) ?? UNKNOWN;
    this.#log.info({ ...whose(request), ...result, outcome: 'done', ms }, `${verb} done`);
  }

  /**
   * @param error what was thrown, of which the answer has `failure`
   * @param isLogged false where the log has another line about it
   */
  failed(
    request: FastifyRequest,
    reply: FastifyReply,
    { status, failure, error, isLogged }: Failed,
  ): void {
    const { code, details, message, cause } = failure;
    const stage = this.#stages.get(request)?.ofFailure(error);
    const ms = this.#observe(request, reply, status, { code, stage });
    if (!isLogged) return;
    const fields = { ...whose(request), outcome: 'failed', stage, code, details, ms };
    const line = `${verbOf(request) ?? plain(request.url)} failed: ${message}`;
    if (code === OwnCode.internal) this.#log.error({ ...fields, ...stackOf(cause) }, line);
    else this.#log.warn(fields, line);
  }

  /** An answer that has no line in the log. */
  answered(request: FastifyRequest, reply: FastifyReply, status: number): void {
    this.#observe(request, reply, status);
  }

  /** @returns the duration; ms */
  #observe(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    failure?: { code: CniError['code']; stage: ReturnType<CallStages['ofFailure']> },
  ): number {
    const verb = verbOf(request);
    const path = verb === undefined ? UNKNOWN : request.url;
    const ms = reply.elapsedTime;
    const stages = this.#stages.get(request);
    this.#observers?.call({ path, verb: verb ?? UNKNOWN, status, ms, stages, failure });
    return Math.round(ms);
  }
}

/** A call that has failed, and what it is answered with. */
export interface Failed {
  readonly status: number;
  readonly failure: CniError;
  readonly error: unknown;
  readonly isLogged: boolean;
}

/** Whose call it is, for the log. */
function whose(request: FastifyRequest): object {
  const { pod_namespace, pod_name, if_name, container_id, provider, network } = (request.body ??
    {}) as Partial<CniRequest>;
  return {
    verb: verbOf(request),
    operation: operationOf(request),
    namespace: pod_namespace && plain(pod_namespace),
    pod: pod_name && `${plain(pod_namespace)}/${plain(pod_name)}`,
    network: network && plain(network),
    ifName: if_name && plain(if_name),
    containerId: container_id && plain(container_id),
    provider: provider && plain(provider),
  };
}
