/**
 * The flags of klog's log file, as both programs take them.
 */
import type { LogFileSettings } from '../log-file.ts';
import { readNumber, wrongValue } from './go-flags.ts';

const MEGABYTE = 1024 * 1024;
/** klog's default is 1800 MB, and 0 means no limit: no file of ours grows beyond this. */
const MEGABYTES_MAX = 1800;

/**
 * klog writes a file where `--log_file` has a path and `--logtostderr` is off.
 * @returns undefined where it writes none
 * @throws Error that names the flag that is wrong
 */
export function readLogFile(flags: {
  readonly path: string;
  readonly maxMegabytes: string;
  readonly mode: string;
  readonly onlyStderr: boolean;
  readonly alsoStderr: boolean;
}): LogFileSettings | undefined {
  const { path, onlyStderr, alsoStderr } = flags;
  const megabytes = readNumber('--log_file_max_size', flags.maxMegabytes, 0, 999_999);
  const mode = readMode(flags.mode);
  if (path === '' || onlyStderr) return undefined;
  if (!path.startsWith('/') || path.endsWith('/') || path.includes('\0')) {
    throw wrongValue('--log_file', path, 'the absolute path of a file');
  }
  const limit = megabytes === 0 ? MEGABYTES_MAX : Math.min(megabytes, MEGABYTES_MAX);
  return { path, maxBytes: limit * MEGABYTE, mode, alsoStdout: alsoStderr };
}

/** Nobody but root and the file's group may write it, whatever is asked for. */
function readMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8) & 0o664;
  throw wrongValue('--log-perm', text, 'permissions in octal digits, like 640');
}
