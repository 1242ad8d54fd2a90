/**
 * One call of the node daemon and what its answer means (paths and bodies: src/wire). A daemon
 * that cannot be reached or understood is error 11, "try again later": it may be starting, or be
 * in the middle of an upgrade.
 */
import { CniCode } from '../wire/cni.ts';
import { type CniErrorBody, cniError } from './error.ts';
import { isObject, type Json } from './fields.ts';
import { type Answer, type Post, post } from './http-post.ts';

/**
 * The JSON object of a successful answer; empty where it has none (DEL). Throws what the daemon
 * says of a failure: its `cni_error` as it is, else (Kube-OVN's Go daemon) error 11 with its
 * `error`, or with the body where that is plain text.
 */
export async function callDaemon(call: Post): Promise<Json> {
  const answer = await exchange(call);
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
    typeof details === 'string'
  ) {
    throw cniError(Number(code), msg, details);
  }
  if (answer.status === 404) {
    const reason = `the daemon on ${call.socketPath} does not know ${call.path}; it is of another version`;
    throw tryAgainLater('the node daemon does not have this command', reason);
  }
  const reason = (typeof json.error === 'string' && json.error) || answer.body.trim();
  throw tryAgainLater('the node daemon failed', `${call.path} (${answer.status}): ${reason}`);
}

/** The error for an answer that no daemon should give. */
export function badAnswer(details: string): Error {
  return tryAgainLater('the node daemon gave a wrong answer', details);
}

async function exchange(call: Post): Promise<Answer> {
  try {
    return await post(call);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const where = `the daemon on ${call.socketPath}`;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      const hint = "look at this node's pod of the DaemonSet kube-ovn-cni";
      throw tryAgainLater('the node daemon is not running', `${where}: ${code}; ${hint}`);
    }
    const reason = code === undefined ? message : `broke off: ${message}`;
    throw tryAgainLater('no answer from the node daemon', `${where} ${reason}`);
  }
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
