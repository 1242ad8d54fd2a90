/**
 * A containerd of our own, with Debian's ctr and runc: its folders and its socket are in a folder that
 * the caller names. It runs containers as a kubelet would have it run them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command, type Outcome, outcomeOf } from '../../test/lab/command.ts';

const NAMESPACE = 'k8s.io';

/** What a container of a pod is given. */
export interface ContainerSpec {
  readonly name: string;
  /** Command and arguments, the image's ENTRYPOINT included where that counts. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Devices of the host that it may open, by path; none where nothing is said. */
  readonly devices?: readonly string[];
  /** Whether it sees the host's processes, or only its own. */
  readonly sharesProcesses: boolean;
  readonly privileged: boolean;
  readonly user: number;
  readonly readOnly: boolean;
  /** Added to the runtime's own, or to none where `dropsAll`. */
  readonly capabilities: readonly string[];
  readonly dropsAll: boolean;
  readonly allowsNewPrivileges: boolean;
  readonly memoryBytes: number;
}

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
  /** `rslave` where the host's later mounts are to be seen. */
  readonly propagation: 'rprivate' | 'rslave';
}

/** What containerd 1.6 gives a container that asks for nothing (oci.defaultUnixCaps). */
const DEFAULT_CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP',
  'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE',
]; // biome-ignore format: a table

/** runtime-spec, as far as it is changed here. */
interface OciSpec {
  readonly process: object;
  readonly root: object;
}

/** Options of `ctr run` and `ctr containers create`. */
function optionsOf(spec: ContainerSpec): string[] {
  const capability = (flag: string) => (name: string) => [flag, `CAP_${name}`];
  const dropped = spec.dropsAll ? DEFAULT_CAPABILITIES : [];
  const security = spec.privileged
    ? ['--privileged']
    : [
        '--seccomp',
        ...dropped
          .filter((name) => !spec.capabilities.includes(name))
          .flatMap(capability('--cap-drop')),
        ...spec.capabilities.flatMap(capability('--cap-add')),
      ];
  return [
    '--net-host',
    ...(spec.sharesProcesses ? ['--with-ns', 'pid:/proc/1/ns/pid'] : []),
    ...(spec.devices ?? []).flatMap((path) => ['--device', path]),
    ...security,
    ...['--memory-limit', `${spec.memoryBytes}`],
    ...(spec.readOnly ? ['--read-only'] : []),
    ...(spec.allowsNewPrivileges ? ['--allow-new-privs'] : []),
    ...spec.mounts.flatMap(({ from, to, readOnly, propagation }) => [
      '--mount',
      `type=bind,src=${from},dst=${to},options=rbind:${readOnly ? 'ro' : 'rw'}:${propagation}`,
    ]),
    ...Object.entries(spec.environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ];
}

export class Containerd implements AsyncDisposable {
  readonly #address: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #mounted: string[] = [];
  #count = 0;

  private constructor(folder: string, address: string, process: ChildProcess) {
    this.#folder = folder;
    this.#address = address;
    this.#process = process;
  }

  static async start(folder: string): Promise<Containerd> {
    const address = join(folder, 'c.sock');
    const config = [
      'version = 2',
      `root = "${folder}/root"`,
      `state = "${folder}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `  address = "${address}"`,
      '[ttrpc]',
      `  address = "${address}.ttrpc"`,
    ];
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.toml'), config.join('\n'));
    const args = ['-c', join(folder, 'config.toml'), '-l', 'error'];
    const log = openSync(join(folder, 'log'), 'a');
    const child = spawn('containerd', args, { stdio: ['ignore', 'ignore', log] });
    closeSync(log);
    await appears(address);
    return new Containerd(folder, address, child);
  }

  /** @returns the image's name here */
  async import(archive: string): Promise<string> {
    await this.ctr('images', 'import', archive);
    const [name] = (await this.ctr('images', 'list', '-q')).trim().split('\n');
    if (name === undefined) throw new Error(`${archive} has no image with a name`);
    return name;
  }

  ctr(...args: readonly string[]): Promise<string> {
    return command('ctr', this.#words(args), { timeoutMs: 300_000 });
  }

  /** Runs a container to its end. */
  async run(image: string, spec: ContainerSpec): Promise<Outcome> {
    const { words } = await this.#runWords(image, spec);
    return await outcomeOf('ctr', this.#words(words), { timeoutMs: 120_000 });
  }

  /** Starts a container that stays. */
  async start(image: string, spec: ContainerSpec): Promise<RunningContainer> {
    const { id, words } = await this.#runWords(image, spec);
    const child = spawn('ctr', this.#words(words), { stdio: ['ignore', 'pipe', 'pipe'] });
    return new RunningContainer(this, id, child);
  }

  #words(args: readonly string[]): string[] {
    return ['-a', this.#address, '-n', NAMESPACE, ...args];
  }

  /** ctr has no option for a user: where that is another than root, it is written into ctr's own spec. */
  async #runWords(image: string, spec: ContainerSpec): Promise<{ id: string; words: string[] }> {
    this.#count += 1;
    const id = `${spec.name}-${this.#count}`;
    const words = [...optionsOf(spec), image, id];
    if (spec.user === 0) return { id, words: ['run', '--rm', ...words, ...spec.argv] };
    await this.ctr('containers', 'create', ...words);
    const info = JSON.parse(await this.ctr('containers', 'info', id)) as { Spec: OciSpec };
    await this.ctr('containers', 'delete', id);
    const folder = join(this.#folder, id);
    mkdirSync(join(folder, 'rootfs'), { recursive: true });
    await this.ctr('images', 'mount', '--rw', image, join(folder, 'rootfs'));
    this.#mounted.push(join(folder, 'rootfs'));
    const { process, root, ...rest } = info.Spec;
    const user = { uid: spec.user, gid: spec.user };
    const path = join(folder, 'rootfs');
    const changed = {
      ...rest,
      process: { ...process, user, args: spec.argv },
      root: { ...root, path },
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(changed));
    return { id, words: ['run', '--rm', '--config', join(folder, 'config.json'), id] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#mounted) await command('umount', [folder]);
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await gone;
  }
}

/** A container that runs, and its log. */
export class RunningContainer {
  readonly log: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #containerd: Containerd;
  readonly #id: string;
  readonly #child: ChildProcess;

  constructor(containerd: Containerd, id: string, child: ChildProcess) {
    this.#containerd = containerd;
    this.#id = id;
    this.#child = child;
    this.ended = once(child, 'close').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log.push(...text.trimEnd().split('\n'));
        child.emit('log');
      });
    }
  }

  /** @throws Error with its log where the container ends first */
  async logged(text: string): Promise<void> {
    while (!this.log.some((line) => line.includes(text))) {
      const first = await Promise.race([once(this.#child, 'log'), this.ended]);
      if (!Array.isArray(first)) {
        throw new Error(`${this.#id} ended with ${first}:\n${this.log.join('\n')}`);
      }
    }
  }

  /** What `kubectl exec` does. */
  async exec(argv: readonly string[]): Promise<string> {
    return await this.#containerd.ctr(
      ...['tasks', 'exec', '--exec-id', `exec-${Math.random().toString(36).slice(2)}`],
      ...[this.#id, ...argv],
    );
  }

  /** What the kubelet does first. @returns the exit code, and after how long; ms */
  async terminate(): Promise<{ code: number | null; ms: number }> {
    const startedMs = performance.now();
    await this.#containerd.ctr('tasks', 'kill', '-s', 'SIGTERM', this.#id);
    return { code: await this.ended, ms: performance.now() - startedMs };
  }
}

async function appears(path: string): Promise<void> {
  const watcher = watch(dirname(path));
  try {
    while (!existsSync(path)) await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}
