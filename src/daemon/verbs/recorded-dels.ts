/**
 * DELs that the executable recorded because it had no answer from this daemon: one file for each
 * attachment in a directory beside the socket. Each is done before any other call of its attachment,
 * and holds up no other attachment's; a DEL can be repeated, so one that was done and not yet
 * forgotten does no harm.
 *
 * What cannot be done is set aside under another name, where a person finds it, and is not tried
 * again: its port is left to the clean-up, which needs no record.
 */
import { createHash } from 'node:crypto';
import {
  constants,
  existsSync,
  type FSWatcher,
  lstatSync,
  readdirSync,
  rmSync,
  watch,
} from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { Value } from 'typebox/value';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { abortable } from '../../common/concurrency/deadline.ts';
import { errorFields, type Logger } from '../../common/log.ts';
import { messageOf } from '../../common/text.ts';
import { CniCode } from '../../wire/cni.ts';
import { type CniRequest, CniRequestSchema } from '../../wire/messages.ts';
import { CniError, tryAgain } from '../call/error.ts';
import { sentOperation } from '../call/operation-id.ts';
import { type Wait, waiting } from '../call/waiting.ts';

/** Where DELs are recorded, and how one is done. */
export interface RecordedDelsOptions {
  readonly directory: string;
  /** Does one DEL. */
  readonly del: (request: CniRequest) => Promise<void>;
  /** Resolves when OVS is there: without it a DEL can neither be done nor fail for good. */
  readonly ready: () => Promise<unknown>;
  readonly log: Logger;
}

/** How many recorded DELs there are. */
export interface DeletionCounts {
  readonly waiting: number;
  readonly setAside: number;
  /** 0 where none waits; ms. */
  readonly oldestMs: number;
}

const RECORD = /^[0-9a-f]{64}\.json$/;
const UNFINISHED = /^\..*\.tmp$/;
/** A file that is not finished by then never will be; ms. */
const UNFINISHED_MS_MIN = 60_000;
const ASIDE = '.failed';
/** More than the executable writes; bytes. */
const RECORD_BYTES_MAX = 128 * 1024;
const AT_ONCE = 4;
/** Attempts at a DEL that may succeed later, with pauses between them; ms. */
const ATTEMPTS_MAX = 6;
const PAUSES = { firstMs: 100, maxMs: 2000 };

/** Does recorded DELs from `start` to `stop`: four at a time, beside those that calls wait for. */
export class RecordedDels {
  readonly #options: RecordedDelsOptions;
  #watcher: FSWatcher | undefined;
  #draining: Promise<void> | undefined;
  /** Those that are being done, by name. */
  readonly #running = new Map<string, Promise<void>>();
  /** Names that can be neither removed nor set aside; they are not looked at again. */
  readonly #stuck = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(options: RecordedDelsOptions) {
    this.#options = options;
  }

  /**
   * Makes the directory, and begins to do what is in it and what comes.
   * @throws Error when the directory is not root's alone: others could have DELs done
   */
  async start(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = await lstat(directory);
    if (
      uid !== process.getuid?.() ||
      (mode & constants.S_IFMT) !== constants.S_IFDIR ||
      mode & 0o77
    ) {
      throw new Error(
        `${directory} must be a directory that only this daemon's user has access to (mode 0700): move it away`,
      );
    }
    this.#removeUnfinished();
    this.#watch();
    this.#drainUnasked();
  }

  /** What is not done is the next daemon's; calls that wait for it fail with error 11. */
  stop(): void {
    this.#stopped.abort(ENDING);
    this.#watcher?.close();
  }

  /**
   * Resolves when what is recorded of this attachment has been done or set aside.
   * @throws CniError 11 when a deadline of `signal` passes
   */
  async done(attachment: AttachmentOfCall, signal: AbortSignal): Promise<void> {
    const name = recordName(attachment);
    while (this.#isRecorded(name)) await waiting(RECORDED, abortable(this.#doOnce(name), signal));
    this.#stopped.signal.throwIfAborted();
  }

  /** Resolves when all that is recorded now has been done or set aside: for whoever needs it all. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#draining !== undefined || this.#records().length > 0) {
      await abortable(this.#drain(), signal);
    }
  }

  /** How many are recorded and not done, and how old the oldest is; and how many were set aside. */
  get counts(): DeletionCounts {
    const files = this.#files();
    const setAside = files.filter((name) => name.endsWith(ASIDE)).length;
    const records = files.filter((name) => RECORD.test(name));
    const recordedAt = records.flatMap((name) => {
      const path = join(this.#options.directory, name);
      return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? [];
    });
    const oldestMs = Math.max(0, Date.now() - Math.min(...recordedAt));
    return { waiting: records.length, setAside, oldestMs };
  }

  #isRecorded(name: string): boolean {
    if (this.#running.has(name)) return true;
    if (this.#stopped.signal.aborted || this.#stuck.has(name)) return false;
    return existsSync(join(this.#options.directory, name));
  }

  /** Does a record, unless that is being done already. */
  #doOnce(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const work = this.#do(name).finally(() => this.#running.delete(name));
    this.#running.set(name, work);
    return work;
  }

  /** A node whose inotify instances are used up gets its daemon nevertheless. */
  #watch(): void {
    const { directory, log } = this.#options;
    const giveUp = (error: unknown) =>
      log.error(
        { directory, error: messageOf(error) },
        'recorded DELs are only seen at the next call of their attachment',
      );
    try {
      this.#watcher = watch(directory, () => this.#drainUnasked());
      this.#watcher.on('error', giveUp);
    } catch (error) {
      giveUp(error);
    }
  }

  #drain(): Promise<void> {
    this.#draining ??= this.#doAll().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  #drainUnasked(): void {
    this.#drain().catch((error) => {
      if (this.#stopped.signal.aborted) return;
      const { directory, log } = this.#options;
      log.error({ directory, error: messageOf(error) }, 'cannot look for recorded DELs');
    });
  }

  async #doAll(): Promise<void> {
    const limit = pLimit(AT_ONCE);
    for (let names = this.#records(); names.length > 0; names = this.#records()) {
      await Promise.all(names.map((name) => limit(() => this.#doOnce(name))));
    }
  }

  /** Names of the records. Synchronous: the directory is in memory, and nearly always empty. */
  #records(): string[] {
    if (this.#stopped.signal.aborted) return [];
    return this.#files().filter((name) => RECORD.test(name) && !this.#stuck.has(name));
  }

  /** None where somebody has removed the directory: the executable makes it again. */
  #files(): string[] {
    try {
      return readdirSync(this.#options.directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      throw error;
    }
  }

  /** What executables left that were killed while they wrote. */
  #removeUnfinished(): void {
    const { directory } = this.#options;
    for (const name of this.#files().filter((file) => UNFINISHED.test(file))) {
      const path = join(directory, name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      const isFile = stats !== undefined && !stats.isDirectory();
      if (isFile && Date.now() - stats.mtimeMs > UNFINISHED_MS_MIN) rmSync(path, { force: true });
    }
  }

  async #do(name: string): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { directory, log } = this.#options;
    const path = join(directory, name);
    try {
      const request = await readRecord(path);
      await this.#attempt(request);
      await rm(path, { force: true });
      const { pod_namespace, pod_name, if_name, container_id } = request;
      const whose = {
        operation: sentOperation(request),
        pod: `${pod_namespace}/${pod_name}`,
        ifName: if_name,
        containerId: container_id,
      };
      log.info(whose, 'DEL done that was recorded while the daemon did not answer');
    } catch (error) {
      // The next daemon goes on.
      if (this.#stopped.signal.aborted) return;
      const aside = `${path}${ASIDE}`;
      log.error(
        { record: aside, ...errorFields(error) },
        'cannot do a recorded DEL; it is set aside, and its port left to the clean-up: remove the file when you have looked at it',
      );
      await rename(path, aside)
        .catch(() => rm(path, { force: true }))
        .catch(() => this.#stuck.add(name));
    }
  }

  async #attempt(request: CniRequest): Promise<void> {
    const backoff = new Backoff(PAUSES);
    for (let attempt = 1; ; attempt += 1) {
      await abortable(this.#options.ready(), this.#stopped.signal);
      try {
        return await this.#options.del(request);
      } catch (error) {
        const mayPass = error instanceof CniError && error.code === CniCode.tryAgainLater;
        if (!mayPass || attempt === ATTEMPTS_MAX) throw error;
        await backoff.pause(this.#stopped.signal);
      }
    }
  }
}

/** What names an attachment in a call's body. */
export type AttachmentOfCall = Pick<CniRequest, 'container_id' | 'if_name'>;

/** Where the executable records the DEL of an attachment. */
function recordName({ container_id, if_name }: AttachmentOfCall): string {
  return `${createHash('sha256').update(`${container_id}/${if_name}`).digest('hex')}.json`;
}

const ENDING = tryAgain('the daemon is ending', 'the runtime tries again when it is back');
const RECORDED: Wait = {
  what: 'the DEL of this interface that was recorded while the daemon did not answer',
  lookAt: "the daemon's log, and whether ovsdb-server runs on this node",
};

/** @throws Error for what is no DEL of the executable's */
async function readRecord(path: string): Promise<CniRequest> {
  await using file = await open(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  const { size } = await file.stat();
  if (size > RECORD_BYTES_MAX)
    throw new Error(`it has ${size} bytes, more than ${RECORD_BYTES_MAX}`);
  const request: unknown = JSON.parse(await file.readFile('utf8'));
  if (!Value.Check(CniRequestSchema, request)) throw new Error('it is not the body of a DEL');
  return request;
}
