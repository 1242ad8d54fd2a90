/** Counts what ADDs and the controller make. */
import { command } from '../../test/lab/command.ts';
import type { Stage } from './stage.ts';

export async function census({
  node,
  api,
}: Pick<Stage, 'node' | 'api'>): Promise<Record<string, number>> {
  const lines = async (output: Promise<string>) =>
    (await output).split('\n').filter(Boolean).length;
  const columns = ['--bare', '--columns=_uuid'];
  const rows = (table: string) => lines(node.vsctl(...columns, 'list', table));
  const northbound = (table: string, ...conditions: string[]) =>
    lines(node.nbctl(...columns, 'find', table, ...conditions));
  return {
    ports: await lines(node.vsctl('list-ports', 'br-int')),
    // ovn-controller makes one of this type when there is a first tunnel, and keeps it.
    'QoS rows': await lines(node.vsctl(...columns, 'find', 'QoS', 'type!=linux-noop')),
    'Queue rows': await rows('Queue'),
    veths: await lines(command('ip', ['-o', 'link', 'show', 'type', 'veth'])),
    namespaces: await lines(command('ip', ['netns', 'list'])),
    routers: await northbound('Logical_Router'),
    switches: await northbound('Logical_Switch'),
    'switch ports': await northbound('Logical_Switch_Port'),
    // The one of all ports with a SecurityGroup comes with the first of them, and stays.
    'port groups': await northbound('Port_Group', 'name!=ovn.sg.kubeovn_deny_all'),
    'address sets': await northbound('Address_Set'),
    IPs: api.list('IP').length,
    Subnets: api.list('Subnet').length,
    Vpcs: api.list('Vpc').length,
  };
}
