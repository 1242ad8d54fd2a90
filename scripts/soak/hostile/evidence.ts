/** What is known of a pod that has what another one has: what was asked, recorded, plugged and logged. */
import { command } from '../../../test/lab/command.ts';
import type { Stage } from './stage.ts';

/** Of the controllers' log lines about it. */
const LINES_MAX = 30;

/** For people; every line of it is somebody else's word. */
export async function evidenceOf(
  name: string,
  { api, node, candidates }: Pick<Stage, 'api' | 'node' | 'candidates'>,
): Promise<string> {
  const pod = api.list('Pod').find(({ metadata }) => metadata.name === name);
  const ips = api.list('IP').filter(({ metadata }) => metadata.name.startsWith(`${name}.`));
  const port = await node
    .nbctl('--columns=name,addresses,external_ids', 'find', 'Logical_Switch_Port')
    .catch(String);
  const ports = port.split(/\n\n+/).filter((row) => row.includes(name));
  const addresses = await command('ip', ['netns', 'list']).catch(String);
  const sandboxes = addresses.split('\n').filter((line) => line.includes(name));
  const history = candidates.logLines(name).slice(-LINES_MAX);
  const facts = { pod: pod ?? 'is gone', ips, ports, sandboxes, history };
  return Object.entries(facts)
    .map(([what, fact]) => `  ${name}, ${what}: ${JSON.stringify(fact)}`)
    .join('\n');
}
