/**
 * What OVS, the kernel and the clock say about a NIC, for assertions; and ADDs that a test
 * watches while they run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect as openSocket, type Server } from 'node:net';
import { expect } from 'vitest';
import { command } from '../lab/command.ts';
import { OVS_DATABASE, type OvnNode } from '../lab/ovn-node.ts';
import {
  type CniOutcome,
  type CniResult,
  cni,
  cniEnvironment,
  cniInput,
  findExecutable,
  inSandbox,
  type NetworkConfig,
  outcomeInSandbox,
  type Sandbox,
} from '../lab/runtime.ts';
import { nodeState } from '../lab/snapshot.ts';

/** A row of OVS: maps as objects, one-element sets as the element, empty sets as null. */
export type OvsRow = Readonly<Record<string, unknown>> & {
  readonly _uuid: string;
  readonly name: string;
  readonly external_ids: Readonly<Record<string, string>>;
};

/** All rows of a table of the Open_vSwitch database. */
export async function rowsOf(node: OvnNode, table: string): Promise<OvsRow[]> {
  const { headings, data } = JSON.parse(await node.vsctl('--format=json', 'list', table));
  return data.map((values: unknown[]) =>
    Object.fromEntries(values.map((value, index) => [headings[index], plain(value)])),
  );
}

/** A value as OVSDB's JSON has it (RFC 7047, section 5.1), as it is in an OvsRow. */
export function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [kind, content] = value;
  if (kind === 'map') {
    return Object.fromEntries(content.map(([key, one]: unknown[]) => [String(key), plain(one)]));
  }
  if (kind === 'uuid') return content;
  return content.length === 0 ? null : content.map(plain);
}

export async function interfaceRow(node: OvnNode, name: string): Promise<OvsRow | undefined> {
  return (await rowsOf(node, 'Interface')).find((row) => row.name === name);
}

/** The Interface rows that ADDs of one sandbox made. */
export async function interfacesOf(node: OvnNode, sandbox: Sandbox): Promise<OvsRow[]> {
  const rows = await rowsOf(node, 'Interface');
  return rows.filter(({ external_ids }) => external_ids.container_id === sandbox.containerId);
}

/** The Interface row of one attachment. @throws Error where there is not exactly one */
export async function attachmentRow(
  node: OvnNode,
  sandbox: Sandbox,
  ifName: string,
): Promise<OvsRow> {
  const rows = await interfacesOf(node, sandbox);
  const [row, ...more] = rows.filter(({ external_ids }) => external_ids.if_name === ifName);
  if (row === undefined || more.length > 0) throw new Error(`not one row of ${ifName}`);
  return row;
}

export type Census = Awaited<ReturnType<typeof nodeState>>;

/**
 * Everything that calls may leave on the node. Not OVS's own links: it changes their MTU and MAC
 * with the ports of their bridge.
 */
export async function census(node: OvnNode): Promise<Census> {
  const state = await nodeState(node);
  const links = state.links as { ifname: string }[];
  const isOfOvs = (name: string) => /^(br-|ovs-|mirror0$)/.test(name);
  return { ...state, links: links.filter(({ ifname }) => !isOfOvs(ifname)) };
}

/** The node is as it was, except for sandboxes, which are the runtime's. */
export async function expectNode(node: OvnNode, before: Census): Promise<void> {
  const now = await census(node);
  expect({ ...now, namespaces: before.namespaces }).toEqual(before);
}

/** Resolves as soon as an Interface row of this name is there. */
export function portAppears(name: string): Promise<string> {
  return interfaceBecomes(name, `name=${name}`);
}

/** Resolves as soon as ovn-controller has marked an Interface row. */
export function flowsInstalled(name: string): Promise<string> {
  return interfaceBecomes(name, 'external_ids:ovn-installed=true');
}

function interfaceBecomes(name: string, condition: string): Promise<string> {
  const options = [`--db=${OVS_DATABASE}`, '--timeout=20', '--no-wait'];
  return command('ovs-vsctl', [...options, 'wait-until', 'Interface', name, condition]);
}

/** Kube-OVN's name of the host end. */
export function hostName({ containerId }: Sandbox, ifName: string): string {
  if (ifName === 'eth0') return `${containerId.slice(0, 12)}_h`;
  return `${containerId.slice(0, 12 - ifName.length)}_${ifName}_h`;
}

/** True where a pod gets an answer to one echo, sent now. */
export async function canPing(sandbox: Sandbox, address: string, ifName?: string) {
  const from = ifName === undefined ? [] : ['-I', ifName];
  const ping = ['ping', '-n', '-c', '1', '-W', '1', ...from, address] as const;
  return (await outcomeInSandbox(sandbox, ...ping)).exitCode === 0;
}

/** True where a pod gets an answer within 5 s: the first echo may be lost while addresses are learnt. */
export async function pings(sandbox: Sandbox, address: string, ifName?: string) {
  const from = ifName === undefined ? [] : ['-I', ifName];
  const ping = ['ping', '-n', '-c', '1', '-w', '5', ...from, address] as const;
  return (await outcomeInSandbox(sandbox, ...ping)).exitCode === 0;
}

/** A key of sysctl in a pod. */
export async function sysctl(sandbox: Sandbox, key: string): Promise<string> {
  return (await inSandbox(sandbox, 'sysctl', '-n', key)).trim();
}

/** Runs an ADD that must succeed. */
export async function mustAdd(
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
): Promise<CniResult> {
  const { exitCode, stdout, result } = await cni('ADD', sandbox, ifName, config);
  expect(exitCode, stdout).toBe(0);
  return result as CniResult;
}

/** Runs a DEL that must succeed, and say nothing. */
export async function mustDelete(
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Promise<void> {
  const { exitCode, stdout } = await cni('DEL', sandbox, ifName, config, overrides);
  expect(exitCode, stdout).toBe(0);
  expect(stdout).toBe('');
}

/** Runs an ADD that must fail. */
export async function failedAdd(
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
): Promise<CniResult> {
  const { exitCode, stdout, result } = await cni('ADD', sandbox, ifName, config);
  expect(exitCode, stdout).not.toBe(0);
  return result as CniResult;
}

/** A call that runs beside the test. */
export interface RunningCall {
  readonly outcome: Promise<CniOutcome>;
  /** Kills the executable, as a runtime does whose own time is up. */
  kill(): void;
}

/** Starts an ADD and does not wait for it. */
export function startAdd(
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
): Promise<RunningCall> {
  return startCall('ADD', sandbox, ifName, config);
}

/** Starts one verb of our executable and does not wait for it. */
export async function startCall(
  verb: string,
  sandbox: Sandbox,
  ifName: string,
  config: NetworkConfig,
): Promise<RunningCall> {
  const env = cniEnvironment(verb, sandbox, ifName);
  const child = spawn(await findExecutable('kube-ovn'), [], { env, stdio: 'pipe' });
  const startedMs = performance.now();
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.end(cniInput(config));
  const outcome = once(child, 'close').then(([exitCode]) => ({
    ...output,
    exitCode,
    ms: performance.now() - startedMs,
    result: output.stdout.trim() === '' ? undefined : JSON.parse(output.stdout),
  }));
  return { outcome, kill: () => child.kill('SIGKILL') };
}

/**
 * A relay in front of the daemon's socket: by it a test knows that a call has reached the
 * daemon, without asking the daemon.
 */
export class Tap implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  #next = Promise.withResolvers<void>();

  private constructor(path: string, target: string) {
    this.path = path;
    this.#server = createServer((caller) => {
      const daemon = openSocket(target);
      caller.on('error', () => {}).once('close', () => daemon.destroy());
      daemon.on('error', () => {}).once('close', () => caller.end());
      caller.on('data', (chunk) => daemon.write(chunk, () => this.#next.resolve()));
      daemon.on('data', (chunk) => caller.write(chunk));
    });
  }

  static async start(path: string, target: string): Promise<Tap> {
    const tap = new Tap(path, target);
    tap.#server.listen(path);
    await once(tap.#server, 'listening');
    return tap;
  }

  /** Runs `start` and resolves when a call that it makes has been passed on. */
  async passedOn<T>(start: () => Promise<T>): Promise<T> {
    this.#next = Promise.withResolvers();
    const result = await start();
    await this.#next.promise;
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
