/** What the kernel of this machine can do, found out by doing it in a namespace of its own. */
import { command, outcomeOf } from './command.ts';

/** Why links cannot have netem; undefined where they can. */
export async function whyNoNetem(): Promise<string | undefined> {
  const namespace = 'netem-probe';
  await command('ip', ['netns', 'add', namespace]);
  try {
    const add = ['-n', namespace, 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'];
    const { exitCode, stderr } = await outcomeOf('tc', add);
    return exitCode === 0 ? undefined : `this kernel has no netem (sch_netem): ${stderr.trim()}`;
  } finally {
    await command('ip', ['netns', 'delete', namespace]);
  }
}
