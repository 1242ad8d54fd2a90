/**
 * What the tests of recorded DELs share: a directory as the executable leaves it, and the daemon's
 * end of it with a DEL that notes whose it is.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  RecordedDels,
  type RecordedDelsOptions,
} from '../../../../src/daemon/verbs/recorded-dels.ts';
import type { CniRequest } from '../../../../src/wire/messages.ts';
import { RecordingLog } from '../recording-log.ts';
import { requestOf } from '../support.ts';

/** Where an attachment's record is. */
export function recordName({ container_id, if_name }: CniRequest): string {
  return `${createHash('sha256').update(`${container_id}/${if_name}`).digest('hex')}.json`;
}

/** The DEL of some container. */
export const deletionOf = (containerId: string) => requestOf({ container_id: containerId });

/** Containers whose DELs tests record. */
export const IDS = Array.from({ length: 10 }, (_, number) => `c${number}`);

export interface Scene {
  readonly directory: string;
  readonly log: RecordingLog;
  readonly deletions: RecordedDels;
  /** Containers whose DELs were begun, in that order. */
  readonly begun: string[];
  /** Writes a file, as a whole. */
  put(name: string, content: string | Buffer): void;
  /** Records DELs of these containers. */
  record(...containerIds: readonly string[]): void;
  /** Names in the directory. */
  files(): string[];
}

/**
 * A directory that is there already, and is gone after the test.
 * @param options.del runs after the DEL was noted
 */
export function setScene(options: Partial<RecordedDelsOptions> = {}): Scene {
  const parent = mkdtempSync(join(tmpdir(), 'deletions-'));
  const directory = join(parent, 'daemon.sock.deletions');
  mkdirSync(directory, { mode: 0o700 });
  const log = new RecordingLog();
  const begun: string[] = [];
  const deletions = new RecordedDels({
    directory,
    log,
    ready: async () => {},
    ...options,
    del: async (request) => {
      begun.push(request.container_id);
      await options.del?.(request);
    },
  });
  onTestFinished(() => {
    deletions.stop();
    rmSync(parent, { recursive: true });
  });
  const put = (name: string, content: string | Buffer) =>
    writeFileSync(join(directory, name), content);
  return {
    ...{ directory, log, deletions, begun, put },
    record: (...ids) => {
      for (const request of ids.map(deletionOf)) put(recordName(request), JSON.stringify(request));
    },
    files: () => readdirSync(directory).sort(),
  };
}
