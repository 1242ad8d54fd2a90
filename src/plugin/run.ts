/**
 * One call, from environment and stdin to exit code and stdout, without touching the process.
 * node:net and what needs it load only for the verbs that ask the daemon: VERSION starts faster.
 */
import { ADD_PATH, DEL_PATH } from '../wire/paths.ts';
import { errorBody } from './error.ts';
import { type Command, commandOf, type Environment, parseInvocation, podOf } from './invocation.ts';
import { CNI_VERSIONS, checkConfig, decodeConfig, NEWEST_CNI_VERSION } from './network-config.ts';

/** The daemon gives up after 110 s and then says why; this is long enough to hear it. */
const DAEMON_TIMEOUT_MS = 115_000;

/** The verbs that ask the daemon: its path for them, and whether they print a result. */
const VERBS = {
  ADD: { path: ADD_PATH, hasResult: true },
  DEL: { path: DEL_PATH, hasResult: false },
} satisfies Record<Exclude<Command, 'VERSION'>, object>;

export interface Outcome {
  readonly exitCode: 0 | 1;
  /** Empty, or JSON. */
  readonly stdout: string;
}

/** Never throws. `readStdin` is not called for VERSION, nor where the environment is wrong. */
export async function run(
  env: Environment,
  readStdin: () => string,
  timeoutMs = DAEMON_TIMEOUT_MS,
): Promise<Outcome> {
  let cniVersion = NEWEST_CNI_VERSION;
  try {
    const command = commandOf(env);
    if (command === 'VERSION') {
      const stdout = JSON.stringify({ cniVersion, supportedVersions: CNI_VERSIONS });
      return { exitCode: 0, stdout };
    }
    const { path, hasResult } = VERBS[command];
    const invocation = parseInvocation(command, env);
    const decoded = decodeConfig(readStdin());
    cniVersion = decoded.cniVersion;
    const { isDelegate, serverSocket, request } = checkConfig(
      decoded.top,
      command,
      invocation.if_name,
    );
    const body = JSON.stringify({ ...request, ...podOf(env), ...invocation });
    const { callDaemon } = await import('./daemon-call.ts');
    const answer = await callDaemon({ socketPath: serverSocket, path, body, timeoutMs });
    if (!hasResult) {
      return { exitCode: 0, stdout: '' };
    }
    const { printResult, readResult } = await import('./result.ts');
    const sandbox = isDelegate ? undefined : invocation.net_ns;
    const result = readResult(answer, sandbox, request.dns ?? {});
    return { exitCode: 0, stdout: printResult(result, cniVersion) };
  } catch (thrown) {
    return { exitCode: 1, stdout: JSON.stringify({ cniVersion, ...errorBody(thrown) }) };
  }
}
