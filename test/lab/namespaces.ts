/**
 * Private namespaces for a lab: network, mounts and processes. Whatever runs inside leaves the
 * machine as it was, also when it is killed: the kernel ends every process and drops every
 * mount and link with the namespaces.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';

const MARK = 'KUBE_OVN_LAB';

/** True inside private namespaces. */
export function isInside(): boolean {
  return process.env[MARK] === '1';
}

/** argv that runs a command inside new private namespaces. */
export function insideCommand(command: readonly string[]): string[] {
  const options = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  return ['unshare', ...options, '--', ...command];
}

/** Environment for a command inside. */
export function insideEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [MARK]: '1' };
}

/** Runs this script again inside private namespaces, with its arguments and its terminal. */
export function runSelfInside(): SpawnSyncReturns<Buffer> {
  const [file = '', ...args] = insideCommand([process.execPath, ...process.argv.slice(1)]);
  return spawnSync(file, args, { stdio: 'inherit', env: insideEnvironment() });
}

/** Says what is missing for private namespaces, or undefined. */
export function whyNotInside(): string | undefined {
  if (process.getuid?.() !== 0)
    return 'root: it makes network namespaces and runs Open vSwitch in them';
  return undefined;
}
