/**
 * One call of the node daemon and what its answer means (paths and bodies: src/wire). A daemon
 * that cannot be reached or understood is error 11, "try again later": it may be starting, or be
 * in the middle of an upgrade.
 */
import { CniCode } from '../wire/cni.ts';
import { type CniErrorBody, cniError, cut } from './error.ts';
import { isObject, type Json } from './fields.ts';
import { type Answer, type Post, post } from './http-post.ts';
import type { WaitError } from './socket-wait.ts';
import { isNotListening } from './unix-socket.ts';

/** What to look at where the daemon does not work. */
export const DAEMON_HINT = "look at this node's pod of the DaemonSet kube-ovn-cni";

/** Of a text that may be anybody's, where it is none of our daemon's errors. */
const ERROR_LENGTH_MAX = 1024;
const BODY_LENGTH_MAX = 200;

/** A call: where it goes, and how long it may take. */
export interface DaemonCall extends Post {
  /** Part of the timeout: how long a daemon that does not listen is waited for. */
  readonly socketWaitMs: number;
  /** Names the call in the daemon's log, which may have more where no answer came. */
  readonly operation?: string;
}

/**
 * The JSON object of a successful answer; empty where it has none (DEL). Throws what the daemon
 * says of a failure: its `cni_error` as it is, else (Kube-OVN's Go daemon) error 11 with its
 * `error`, or with the body where that is plain text. Where no whole answer comes, so that nobody
 * knows what was done, `unanswered` gets error 11: it throws, or the answer counts as empty.
 */
export async function callDaemon(
  call: DaemonCall,
  unanswered: (failure: Error) => Promise<void>,
): Promise<Json> {
  let answer: Answer;
  try {
    answer = await exchange(call);
  } catch (error) {
    await unanswered(noAnswer(call, error as WaitError));
    return {};
  }
  return readAnswer(call, answer);
}

function readAnswer(call: Post, answer: Answer): Json {
  const json = parseObject(answer.body);
  const isSuccess = answer.status >= 200 && answer.status < 300;
  if (isSuccess && (json.error ?? '') === '') {
    return json;
  }
  const { code, msg, details } = (json.cni_error ?? {}) as Partial<CniErrorBody>;
  if (
    Number.isSafeInteger(code) &&
    Number(code) > 0 &&
    typeof msg === 'string' &&
    msg !== '' &&
    typeof details === 'string'
  ) {
    throw cniError(Number(code), msg, details);
  }
  if (answer.status === 404) {
    const reason = `the daemon on ${call.socketPath} does not know ${call.path}; it is of another version`;
    throw tryAgainLater('the node daemon does not have this command', reason);
  }
  const said = typeof json.error === 'string' ? cut(json.error, ERROR_LENGTH_MAX) : '';
  const reason = said || cut(answer.body.trim(), BODY_LENGTH_MAX);
  throw tryAgainLater('the node daemon failed', `${call.path} (${answer.status}): ${reason}`);
}

/** The error for an answer that no daemon should give. */
export function badAnswer(details: string): Error {
  return tryAgainLater('the node daemon gave a wrong answer', details);
}

async function exchange(call: DaemonCall): Promise<Answer> {
  const deadlineMs = performance.now() + call.timeoutMs;
  try {
    return await post(call);
  } catch (error) {
    if (call.socketWaitMs === 0 || !isNotListening(error)) {
      throw error;
    }
    const { whenListening } = await import('./socket-wait.ts');
    const again = () => post({ ...call, timeoutMs: Math.ceil(deadlineMs - performance.now()) });
    return await whenListening(call, error, again);
  }
}

function noAnswer({ socketPath, operation }: DaemonCall, error: WaitError): Error {
  const { code, message, waitedMs } = error;
  const where = `the daemon on ${socketPath}`;
  if (isNotListening(error)) {
    const waited = waitedMs === undefined ? '' : `, waited ${waitedMs} ms for it`;
    const details = `${where}: ${code}${waited}; ${DAEMON_HINT}`;
    return tryAgainLater('the node daemon is not running', details);
  }
  const reason = code === undefined ? message : `broke off: ${message}`;
  const named = operation === undefined ? '' : `; operation ${operation}`;
  const details = `${where} ${reason}; ${DAEMON_HINT}${named}`;
  return tryAgainLater('no answer from the node daemon', details);
}

function parseObject(body: string): Json {
  try {
    const found: unknown = JSON.parse(body);
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

function tryAgainLater(msg: string, details: string): Error {
  return cniError(CniCode.tryAgainLater, msg, details);
}
