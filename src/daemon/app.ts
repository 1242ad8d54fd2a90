/**
 * The socket's API: routes that check bodies and map errors. Built without listening, so that
 * tests can inject requests.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import pLimit from 'p-limit';
import { startDeadline } from '../common/concurrency/deadline.ts';
import { errorFields } from '../common/log.ts';
import { OWN_CNI_TYPE } from '../common/names.ts';
import { ToolError } from '../common/process/tool-error.ts';
import { messageOf, plain } from '../common/text.ts';
import { CniCode } from '../wire/cni.ts';
import {
  ADD_PATH,
  CHECK_PATH,
  CheckRequestSchema,
  type CniRequest,
  CniRequestSchema,
  type CniResponse,
  DEL_PATH,
  GC_PATH,
  GcRequestSchema,
  STATUS_PATH,
  StatusRequestSchema,
} from '../wire/messages.ts';
import { CniError, OwnCode, tryAgain } from './call/error.ts';
import type { Observers } from './call/observers.ts';
import { newOperationId } from './call/operation-id.ts';
import { type CallStages, inStage } from './call/stage.ts';
import { CONNECTION_LIMITS } from './connections.ts';
import type { AttachmentQueue } from './ownership/attachment-queue.ts';
import { Operations, operationOf, verbOf } from './report/operation.ts';
import type { PendingEvent, PodEvents } from './report/pod-events.ts';
import { StatusLog } from './report/status-log.ts';
import { type AddParts, add } from './verbs/add.ts';
import { type CheckParts, check } from './verbs/check.ts';
import { type DelParts, del } from './verbs/del.ts';
import { type GcParts, gc } from './verbs/gc.ts';
import type { RecordedDels } from './verbs/recorded-dels.ts';
import { type StatusParts, status } from './verbs/status.ts';

/** More than the executable takes on its stdin; bytes. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Bookkeeping waits until the runtime has most likely asked for the pod's next interface: on a
 * small node it costs that call a tenth of its time (measured); ms.
 */
const BOOKKEEPING_LAG_MS = 100;
/**
 * It also waits until no ADD runs, for so long: of pods that come up together the last has its interface a
 * tenth sooner; ms.
 */
const BOOKKEEPING_BEHIND_ADDS_MS = 2000;
const BOOKKEEPING_AT_ONCE = 4;
/**
 * For a recorded DEL; ms. It takes some 10 ms, and what is left of the runtime's two minutes is the
 * call's own.
 */
const RECORDS_TIMEOUT_MS = 30_000;
/** How long bookkeeping may hold up the daemon's end; ms. */
const AFTERWARDS_MS_MAX = 5000;

/** What a caller sends is right or wrong, never mended. */
const VERBATIM = { coerceTypes: false, removeAdditional: false, useDefaults: false } as const;
/**
 * Ajv checks each schema by JSON Schema's own, which it compiles first, and shortens the code that it makes:
 * together a third of the daemon's start (measured). A test checks our schemas instead.
 */
const QUICKLY_COMPILED = { meta: false, validateSchema: false, code: { optimize: false } } as const;

/** The event about a failure. */
type EventOfFailure = (error: unknown, stages: CallStages) => PendingEvent;

/** What the calls on the socket use. */
export interface AppParts extends AddParts, DelParts, CheckParts, GcParts, StatusParts {
  readonly pods: AddParts['pods'] & DelParts['pods'] & CheckParts['pods'] & StatusParts['pods'];
  readonly subnets: AddParts['subnets'] & StatusParts['subnets'];
  readonly interfaces: AddParts['interfaces'] & DelParts['interfaces'] & GcParts['interfaces'];
  readonly ovs: AddParts['ovs'] & StatusParts['ovs'];
  readonly bridges: AddParts['bridges'];
  readonly queue: AddParts['queue'] &
    DelParts['queue'] &
    CheckParts['queue'] &
    GcParts['queue'] &
    Pick<AttachmentQueue, 'addsOver'>;
  readonly tunnels: AddParts['tunnels'] & StatusParts['tunnels'];
  readonly limits: AddParts['limits'] & CheckParts['limits'];
  readonly abilities: AddParts['abilities'] & StatusParts['abilities'];
  readonly primary: AddParts['primary'] & CheckParts['primary'] & StatusParts['primary'];
  readonly mirror: AddParts['mirror'] & CheckParts['mirror'];
  /** Events about interfaces that are made and removed. */
  readonly podEvents: PodEvents;
  /** DELs that come before every other call of their attachment. */
  readonly recordedDels: Pick<RecordedDels, 'done'>;
  /** Who observes calls; nobody without it. */
  readonly observers?: Observers;
}

/**
 * Makes the socket's API. A call that fails is answered with a CNI error in the body: status 400 where the
 * same call cannot succeed, 404 for a path that is not known, else 500.
 */
export function buildApp(parts: AppParts, logger: FastifyBaseLogger) {
  const { podEvents } = parts;
  const operations = new Operations(logger, parts.observers);
  /** Lines about the work of a call say which one it is. */
  const partsOf = (request: FastifyRequest): AppParts => {
    return { ...parts, log: logger.child({ operation: operationOf(request) }) };
  };
  const app = Fastify({
    loggerInstance: logger,
    genReqId: newOperationId,
    // Our own lines say whose call it is.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    ...CONNECTION_LIMITS,
    ajv: { customOptions: { ...VERBATIM, ...QUICKLY_COMPILED } },
    // A path that cannot be decoded.
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      operations.answered(request, reply, 404);
      void reply.code(404).send(toResponse(unknownCall(request), request));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  // Of a connection that the kernel cannot give us. Without a listener it would end the daemon.
  app.server.on('error', (error) => {
    logger.warn(errorFields(error), 'a connection of the socket could not be taken');
  });

  app.setErrorHandler((error, request, reply) => {
    const failure = toCniError(error);
    const status = isPermanent(failure) ? 400 : 500;
    // Of STATUS status-log.ts writes what is worth a line.
    operations.failed(request, reply, { status, failure, error, isLogged: !isStatus(failure) });
    return reply.code(status).send(toResponse(failure, request));
  });

  app.setNotFoundHandler((request, reply) => {
    const failure = unknownCall(request);
    operations.answered(request, reply, 404);
    return reply.code(404).send(toResponse(failure, request));
  });

  /** What goes on after answers; a daemon that ends waits for it. */
  const afterwards = new Set<Promise<void>>();
  const bookkeeping = pLimit(BOOKKEEPING_AT_ONCE);
  app.addHook('onClose', async () => {
    await Promise.race([Promise.allSettled(afterwards), sleep(AFTERWARDS_MS_MAX)]);
  });

  const addsOver = () =>
    parts.queue.addsOver(AbortSignal.timeout(BOOKKEEPING_BEHIND_ADDS_MS)).catch(() => {});

  /** Bookkeeping and events: nobody waits for them. */
  const later = (reply: FastifyReply, task: () => void | Promise<void>) => {
    onceClosed(reply, () => {
      const work = sleep(BOOKKEEPING_LAG_MS)
        .then(() => addsOver())
        .then(() => bookkeeping(task))
        .catch((error) => logger.error(errorFields(error), 'what follows an answer has failed'))
        .finally(() => afterwards.delete(work));
      afterwards.add(work);
    });
  };

  /** Runs the work of a call; of its failure the pod's user hears after the runtime. */
  const followed = async <T>(
    request: FastifyRequest,
    reply: FastifyReply,
    work: () => Promise<T>,
    failed: EventOfFailure = NO_EVENT,
  ) => {
    const stages = operations.stagesOf(request);
    try {
      return await stages.run(work);
    } catch (error) {
      later(reply, failed(error, stages));
      throw error;
    }
  };

  // What was asked for of an interface while the daemon was away comes first. A delegate has none.
  app.addHook('preHandler', async (request, reply) => {
    const { body, url } = request;
    const { cni_type: type, container_id, if_name } = (body ?? {}) as Partial<CniRequest>;
    if (type !== OWN_CNI_TYPE || container_id === undefined || if_name === undefined) return;
    using deadline = startDeadline(RECORDS_TIMEOUT_MS, callerSignal(reply));
    const done = () => parts.recordedDels.done({ container_id, if_name }, deadline.signal);
    const failed: EventOfFailure =
      url === ADD_PATH
        ? (...how) => podEvents.configureFailed(body as CniRequest, ...how)
        : NO_EVENT;
    await followed(request, reply, () => inStage('queue', done()), failed);
  });

  app.post(ADD_PATH, { schema: { body: CniRequestSchema } }, async (request, reply) => {
    const waitedMs = reply.elapsedTime;
    const caller = callerSignal(reply);
    const work = () => add(request.body, partsOf(request), { caller, waitedMs });
    const failed: EventOfFailure = (...how) => podEvents.configureFailed(request.body, ...how);
    const result = await followed(request, reply, work, failed);
    const { response, afterAnswer } = result;
    const { ips, mac_address: mac } = response;
    operations.done(request, reply, 200, { ips, mac });
    const recordEvent = podEvents.configured(request.body, result);
    later(reply, async () => {
      recordEvent();
      await afterAnswer();
    });
    return reply.send(response);
  });

  app.post(DEL_PATH, { schema: { body: CniRequestSchema } }, async (request, reply) => {
    const failed: EventOfFailure = (...how) => podEvents.removeFailed(request.body, ...how);
    const work = () => del(request.body, partsOf(request));
    const removed = await followed(request, reply, work, failed);
    operations.done(request, reply, 204);
    later(reply, podEvents.removed(request.body, removed));
    return reply.code(204).send();
  });

  app.post(CHECK_PATH, { schema: { body: CheckRequestSchema } }, async (request, reply) => {
    const caller = callerSignal(reply);
    await followed(request, reply, () => check(request.body, partsOf(request), caller));
    operations.done(request, reply, 204);
    return reply.code(204).send();
  });

  app.post(GC_PATH, { schema: { body: GcRequestSchema } }, async (request, reply) => {
    const caller = callerSignal(reply);
    await followed(request, reply, () => gc(request.body, partsOf(request), caller));
    operations.done(request, reply, 204);
    return reply.code(204).send();
  });

  const statusLog = new StatusLog(logger);
  app.post(STATUS_PATH, { schema: { body: StatusRequestSchema } }, async (request, reply) => {
    await statusLog.follow(request.body, status(request.body, parts));
    operations.answered(request, reply, 204);
    return reply.code(204).send();
  });

  return app;
}

const NO_EVENT: EventOfFailure = () => () => {};

/** Aborted when the caller closes its connection before it has its answer. */
function callerSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  onceClosed(reply, () => {
    if (!reply.raw.writableFinished) {
      controller.abort(tryAgain('the caller went away', 'nobody waits for the result'));
    }
  });
  return controller.signal;
}

/** Calls back when the connection is done with, or at once where it already is. */
function onceClosed(reply: FastifyReply, callback: () => void): void {
  if (reply.raw.destroyed) callback();
  else reply.raw.once('close', callback);
}

function toCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  if (isClientError(error)) {
    return new CniError(
      CniCode.invalidConfig,
      `the request is wrong: ${messageOf(error)}`,
      'the executable and the daemon must be of compatible versions',
      { cause: error },
    );
  }
  if (error instanceof ToolError && (error.how === 'killed' || error.how === 'unreadable')) {
    return tryAgain(error.message, TOOL_HINT, error);
  }
  return new CniError(
    OwnCode.internal,
    messageOf(error),
    "the daemon's log on this node has more",
    { cause: error },
  );
}

const TOOL_HINT =
  'the runtime tries again; run this tool on the node to see what is wrong with it, and look at the load of the node';

/** Fastify's own errors for bodies that do not parse, do not match, or are too large. */
function isClientError(error: unknown): boolean {
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return status >= 400 && status < 500;
}

/** True where the same call cannot succeed: the caller gets 400. */
function isPermanent(failure: CniError): boolean {
  return failure.code !== CniCode.tryAgainLater && failure.code < 100 && !isStatus(failure);
}

/** True for the two answers of STATUS that say no. */
function isStatus({ code }: CniError): boolean {
  return code === CniCode.notAvailable || code === CniCode.noAddressLeft;
}

/** A newer executable, in the middle of an upgrade. */
function unknownCall({ method, url }: { method: string; url: string }): CniError {
  return tryAgain(
    `this daemon does not know ${method} ${plain(url)}`,
    'the executable and the daemon must be of compatible versions',
  );
}

/** Kube-OVN's executable reads `error`, ours `cni_error`. */
function toResponse(failure: CniError, request: FastifyRequest): CniResponse {
  const { code, message } = failure;
  const msg = `${describe(request)}: ${message}`;
  const details = detailsOf(failure, request);
  return {
    ips: null,
    mac_address: '',
    routes: null,
    mtu: 0,
    nicname: '',
    dns: {},
    error: details === '' ? msg : `${msg}; ${details}`,
    cni_error: { code, msg, details },
  };
}

/** By the id the call's line in the log is found. Of STATUS there is none, and its text is to stay. */
function detailsOf(failure: CniError, request: FastifyRequest): string {
  if (isStatus(failure)) return failure.details;
  const operation = `operation ${operationOf(request)}`;
  return failure.details === '' ? operation : `${failure.details}; ${operation}`;
}

/** What was tried, and for whom: "ADD of net1 for pod default/web". */
function describe(request: FastifyRequest): string {
  const { url, body } = request;
  const verb = verbOf(request) ?? plain(url);
  const { pod_namespace, pod_name, if_name } = (body ?? {}) as Partial<CniRequest>;
  return pod_name === undefined || if_name === undefined
    ? verb
    : `${verb} of ${plain(if_name)} for pod ${plain(pod_namespace)}/${plain(pod_name)}`;
}
