/**
 * What the daemon's container must give it: capabilities for the tools that it runs, and a view of
 * the pods' network namespaces. Without them it starts, and no ADD can work.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CniError, tryAgain } from '../call/error.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';

/** Numbers of capabilities(7), and what needs them. */
const CAPABILITIES = [
  { name: 'NET_ADMIN', bit: 12n, use: 'to make interfaces' },
  { name: 'NET_RAW', bit: 13n, use: 'to ask gateways by ARP and ping whether they answer' },
  { name: 'SYS_ADMIN', bit: 21n, use: "to enter pods' network namespaces" },
] as const;

/** Where runtimes mount network namespaces; the second is the first on today's systems. */
const NETNS_FOLDERS = ['/run/netns', '/var/run/netns'];

const HINT =
  "change the securityContext and the volumes of this node's DaemonSet kube-ovn-cni: docs/errors.md, code 50";

/** Where the process reads about itself; tests give texts of their own. */
export interface AbilitiesOptions {
  /** Text of `/proc/self/status` and `/proc/self/mountinfo`, proc(5). */
  readonly readStatus?: () => string;
  readonly readMounts?: () => string;
}

/** What this daemon lacks of its container, for ADDs, STATUS and `/statusz`. */
export class Abilities {
  readonly #capabilities: readonly string[];
  readonly #readMounts: () => string;
  readonly #startedMs = Date.now();

  /** Capabilities are read once: a process loses none by itself. */
  constructor({
    readStatus = () => readFileSync('/proc/self/status', 'latin1'),
    readMounts = () => readFileSync('/proc/self/mountinfo', 'utf8'),
  }: AbilitiesOptions = {}) {
    this.#capabilities = missingCapabilities(readStatus());
    this.#readMounts = readMounts;
  }

  /** What is missing now; a sentence for each. */
  failures(): string[] {
    const namespaces = this.#namespacesFailure();
    return [...this.#capabilities, ...(namespaces === undefined ? [] : [namespaces])];
  }

  /**
   * For an ADD, before it makes anything.
   * @throws CniError 11 that names the capability
   */
  refuseWithout(): void {
    if (this.#capabilities.length > 0) throw tryAgain(this.#capabilities.join('; '), HINT);
  }

  /**
   * For a path that is no network namespace: an error that names the mount where that is why.
   * @throws CniError 11; `error` where the path itself is wrong
   */
  explain(netns: string, error: unknown): never {
    const [folder = ''] = realFolder(dirname(netns));
    const isOfRuntime = NETNS_FOLDERS.flatMap(realFolder).includes(folder);
    if (!(error instanceof CniError) || !isOfRuntime || !isNetnsUnmounted(netns)) throw error;
    const mount = privateMount(this.#readMounts(), folder);
    const isUnseen = mount !== undefined && (mount === folder || this.#hasOnlyUnseen(folder));
    if (!isUnseen || !existsSync(netns)) throw error;
    throw tryAgain(`${netns} is no network namespace here: ${unseen(mount)}`, HINT, error);
  }

  /**
   * A folder that is a volume without propagation gets no namespace that is made from now on. Where
   * it is part of a larger mount that is not propagated, that may be the runtime's as well: it is
   * proved by namespaces that came since the start and are only files here.
   */
  #namespacesFailure(): string | undefined {
    const mounts = this.#readMounts();
    for (const folder of new Set(NETNS_FOLDERS.flatMap(realFolder))) {
      const mount = privateMount(mounts, folder);
      if (mount === undefined) continue;
      if (mount === folder || this.#hasOnlyUnseen(folder)) {
        return `network namespaces in ${folder} cannot be seen: ${unseen(mount)}`;
      }
    }
    return undefined;
  }

  #hasOnlyUnseen(folder: string): boolean {
    const isNew = (path: string) =>
      (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0) > this.#startedMs;
    const added = readdirSync(folder)
      .map((name) => join(folder, name))
      .filter(isNew);
    return added.length > 0 && added.every(isNetnsUnmounted);
  }
}

function unseen(mount: string): string {
  return `what the runtime mounts does not reach the mount ${mount} of this daemon, which needs mountPropagation: HostToContainer`;
}

/** @param status text of `/proc/<pid>/status` */
export function missingCapabilities(status: string): string[] {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) return [];
  const effective = BigInt(`0x${digits}`);
  return CAPABILITIES.filter(({ bit }) => ((effective >> bit) & 1n) === 0n).map(
    ({ name, use }) => `this daemon has no capability ${name}, ${use}`,
  );
}

/**
 * Where the mount is that a path is on, if nothing that others mount below it reaches us.
 * @param mountinfo text of `/proc/<pid>/mountinfo`
 * @returns undefined for a mount that is shared or follows another one
 */
export function privateMount(mountinfo: string, path: string): string | undefined {
  let found: { point: string; isPrivate: boolean } | undefined;
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', , ...rest] = line.split(' ');
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of several on one point the last is on top.
    if (point === '' || !isAbove || point.length < (found?.point.length ?? 0)) continue;
    const optional = rest.slice(0, rest.indexOf('-'));
    found = { point, isPrivate: !optional.some((field) => /^(shared|master):/.test(field)) };
  }
  return found?.isPrivate ? found.point : undefined;
}

function realFolder(folder: string): string[] {
  try {
    return [realpathSync(folder)];
  } catch {
    // Before its first pod a node may have none.
    return [];
  }
}
