/** The lab's physical network: what other tests of provider networks rely on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, outcomeOf } from '../lab/command.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import { type Machine, makeProviderBridge, readyCard, Wire } from '../lab/wire.ts';

let node: OvnNode;
let wire: Wire;
let untagged: Machine;
let tagged: Machine;
beforeAll(async () => {
  node = await OvnNode.start();
  wire = await Wire.start();
  await wire.card('eth1');
  await readyCard('eth1');
  await command('ip', ['address', 'add', '192.0.2.10/24', 'dev', 'eth1']);
  untagged = await wire.machine({ name: 'untagged', vlan: 0, addresses: ['192.0.2.1/24'] });
  tagged = await wire.machine({ name: 'vlan100', vlan: 100, addresses: ['192.0.2.1/24'] });
});
afterAll(async () => {
  await wire.stop();
  await node.stop();
});

/** What became of some echoes of a machine. */
async function echo(machine: Machine, address: string): Promise<string> {
  const ping = ['ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', address];
  return (await outcomeOf('ip', ['netns', 'exec', machine.name, ...ping])).stdout;
}

describe('a network card on the wire', () => {
  test('reaches machines of its VLAN, and no others', async () => {
    expect(await echo(untagged, '192.0.2.10')).toContain(' 3 received');
    expect(await echo(tagged, '192.0.2.10')).toContain(' 0 received');
  });

  test("answers once for a node's address, also where a bridge has it", async () => {
    await makeProviderBridge(node, { network: 'wire', nic: 'eth1' });
    await command('ip', ['address', 'add', '192.0.2.10/24', 'dev', 'br-wire']);
    await command('ip', ['address', 'delete', '192.0.2.10/24', 'dev', 'eth1']);
    const answers = await echo(untagged, '192.0.2.10');
    expect(answers).toContain(' 3 received');
    expect(answers).not.toContain('duplicates');
    // And back, as a removal does.
    await command('ip', ['address', 'add', '192.0.2.10/24', 'dev', 'eth1']);
    await node.vsctl('del-br', 'br-wire');
    await node.switchDone();
    expect(await echo(untagged, '192.0.2.10')).toContain(' 3 received');
  });
});
