/**
 * The verbs that ask the daemon, a row for each: what it sends, how long it waits, what it prints,
 * and what it does without an answer. What takes time to load is loaded where it is needed.
 */
import { CniCode } from '../wire/cni.ts';
import type { CheckRequest, CniRequest, GcRequest, StatusRequest } from '../wire/messages.ts';
import { ADD_PATH, CHECK_PATH, DEL_PATH, GC_PATH, STATUS_PATH } from '../wire/paths.ts';
import { cniError, errorBody } from './error.ts';
import type { Json, Source } from './fields.ts';
import { readValidAttachments } from './gc-list.ts';
import { interfaceMacs } from './interface-macs.ts';
import type { Command, Environment } from './invocation.ts';
import { readPrevResult, refuseTakenName } from './prev-result.ts';

/** One call, checked. */
export interface Call {
  readonly cniVersion: string;
  /** True where another plugin calls us for addresses only. */
  readonly isDelegate: boolean;
  readonly socketPath: string;
  /** The names of attachment and pod are empty for the verbs about a whole network. */
  readonly request: CniRequest;
  /** Configuration and environment, for what one verb alone reads of them. */
  readonly top: Source;
  readonly env: Environment;
}

/** How long a call may take; ms. */
export interface Limits {
  /** For the whole exchange with the daemon, waiting for its socket included. */
  readonly timeoutMs: number;
  /** For a daemon that does not listen, since it restarts, to do so. */
  readonly socketWaitMs: number;
}

/** Undone when the daemon has answered. */
interface Preparation extends Disposable {
  /** Fields of the request that say so to the daemon. */
  readonly request: Partial<CniRequest>;
}

interface Verb {
  /** The first version of the CNI specification that has it. */
  readonly since: string;
  readonly path: string;
  /** The daemon's log has a line about each call, by its operation id. */
  readonly isLogged: boolean;
  readonly limits: Limits;
  /** What is done in the sandbox before the daemon is asked. */
  readonly prepare?: (call: Call) => Promise<Preparation>;
  /** What the daemon is sent. */
  readonly body: (call: Call) => object;
  /** What the runtime reads. */
  readonly print: (answer: Json, call: Call) => Promise<string>;
  /** What follows where the daemon gives no whole answer; `failure` is error 11. */
  readonly unanswered: (failure: Error, call: Call, body: string) => Promise<void>;
}

/** The daemon gives up after 110 s and then says why; this is long enough to hear it. */
const DAEMON_TIMEOUT_MS = 115_000;
/** A daemon that is replaced is back within this; the runtime's own retry takes longer. */
const SOCKET_WAIT_MS = 10_000;
/** A DEL that takes longer is recorded, and the pod can go. */
const DEL_TIMEOUT_MS = 20_000;
/** Runtimes ask often and wait for the answer; the daemon gives one within 700 ms. */
const STATUS_TIMEOUT_MS = 900;

/** The row of each verb; VERSION asks nobody. */
export const VERBS: Readonly<Record<Exclude<Command, 'VERSION'>, Verb>> = {
  ADD: {
    since: '0.1.0',
    path: ADD_PATH,
    isLogged: true,
    limits: { timeoutMs: DAEMON_TIMEOUT_MS, socketWaitMs: SOCKET_WAIT_MS },
    prepare: prepareInterface,
    body: addBody,
    print: printAdded,
    unanswered: fail,
  },
  CHECK: {
    since: '0.4.0',
    path: CHECK_PATH,
    isLogged: true,
    limits: { timeoutMs: DAEMON_TIMEOUT_MS, socketWaitMs: SOCKET_WAIT_MS },
    body: checkBody,
    print: printNothing,
    unanswered: fail,
  },
  DEL: {
    since: '0.1.0',
    path: DEL_PATH,
    isLogged: true,
    limits: { timeoutMs: DEL_TIMEOUT_MS, socketWaitMs: 0 },
    body: wholeRequest,
    print: printNothing,
    unanswered: leaveForLater,
  },
  GC: {
    since: '1.1.0',
    path: GC_PATH,
    isLogged: true,
    limits: { timeoutMs: DAEMON_TIMEOUT_MS, socketWaitMs: 0 },
    body: gcBody,
    print: printNothing,
    unanswered: fail,
  },
  STATUS: {
    since: '1.1.0',
    path: STATUS_PATH,
    isLogged: false,
    limits: { timeoutMs: STATUS_TIMEOUT_MS, socketWaitMs: 0 },
    body: statusBody,
    print: printNothing,
    unanswered: notAvailable,
  },
};

/** A plugin that delegates to us prepares its interface itself. */
async function prepareInterface({ isDelegate, request }: Call): Promise<Preparation> {
  if (isDelegate) {
    return { request: {}, [Symbol.dispose]() {} };
  }
  const { prepareSandbox } = await import('./sandbox.ts');
  const prepared = prepareSandbox(request.net_ns, request.accept_ra ?? false);
  return {
    request: prepared === undefined ? {} : { ipv6_prepared: true },
    [Symbol.dispose]: () => prepared?.restore(),
  };
}

function addBody({ request, isDelegate, top, env }: Call): CniRequest {
  if (!isDelegate) {
    refuseTakenName(top, request.if_name);
    return request;
  }
  const macs = interfaceMacs(top.fields, env);
  return macs.length === 0 ? request : { ...request, interface_macs: macs };
}

function wholeRequest({ request }: Call): CniRequest {
  return request;
}

function checkBody({ request, top }: Call): CheckRequest {
  return { ...request, prev_result: readPrevResult(top) };
}

function gcBody({ request, top }: Call): GcRequest {
  const { cni_type, provider, network = '', operation_id = '' } = request;
  return { cni_type, provider, network, operation_id, ...readValidAttachments(top) };
}

function statusBody({ request: { cni_type, provider } }: Call): StatusRequest {
  return { cni_type, provider };
}

async function printAdded(answer: Json, call: Call): Promise<string> {
  const { cniVersion, isDelegate, request } = call;
  const { printResult, readResult } = await import('./result.ts');
  const sandbox = isDelegate ? undefined : request.net_ns;
  return printResult(readResult(answer, sandbox, request.dns ?? {}), cniVersion);
}

async function printNothing(): Promise<string> {
  return '';
}

async function fail(failure: Error): Promise<never> {
  throw failure;
}

/** A DEL never waits for a daemon: the pod would stay. */
async function leaveForLater(failure: Error, call: Call, body: string): Promise<void> {
  // The daemon has nothing to do for it: the calling plugin removes the interface.
  if (call.isDelegate) {
    return;
  }
  const { recordDeletion } = await import('./deletion-record.ts');
  const { container_id: containerId, if_name: ifName } = call.request;
  recordDeletion({ socketPath: call.socketPath, containerId, ifName, body, failure });
}

async function notAvailable(failure: Error): Promise<never> {
  const { msg, details } = errorBody(failure);
  throw cniError(CniCode.notAvailable, msg, details);
}
