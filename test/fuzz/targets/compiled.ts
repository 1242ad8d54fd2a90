/**
 * The executable as it is built: a process with bun's parser, stack and sockets, and standard input
 * that is no text.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { CallStage } from '../call-stage.ts';
import type { CniOutput } from '../oracles/cni-output.ts';
import { must } from '../oracles/types.ts';
import { target } from '../target.ts';
import { type Environment, environment, networkConfig, SOCKET } from '../values/cni-call.ts';
import { httpAnswer } from '../values/http-answer.ts';

const EXECUTABLE = resolve(import.meta.dirname, '../../../dist/kube-ovn');
const MIB = 1024 * 1024;

/** Bytes that are put into the text of a configuration, at a part of its length. */
const odd = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('\x80', '\xc0\x80', '\xed\xa0\x80', '\xff', '\0') },
    { weight: 1, arbitrary: fc.constantFrom(MIB - 4000, MIB, 2 * MIB).map((n) => ' '.repeat(n)) },
  ),
});

/** Less than the kernel's MAX_ARG_STRLEN, with its name. */
const VARIABLE_BYTES_MAX = 128 * 1024 - 100;
/** What a process can have; no NUL is among it. */
const variables = environment
  .map(
    (variables): Environment =>
      Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [name, value?.replaceAll('\0', '')]),
      ),
  )
  .filter((variables) =>
    Object.values(variables).every((value) => Buffer.byteLength(value ?? '') < VARIABLE_BYTES_MAX),
  );

/** Those that end by themselves. */
const answers = httpAnswer.filter(({ end }) => end !== 'never');

export const compiled = target('compiled', 400, async () => {
  const stage = await CallStage.open();
  return {
    cases: fc.record({ env: variables, config: networkConfig, spoil: odd, answer: answers }),
    check: async ({ env, config, spoil, answer }) => {
      const text = Buffer.from(config.replaceAll(SOCKET, stage.socketPath));
      const at = Math.floor(spoil.at * text.length);
      const bytes = Buffer.from(spoil.bytes, 'latin1');
      const stdin = Buffer.concat([text.subarray(0, at), bytes, text.subarray(at)]);
      // A socket that nobody listens on is waited for: too long for here.
      fc.pre(!stdin.toString().includes(`${stage.root}/`) || isPlain(stdin, stage.socketPath));
      const play = { command: env.CNI_COMMAND, stdin: stdin.toString(), answer };
      return await stage.play(play, () => execute(env, stdin, stage.root));
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
});

/** True where the configuration names only the socket that somebody listens on. */
function isPlain(stdin: Buffer, socketPath: string): boolean {
  return (
    stdin.toString().split('/daemon.sock').length ===
    stdin.toString().split(`"${socketPath}"`).length
  );
}

function execute(env: Environment, stdin: Buffer, cwd: string): Promise<CniOutput> {
  const { promise, resolve: done, reject } = Promise.withResolvers<CniOutput>();
  const child = spawn(EXECUTABLE, [], { env, cwd, stdio: 'pipe' });
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk) => output.stdout.push(chunk));
  child.stderr.on('data', (chunk) => output.stderr.push(chunk));
  child.on('error', reject);
  child.on('close', (exitCode, signal) => {
    const stdout = Buffer.concat(output.stdout).toString();
    const stderr = Buffer.concat(output.stderr).toString();
    try {
      must(signal === null && stderr === '', 'a call ends by itself, and in silence', {
        signal,
        stderr,
      });
      must(stdout === '' || stdout.endsWith('\n'), 'output ends its line', stdout);
      done({ exitCode, stdout: stdout.slice(0, -1) });
    } catch (error) {
      reject(error);
    }
  });
  // It need not read what it has no use for.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return promise;
}
