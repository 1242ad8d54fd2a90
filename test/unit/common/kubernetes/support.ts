/**
 * A WatchCache against the fake API server, with limits so short that a test can wait for
 * them, and a logger that keeps its lines.
 */
import { EventEmitter, once } from 'node:events';
import { KubeConfig } from '@kubernetes/client-node';
import type { Change, WatchLimits } from '../../../../src/common/kubernetes/watch-cache.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import type { Logger } from '../../../../src/common/log.ts';
import { type Account, FakeApiServer } from '../../../lab/kubernetes/api.ts';

export const PODS = '/api/v1/pods';

/** Long enough for a loopback connection on a busy machine, short enough to wait for. */
export const shortLimits: WatchLimits = {
  pageSize: 500,
  listTimeoutMs: 3_000,
  watchTimeoutSeconds: 60,
  inactivityMs: 5_000,
  unaskedTimeoutSeconds: 60,
  unaskedInactivityMs: 5_000,
  steadyMs: 40,
  backoffFirstMs: 10,
  backoffMaxMs: 80,
  missingMaxMs: 80,
  unwatchedListMs: 60,
};

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export class RecordingLog implements Logger {
  readonly lines: LogLine[] = [];
  readonly #arrivals = new EventEmitter();

  info(fields: object, message: string): void {
    this.#add({ level: 'info', fields: { ...fields }, message });
  }
  warn(fields: object, message: string): void {
    this.#add({ level: 'warn', fields: { ...fields }, message });
  }
  error(fields: object, message: string): void {
    this.#add({ level: 'error', fields: { ...fields }, message });
  }

  /** Levels of all lines, in order. */
  get levels(): string[] {
    return this.lines.map(({ level }) => level);
  }

  /** Resolves when there are so many lines. */
  async waitForCount(count: number): Promise<void> {
    while (this.lines.length < count) await once(this.#arrivals, 'line');
  }

  #add(line: LogLine): void {
    this.lines.push(line);
    this.#arrivals.emit('line');
  }
}

/** What the tests keep of an object. */
export interface Kept {
  readonly name: string;
  readonly uid: string;
  readonly color: string | undefined;
}

export function project(raw: unknown): Kept {
  const { metadata } = raw as {
    metadata: { name: string; uid: string; labels?: Record<string, string> };
  };
  return { name: metadata.name, uid: metadata.uid, color: metadata.labels?.color };
}

/** @param account who asks; the administrator without it */
export function configOf(server: FakeApiServer, account?: Account): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(server.kubeconfig(account));
  return config;
}

export function pod(name: string, color = 'red') {
  const spec = { nodeName: 'node-1' };
  return { kind: 'Pod', metadata: { name, namespace: 'default', labels: { color } }, spec };
}

interface SetUpOptions {
  readonly goesUnwatched?: boolean;
  readonly limits?: Partial<WatchLimits>;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly project?: (raw: unknown) => Kept;
  readonly token?: string;
  readonly isServerUp?: () => boolean;
  /** Objects there are before the cache begins. */
  readonly pods?: readonly string[];
}

export interface SetUp extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly cache: WatchCache<Kept>;
  readonly log: RecordingLog;
  /** Changes so far, as `added default/a red`. */
  readonly changes: string[];
  /** Resolves when the cache has the pod in this color; undefined for "has it not". */
  readonly sees: (name: string, color: string | undefined) => Promise<unknown>;
}

/** A fake API server that listens, and a cache of its pods that is not started. */
export async function setUp(options: SetUpOptions = {}): Promise<SetUp> {
  const { token, limits, pods = [], ...rest } = options;
  const server = await FakeApiServer.start(token === undefined ? {} : { token });
  for (const name of pods) server.create(pod(name));
  const log = new RecordingLog();
  const config = configOf(server);
  const merged = { ...shortLimits, ...limits };
  const cache = new WatchCache({ config, path: PODS, project, log, ...rest, limits: merged });
  const changes: string[] = [];
  cache.onChange(({ type, key, value }: Change<Kept>) => {
    changes.push(`${type} ${key} ${value.color}`);
  });
  const sees = (name: string, color: string | undefined) =>
    cache.until(() => {
      if (!cache.isSynced) return undefined;
      return cache.get(`default/${name}`)?.color === color ? true : undefined;
    }, AbortSignal.timeout(4_000));
  const dispose = async () => {
    cache.stop();
    await server.close();
  };
  return { server, cache, log, changes, sees, [Symbol.asyncDispose]: dispose };
}

/** The same, started, its first list read and its watch open. */
export async function setUpStarted(options: SetUpOptions = {}): Promise<SetUp> {
  const all = await setUp(options);
  all.cache.start();
  await all.cache.synced;
  await all.server.watches.waitForCount(1);
  return all;
}

/** Resolves when a watch that is open has lasted long enough to count. */
export function steady(limits: WatchLimits = shortLimits): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, limits.steadyMs * 2));
}
