/**
 * The log file of klog's flags, for `kubectl ko log` and whoever reads /var/log/kube-ovn on the node.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Which file the log goes to, and how much it and the one before it may hold. */
export interface LogFileSettings {
  readonly path: string;
  /** Most that the file and the one before it have together; bytes. */
  readonly maxBytes: number;
  /** Of its permissions. */
  readonly mode: number;
  /** The log goes to standard output as well. */
  readonly alsoStdout: boolean;
}

/** Behind the path: the file before. */
const BEFORE = '.1';

/**
 * Appends lines to the file. Two files together, the one before being the first's name with `.1`, are
 * never larger than `maxBytes`.
 *
 * Its folder may be another account's: in Kube-OVN's chart it is the controller's, who is not root. So
 * a symbolic link, a hard link to something else, or what is no file is not written to.
 */
export class LogFile {
  readonly #settings: LogFileSettings;
  readonly #onFailure: (error: unknown) => void;
  #descriptor: number | undefined;
  #bytes = 0;
  #isFailing = false;

  /** @param onFailure called once for each outage: when a line cannot be written, and the one before could */
  constructor(settings: LogFileSettings, onFailure: (error: unknown) => void) {
    this.#settings = settings;
    this.#onFailure = onFailure;
  }

  /** Never throws: a log that cannot be written keeps nobody from working. */
  write(line: string): void {
    try {
      const bytes = Buffer.byteLength(line);
      const descriptor = this.#forBytes(bytes);
      writeSync(descriptor, line);
      this.#bytes += bytes;
      this.#isFailing = false;
    } catch (error) {
      this.#close();
      if (!this.#isFailing) this.#onFailure(error);
      this.#isFailing = true;
    }
  }

  #forBytes(bytes: number): number {
    const { path, maxBytes } = this.#settings;
    this.#descriptor ??= this.#open();
    if (this.#bytes > 0 && this.#bytes + bytes > maxBytes / 2) {
      this.#close();
      renameSync(path, `${path}${BEFORE}`);
      this.#descriptor = this.#open();
    }
    return this.#descriptor;
  }

  #open(): number {
    const { path, mode } = this.#settings;
    mkdirSync(dirname(path), { recursive: true });
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
    const descriptor = openSync(path, flags, mode);
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.nlink !== 1) {
      closeSync(descriptor);
      throw new Error(`${path} is no file of its own: something else has its name`);
    }
    // The umask took something off; a file that was there keeps what it has.
    if (stats.size === 0) fchmodSync(descriptor, mode);
    this.#bytes = stats.size;
    return descriptor;
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
