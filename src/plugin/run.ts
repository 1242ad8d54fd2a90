/**
 * One call, from environment and stdin to exit code and stdout, without touching the process.
 * node:net and what needs it load only for the verbs that ask the daemon: VERSION starts faster.
 */
import { errorBody } from './error.ts';
import { commandOf, type Environment, parseInvocation, podOf } from './invocation.ts';
import {
  CNI_VERSIONS,
  checkConfig,
  decodeConfig,
  NEWEST_CNI_VERSION,
  refuseOlder,
} from './network-config.ts';
import { refuseForeignSocket } from './socket-policy.ts';
import { type Call, type Limits, VERBS } from './verbs.ts';

/** What the process ends with. */
export interface Outcome {
  readonly exitCode: 0 | 1;
  /** Empty, or JSON. */
  readonly stdout: string;
}

/**
 * Never throws. `readStdin` is not called for VERSION, nor where the environment is wrong.
 * `limits` replace those of the verb.
 */
export async function run(
  env: Environment,
  readStdin: () => string,
  limits: Partial<Limits> = {},
): Promise<Outcome> {
  let cniVersion = NEWEST_CNI_VERSION;
  try {
    const command = commandOf(env);
    if (command === 'VERSION') {
      const stdout = JSON.stringify({ cniVersion, supportedVersions: CNI_VERSIONS });
      return { exitCode: 0, stdout };
    }
    const verb = VERBS[command];
    const invocation = parseInvocation(command, env);
    const { cniVersion: wanted, top } = decodeConfig(readStdin());
    cniVersion = wanted;
    refuseOlder(cniVersion, command, verb.since);
    const config = checkConfig(top, command, invocation.if_name);
    const operation_id = newOperationId();
    const request = { ...config.request, ...podOf(command, env), ...invocation, operation_id };
    const { isDelegate, serverSocket: socketPath } = config;
    refuseForeignSocket(socketPath, isDelegate ? 'ipam.server_socket' : 'server_socket');
    const call: Call = { cniVersion, isDelegate, socketPath, request, top, env };
    using preparation = await verb.prepare?.(call);
    const body = JSON.stringify({ ...verb.body(call), ...preparation?.request });
    const { callDaemon } = await import('./daemon-call.ts');
    const named = verb.isLogged ? { operation: operation_id } : {};
    const post = { socketPath, path: verb.path, body, ...named, ...verb.limits, ...limits };
    const answer = await callDaemon(post, (failure) => verb.unanswered(failure, call, body));
    return { exitCode: 0, stdout: await verb.print(answer, call) };
  } catch (thrown) {
    return { exitCode: 1, stdout: JSON.stringify({ cniVersion, ...errorBody(thrown) }) };
  }
}

/**
 * By this the lines in the daemon's log are found that are about a call. It need not be a secret, and
 * node:crypto takes time to load.
 */
function newOperationId(): string {
  const digits = Math.floor(Math.random() * 2 ** 48).toString(16);
  return digits.padStart(12, '0');
}
