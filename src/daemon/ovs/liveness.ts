/**
 * Whether OVS and OVN on this node work now: each program is asked itself, for as long as the
 * caller likes. What we watch does not tell: a program that hangs ends no connection.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, ToolError } from '../../common/process/run.ts';
import { messageOf } from '../../common/text.ts';
import { INTEGRATION_BRIDGE } from './port.ts';

/** Where ovn-controller has its pid file, unless OVN shares OVS's directory. */
const OVN_DIRECTORY = '/run/ovn';
/**
 * Nothing of a tool's own log, which has the time in each line, belongs in a reason. The time
 * limit (s) is for tools that have lost us; else the signal ends them.
 */
const TOOL_OPTIONS = ['-vconsole:off', '--timeout=1'];

/**
 * What does not work: a sentence for each, the same one for as long as nothing changes.
 * @param database an OVSDB remote; only beside a unix socket are OVS's programs looked for
 * @param signal ends the questions; a program that has not answered by then does not work
 */
export async function ovsFailures(database: string, signal: AbortSignal): Promise<string[]> {
  const socket = /^unix:([^,]+)/.exec(database)?.[1];
  const ovsDirectories = socket === undefined ? [] : [dirname(socket)];
  const questions = [
    askForBridge(database, signal),
    ...ovsDirectories.map((directory) => ask('ovs-vswitchd', [directory], 'version', signal)),
    askForConnection([OVN_DIRECTORY, ...ovsDirectories], signal),
  ];
  const outcomes = await Promise.allSettled(questions);
  return outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [messageOf(outcome.reason)] : [],
  );
}

/**
 * Asks by ovs-vsctl, since an ADD plugs its port by it: a tool that is missing or broken is found, too. The
 * rows of the session (session.ts) would not tell: they stay as they were while the server hangs.
 * @throws Error where OVS's database does not answer, or has no integration bridge
 */
async function askForBridge(database: string, signal: AbortSignal): Promise<void> {
  const options = [`--db=${database}`, ...TOOL_OPTIONS, '--no-wait'];
  const command = ['--', '--if-exists', 'get', 'Bridge', INTEGRATION_BRIDGE, 'name'];
  const found = await run('ovs-vsctl', [...options, ...command], { signal }).catch((error) => {
    throw new Error(`ovsdb-server does not answer: ${whyNot(error)}`);
  });
  if (found.trim() === '') throw new Error(`there is no bridge ${INTEGRATION_BRIDGE}`);
}

/** @throws Error where ovn-controller does not answer, or nothing new can reach it */
async function askForConnection(
  directories: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const state = await ask('ovn-controller', directories, 'connection-status', signal);
  if (state.trim() === 'connected') return;
  throw new Error("ovn-controller is not connected to OVN's southbound database");
}

/**
 * Runs a command of a program's control socket, whose name has its pid (ovs-appctl(8)).
 * @param directories where the program's pid file is looked for, in this order
 * @throws Error where it does not run or does not answer
 */
async function ask(
  name: string,
  directories: readonly string[],
  command: string,
  signal: AbortSignal,
): Promise<string> {
  const socket = await controlSocket(name, directories);
  return run('ovs-appctl', [...TOOL_OPTIONS, '-t', socket, command], { signal }).catch((error) => {
    throw new Error(`${name} does not answer: ${whyNot(error)}`);
  });
}

/** @throws Error where there is no pid of it in any of the directories */
export async function controlSocket(name: string, directories: readonly string[]): Promise<string> {
  const pidFiles = directories.map((directory) => join(directory, `${name}.pid`));
  for (const path of pidFiles) {
    const pid = await readFile(path, 'utf8').catch(() => '');
    if (/^\d+\s*$/.test(pid)) return join(dirname(path), `${name}.${pid.trim()}.ctl`);
  }
  throw new Error(`${name} does not run: there is no pid in ${pidFiles.join(' or ')}`);
}

function whyNot(error: unknown): string {
  return error instanceof ToolError ? error.stderr.trim() || error.message : 'it takes too long';
}
