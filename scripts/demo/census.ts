/** Counts what ADDs make. */
import { command } from '../../test/lab/command.ts';
import type { Stage } from './stage.ts';

export async function census({ node }: Pick<Stage, 'node'>): Promise<Record<string, number>> {
  const lines = async (output: Promise<string>) =>
    (await output).split('\n').filter(Boolean).length;
  const rows = (table: string) => lines(node.vsctl('--bare', '--columns=_uuid', 'list', table));
  return {
    ports: await lines(node.vsctl('list-ports', 'br-int')),
    'QoS rows': await rows('QoS'),
    'Queue rows': await rows('Queue'),
    veths: await lines(command('ip', ['-o', 'link', 'show', 'type', 'veth'])),
    namespaces: await lines(command('ip', ['netns', 'list'])),
  };
}
