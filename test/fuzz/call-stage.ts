/**
 * Where calls of the executable are played: a directory with a daemon's socket in it and nothing
 * beside, and what must hold after each call, whoever made it.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import * as fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import {
  CheckRequestSchema,
  CniRequestSchema,
  GcRequestSchema,
  StatusRequestSchema,
} from '../../src/wire/messages.ts';
import { makeRunFolder } from '../lab/run-folder.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { type CniOutput, checkCniOutput } from './oracles/cni-output.ts';
import { must } from './oracles/types.ts';
import type { HttpAnswer } from './values/http-answer.ts';

/** What each verb may ask. */
const QUESTIONS: Readonly<Record<string, { path: string; schema: TSchema }>> = {
  ADD: { path: '/api/v1/add', schema: CniRequestSchema },
  DEL: { path: '/api/v1/del', schema: CniRequestSchema },
  CHECK: { path: '/api/v1/check', schema: CheckRequestSchema },
  GC: { path: '/api/v1/gc', schema: GcRequestSchema },
  STATUS: { path: '/api/v1/status', schema: StatusRequestSchema },
};

/** One call. */
export interface Play {
  readonly command: string | undefined;
  readonly stdin: string;
  /** What the daemon says, if it is asked. */
  readonly answer: HttpAnswer;
}

export class CallStage implements AsyncDisposable {
  readonly root: string;
  readonly #daemon: FakeDaemon;

  private constructor(root: string, daemon: FakeDaemon) {
    this.root = root;
    this.#daemon = daemon;
  }

  static async open(): Promise<CallStage> {
    const root = makeRunFolder('kube-ovn-fuzz-');
    return new CallStage(root, await FakeDaemon.listen(join(root, 'daemon.sock')));
  }

  get socketPath(): string {
    return join(this.root, 'daemon.sock');
  }

  /**
   * Makes a call, and checks all that came of it.
   * @returns verb and outcome
   */
  async play({ command = '', stdin, answer }: Play, call: () => Promise<CniOutput>) {
    // What is to be written beside somebody else's socket is not written here.
    fc.pre(socketsIn(stdin).every((path) => this.#isOurs(path)));
    this.#daemon.willSend(answer);
    const outcome = checkCniOutput(await call(), command);
    if (answer.end === 'never') await this.#daemon.idle();
    const { questions } = this.#daemon;
    must(questions.length <= 1, 'a daemon that answers is asked once', questions.length);
    for (const { path, body } of questions) {
      const wanted = QUESTIONS[command];
      must(path === wanted?.path, "the path is the verb's", path);
      must(Value.Check(wanted.schema, JSON.parse(body)), 'a question is of the contract', body);
    }
    const records = this.#takeRecords();
    if (outcome === 'accepted' && Object.hasOwn(QUESTIONS, command)) {
      const isAnswered = questions.length === 1 && !answer.isBroken;
      const isLeft = command === 'DEL' && (records === 1 || JSON.parse(stdin).type !== 'kube-ovn');
      must(isAnswered || isLeft, 'a success is what the daemon said, or on the disk', questions);
    }
    return `${Object.hasOwn(QUESTIONS, command) ? command : 'other'} ${outcome}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true });
  }

  #isOurs(path: string): boolean {
    return !path.startsWith('/') || normalize(path).startsWith(`${this.root}/`);
  }

  /** Records of DELs, and nothing else, are on the disk; then they go. Returns how many. */
  #takeRecords(): number {
    let count = 0;
    for (const name of readdirSync(this.root)) {
      if (name === 'daemon.sock') continue;
      count += checkRecords(join(this.root, name));
      rmSync(join(this.root, name), { recursive: true });
    }
    return count;
  }
}

/** Checks a directory of records, or one in which there are some; returns how many. */
function checkRecords(path: string): number {
  const names = readdirSync(path);
  if (!path.endsWith('.deletions')) {
    // A socket's directory that was missing.
    return names.reduce((count, name) => count + checkRecords(join(path, name)), 0);
  }
  must((statSync(path).mode & 0o777) === 0o700, 'records are for nobody else', path);
  for (const name of names) {
    must(/^[0-9a-f]{64}\.json$/.test(name), 'a record has its name', name);
    must((statSync(join(path, name)).mode & 0o777) === 0o600, 'a record is for nobody else', name);
    const record: unknown = JSON.parse(readFileSync(join(path, name), 'utf8'));
    must(Value.Check(CniRequestSchema, record), 'a record is of the contract', record);
  }
  return names.length;
}

/** Every socket that a configuration could mean, whoever reads it. */
function socketsIn(text: string): string[] {
  const members = text.matchAll(/"server_socket"\s*:\s*("(?:[^"\\]|\\.)*")/gs);
  return [...members].flatMap(([, value = '""']) => {
    try {
      return [String(JSON.parse(value))];
    } catch {
      return [];
    }
  });
}
