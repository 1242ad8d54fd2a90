/**
 * Rotates the logs of this node's OVS and OVN, as Kube-OVN's daemon does each hour (rotateLog, by
 * logrotate): nobody else does where they run in pods of its charts. A log of more than 100 MB gets the
 * name `.1`, its program is asked for a new one (vlog/reopen, ovs-appctl(8)), and seven older ones are
 * kept, compressed. The daemon's own log has its limit by --log_file_max_size.
 *
 * Each step can be the last: what a killed run leaves under the name `.1` is compressed by the next.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setInterval as each } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { type Logger, stackOf } from '../../common/log.ts';
import { run } from '../../common/process/run.ts';
import { messageOf } from '../../common/text.ts';

/** Logs of a family of programs, and where those can be asked. */
export interface LogFolder {
  readonly logs: string;
  /** With a control socket of each program. */
  readonly controls: string;
}

const FOLDERS: readonly LogFolder[] = [
  { logs: '/var/log/openvswitch', controls: '/run/openvswitch' },
  { logs: '/var/log/ovn', controls: '/run/ovn' },
];
/** As in Kube-OVN's image: dist/images/logrotate. */
const BYTES_MAX = 100 * 1024 * 1024;
const KEPT = 7;
const EVERY_MS = 3600_000;
/** A program that hangs holds up nothing for longer. */
const ASK_OPTIONS = ['--timeout=5'];

/** Looks now and each hour, until the signal is aborted; says each reason for a failure once in a row. */
export async function rotateLogsHourly(log: Logger, signal: AbortSignal): Promise<void> {
  let lastReason = '';
  const rotateAll = async () => {
    try {
      for (const folder of FOLDERS) await rotateLogs(folder, log);
      lastReason = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastReason) log.warn(stackOf(error), `logs of OVS are not rotated: ${reason}`);
      lastReason = reason;
    }
  };
  await rotateAll();
  // The signal ends the loop by an error.
  const hours = each(EVERY_MS, undefined, { signal, ref: false });
  try {
    for await (const _ of hours) await rotateAll();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Rotates the logs of one folder that are too large. Nothing where the folder is not there.
 * @param bytesMax that a log may have
 * @throws Error of the file system
 */
export async function rotateLogs(
  { logs, controls }: LogFolder,
  log: Logger,
  bytesMax = BYTES_MAX,
): Promise<void> {
  const names = (await readdir(logs).catch(() => [])).filter((name) => name.endsWith('.log'));
  const moved: string[] = [];
  for (const name of names) {
    const path = join(logs, name);
    const found = await lstat(path);
    // What is no file there is not ours to move: a link, say, to a log elsewhere.
    if (!found.isFile() || found.size <= bytesMax) continue;
    await keepOlder(path);
    await rename(path, `${path}.1`);
    moved.push(path);
  }
  if (moved.length === 0) return;
  await reopen(controls);
  for (const path of moved) await compress(path);
  log.info({ files: moved }, 'logs of OVS are rotated');
}

/** Makes room for a new `.1`: each older one gets the next number, and the oldest goes. */
async function keepOlder(path: string): Promise<void> {
  await compress(path);
  for (let number = KEPT - 1; number >= 1; number -= 1) {
    await rename(`${path}.${number}.gz`, `${path}.${number + 1}.gz`).catch(ignoreAbsent);
  }
}

/** The log before, if it is not compressed yet. */
async function compress(path: string): Promise<void> {
  const [plain, unfinished] = [`${path}.1`, `${path}.1.gz.tmp`];
  const found = await lstat(plain).catch(() => undefined);
  if (!found?.isFile()) return;
  await rm(unfinished, { force: true });
  const file = createWriteStream(unfinished, { flags: 'wx', mode: found.mode & 0o777 });
  await pipeline(createReadStream(plain), createGzip(), file);
  await rename(unfinished, `${plain}.gz`);
  await rm(plain);
}

/** Has all programs that are there write to new files. One that is not asked writes on to the old one. */
async function reopen(controls: string): Promise<void> {
  const names = (await readdir(controls).catch(() => [])).filter((name) => name.endsWith('.ctl'));
  const asked = names.map((name) =>
    run('ovs-appctl', [...ASK_OPTIONS, '-t', join(controls, name), 'vlog/reopen']),
  );
  // One that has ended leaves its socket.
  await Promise.allSettled(asked);
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
