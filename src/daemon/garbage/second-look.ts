/**
 * Ports whose link is gone while the namespace of their sandbox is still there: the interface was
 * deleted in the pod, or the runtime is just taking the sandbox down. OVS reports nothing more about
 * them, so their namespaces are watched, and they are looked at again after pauses that grow, for
 * namespaces that no watch reaches (a mount that is taken away leaves its file).
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/** The first pause and the longest one; ms. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 60_000;
/** Runtimes keep their namespaces in one folder: more are a mistake. */
const FOLDERS_MAX = 8;

/**
 * Calls `look` when something happens in the folders of the namespaces, and after pauses of 0.5 s to 60 s, as
 * long as there are any to wait for.
 */
export class SecondLook {
  readonly #look: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = PAUSE_MS_MIN;
  #waited = '';

  /** @param look is called when something may have changed */
  constructor(look: () => void) {
    this.#look = look;
  }

  /** What is to be looked at again: paths of network namespaces; none ends it. */
  at(paths: readonly string[]): void {
    const waited = [...paths].sort().join();
    if (waited !== this.#waited) this.#pauseMs = PAUSE_MS_MIN;
    this.#waited = waited;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watch(new Set(paths.map(dirname)));
    if (paths.length === 0) return;
    this.#timer = setTimeout(this.#look, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
  }

  stop(): void {
    this.at([]);
  }

  #watch(folders: ReadonlySet<string>): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.#watchers.has(folder) || this.#watchers.size >= FOLDERS_MAX) continue;
      // A folder that is gone, or a node whose inotify instances are used up: the pauses are left.
      try {
        const watcher = watch(folder, this.#look);
        watcher.on('error', () => this.#watchers.delete(folder));
        this.#watchers.set(folder, watcher);
      } catch {
        return;
      }
    }
  }
}
