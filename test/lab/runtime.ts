/**
 * Plays the runtime and Multus: makes sandboxes and runs CNI executables for them, with the
 * environment and standard input that those give.
 */
import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { command, type Outcome, outcomeOf } from './command.ts';

/** Where our executable and Debian's plugins are. */
export const CNI_PATH = `${resolve(import.meta.dirname, '../../dist')}:/usr/lib/cni`;

/** A pod's sandbox: a container id and a network namespace. */
export interface Sandbox {
  readonly containerId: string;
  readonly netns: string;
  /** Name of the namespace for ip(8). */
  readonly netnsName: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

export interface NetworkConfig {
  readonly cniVersion?: string;
  readonly name?: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface CniOutcome extends Outcome {
  /** What the executable printed, as JSON; undefined where it printed none. */
  readonly result: CniResult | undefined;
}

/** A CNI result or error object: the fields of all versions. */
export interface CniResult {
  readonly cniVersion: string;
  readonly interfaces?: readonly { name: string; mac?: string; mtu?: number; sandbox?: string }[];
  readonly ips?: readonly {
    address: string;
    gateway?: string;
    interface?: number;
    version?: string;
  }[];
  readonly routes?: readonly { dst: string; gw?: string }[];
  readonly dns?: object;
  readonly code?: number;
  readonly msg?: string;
  readonly details?: string;
}

let sandboxCount = 0;

/** Makes a network namespace with its loopback up, as runtimes do. */
export async function createSandbox(pod: Sandbox['pod']): Promise<Sandbox> {
  sandboxCount += 1;
  const netnsName = `cni-${sandboxCount}-${pod.name}`.slice(0, 60);
  await command('ip', ['netns', 'add', netnsName]);
  await command('ip', ['-n', netnsName, 'link', 'set', 'lo', 'up']);
  return {
    containerId: randomBytes(32).toString('hex'),
    netns: `/run/netns/${netnsName}`,
    netnsName,
    pod,
  };
}

export async function deleteSandbox(sandbox: Sandbox): Promise<void> {
  await command('ip', ['netns', 'delete', sandbox.netnsName]);
}

/** What containerd gives a call when kubelet asks for a sandbox; ms. */
const RUNTIME_TIMEOUT_MS = 120_000;

/**
 * Runs one verb of the executable that `config.type` names.
 * @param overrides of environment variables; undefined leaves one out
 * @param moreArgs of CNI_ARGS
 * @param executableName another executable: `kube-ovn`, as the plugin calls it for addresses
 */
export async function cni(
  verb: string,
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
  overrides: Readonly<Record<string, string | undefined>> = {},
  moreArgs: Readonly<Record<string, string>> = {},
  executableName = config.type,
): Promise<CniOutcome> {
  const env = cniEnvironment(verb, sandbox, ifName, overrides, moreArgs);
  const executable = await findExecutable(executableName);
  const outcome = await outcomeOf(executable, [], {
    env,
    input: cniInput(config),
    timeoutMs: RUNTIME_TIMEOUT_MS,
  });
  return {
    ...outcome,
    result: outcome.stdout.trim() === '' ? undefined : JSON.parse(outcome.stdout),
  };
}

/** The environment of one call; undefined among `overrides` leaves a variable out. */
export function cniEnvironment(
  verb: string,
  sandbox: Sandbox,
  ifName: string,
  overrides: Readonly<Record<string, string | undefined>> = {},
  moreArgs: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const { pod } = sandbox;
  const args = {
    IgnoreUnknown: 'true',
    K8S_POD_NAMESPACE: pod.namespace,
    K8S_POD_NAME: pod.name,
    K8S_POD_INFRA_CONTAINER_ID: sandbox.containerId,
    K8S_POD_UID: pod.uid,
    ...moreArgs,
  };
  const environment = {
    PATH: process.env.PATH,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: sandbox.containerId,
    CNI_NETNS: sandbox.netns,
    CNI_IFNAME: ifName,
    CNI_PATH,
    CNI_ARGS: Object.entries(args)
      .map(([key, value]) => `${key}=${value}`)
      .join(';'),
    ...overrides,
  };
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined));
}

/** The network configuration as a runtime writes it to standard input. */
export function cniInput(config: NetworkConfig): string {
  return JSON.stringify({ name: 'net', ...config });
}

export async function findExecutable(type: string): Promise<string> {
  for (const directory of CNI_PATH.split(':')) {
    const path = `${directory}/${type}`;
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error(`no executable ${type} in ${CNI_PATH}`);
}

/** Runs a command inside a sandbox. */
export function inSandbox(
  sandbox: Sandbox,
  file: string,
  ...args: readonly string[]
): Promise<string> {
  return command('nsenter', [`--net=${sandbox.netns}`, file, ...args]);
}

export function outcomeInSandbox(
  sandbox: Sandbox,
  file: string,
  ...args: readonly string[]
): Promise<Outcome> {
  return outcomeOf('nsenter', [`--net=${sandbox.netns}`, file, ...args]);
}
