/** What shows why OVN does not go on: its counters, connections, processes and last log lines. */
import { readFile } from 'node:fs/promises';
import { command } from '../../test/lab/command.ts';
import { NB_DATABASE, OVS_DATABASE, OVS_DIRECTORY, SB_DATABASE } from '../../test/lab/ovn-node.ts';

/** For one question; ms. */
const TIMEOUT = '--timeout=10';
/** How much of the end of a log is shown; bytes. */
const LOG_BYTES_MAX = 2_000;
const RUN_DIRECTORY = { ...process.env, OVS_RUNDIR: OVS_DIRECTORY, OVN_RUNDIR: OVS_DIRECTORY };

/** The answers of all parts, one after another; of a part that gives none, why. */
export async function stateOfOvn(): Promise<string> {
  const questions = [
    ['ovn-nbctl', `--db=${NB_DATABASE}`, TIMEOUT, 'list', 'NB_Global'],
    ['ovn-sbctl', `--db=${SB_DATABASE}`, TIMEOUT, 'list', 'SB_Global'],
    ['ovn-sbctl', `--db=${SB_DATABASE}`, TIMEOUT, 'list', 'Chassis_Private'],
    ['ovn-appctl', '-T', '10', '-t', 'ovn-northd', 'status'],
    ['ovn-appctl', '-T', '10', '-t', 'ovn-controller', 'connection-status'],
    ['ovs-vsctl', `--db=${OVS_DATABASE}`, TIMEOUT, '--no-wait', 'show'],
    ['ovs-appctl', '-T', '10', '-t', 'ovs-vswitchd', 'bridge/dump-flows', 'br-int'],
    ['ps', '-eo', 'pid,ppid,stat,etimes,wchan:20,args'],
  ] as const;
  const answers = questions.map(async ([tool, ...args]) => {
    const answer = await command(tool, args, { env: RUN_DIRECTORY }).catch(String);
    return `$ ${[tool, ...args].join(' ')}\n${answer.slice(-LOG_BYTES_MAX)}`;
  });
  const logs = ['ovn-controller', 'ovn-northd', 'ovs-vswitchd', 'sb', 'nb'].map(async (part) => {
    const text = await readFile(`${OVS_DIRECTORY}/${part}.log`, 'utf8').catch(String);
    return `${part}.log:\n${text.slice(-LOG_BYTES_MAX)}`;
  });
  const all = await Promise.all([...answers, ...logs]);
  return `OVN does not answer whether it has done all\n${all.join('\n')}`;
}
