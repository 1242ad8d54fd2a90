/**
 * The executable in this process: any environment, any configuration and any answer of a daemon
 * end in a CNI result, a CNI error or nothing, and what the daemon is asked is of the contract.
 */
import * as fc from 'fast-check';
import { run } from '../../../src/plugin/run.ts';
import { CallStage } from '../call-stage.ts';
import { target } from '../target.ts';
import { environment, networkConfig, SOCKET } from '../values/cni-call.ts';
import { httpAnswer } from '../values/http-answer.ts';

/** Longer than any answer takes on a busy machine; ms. */
const TIMEOUT_MS = 10_000;
/** For the few cases in which nothing comes; ms. */
const SHORT_TIMEOUT_MS = 40;

export const executable = target('executable', 24_000, async () => {
  const stage = await CallStage.open();
  return {
    cases: fc.record({ env: environment, config: networkConfig, answer: httpAnswer }),
    check: async ({ env, config, answer }) => {
      const stdin = config.replaceAll(SOCKET, stage.socketPath);
      const timeoutMs = answer.end === 'never' ? SHORT_TIMEOUT_MS : TIMEOUT_MS;
      const call = () => run(env, () => stdin, { timeoutMs, socketWaitMs: 1 });
      return await stage.play({ command: env.CNI_COMMAND, stdin, answer }, call);
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
});
