import { describe, expect, it } from 'vitest';
import { parseMap, withEntry } from '../../../../../src/daemon/node/provider/names-map.ts';
import {
  bridgeCommands,
  cardCommands,
  type FoundBridge,
  type FoundPort,
  heldVlans,
  mappingCommands,
  unmappingCommands,
  type WantedBridge,
} from '../../../../../src/daemon/node/provider/ovs-bridge.ts';

const MAC = '02:00:00:00:00:01';
const random = () => '02:00:00:00:00:99';

function wanted(more: Partial<WantedBridge> = {}): WantedBridge {
  return {
    ...{ network: 'net1', name: 'br-net1', card: 'eth1', datapathType: 'netdev' },
    ...{ exchangesNames: false, macLearningFallback: false, mac: MAC, trunks: [0, 100] },
    ...{ mtu: 1500, vlans: [] },
    ...more,
  };
}

function port(name: string, more: Partial<FoundPort> = {}): FoundPort {
  const plain = { type: '', tag: undefined, trunks: [], mac: undefined, vlanSource: undefined };
  return { name, isOurs: true, mtu: 1500, ...plain, ...more };
}

function found(more: Partial<FoundBridge> = {}): FoundBridge {
  return {
    name: 'br-net1',
    datapathType: 'netdev',
    externalIds: { vendor: 'kube-ovn', 'exchange-link-name': 'false' },
    otherConfig: { hwaddr: MAC, 'mac-learning-fallback': 'false' },
    ...{ mtu: 1500, ports: [] },
    ...more,
  };
}

describe('MTUs in a bridge', () => {
  const plain = { name: 'eth1.10', id: 10, port: 'br-net1-vlan10' };
  const small = { name: 'eth1.20', id: 20, port: 'br-net1-vlan20', mtu: 1400 };
  const ports = [plain, small].map(({ name, id, port: vlanPort }) =>
    port(vlanPort, { tag: id, vlanSource: name, mac: MAC }),
  );
  const commands = (wants: WantedBridge, there: FoundBridge | undefined) =>
    bridgeCommands(wants, there, random).filter((word) => word.startsWith('mtu_request'));

  it('are left to OVS where VLAN interfaces have that of the card', () => {
    expect(commands(wanted({ vlans: [plain] }), undefined)).toEqual([]);
  });

  it('are those of the card and of each VLAN interface where one has its own', () => {
    const asked = ['mtu_request=1500', 'mtu_request=1500', 'mtu_request=1400'];
    expect(commands(wanted({ vlans: [plain, small] }), undefined)).toEqual(asked);
    expect(commands(wanted({ vlans: [plain, small] }), found({ ports }))).toEqual(asked);
  });

  it('are kept where they are so, also when the kernel has the VLAN interface no more', () => {
    const [one, two] = ports;
    if (one === undefined || two === undefined) throw new Error('two ports');
    const there = found({ ports: [one, { ...two, mtu: 1400 }] });
    expect(heldVlans(there)).toEqual([plain, small]);
    expect(commands(wanted({ vlans: heldVlans(there) }), there)).toEqual([]);
  });
});

describe('the commands for a bridge', () => {
  it('make one that is missing, with its marks', () => {
    expect(bridgeCommands(wanted(), undefined, random)).toEqual([
      ...['--', '--may-exist', 'add-br', 'br-net1', '--', 'set', 'Bridge', 'br-net1'],
      ...['datapath_type="netdev"', 'other_config:mac-learning-fallback="false"'],
      ...[`other_config:hwaddr="${MAC}"`, 'external_ids:vendor="kube-ovn"'],
      'external_ids:exchange-link-name="false"',
    ]);
  });

  it('are none where it is as it is to be', () => {
    expect(bridgeCommands(wanted(), found(), random)).toEqual([]);
  });

  it('change what differs, and nothing else', () => {
    const other = found({ otherConfig: { hwaddr: MAC, 'mac-learning-fallback': 'false', x: 'y' } });
    expect(bridgeCommands(wanted({ macLearningFallback: true }), other, random)).toEqual([
      ...['--', 'set', 'Bridge', 'br-net1', 'other_config:mac-learning-fallback="true"'],
    ]);
  });

  it('leave a bridge that does not take the MAC of its card the one that it has, or a random one', () => {
    expect(bridgeCommands(wanted({ mac: undefined }), found(), random)).toEqual([]);
    expect(bridgeCommands(wanted({ mac: undefined }), undefined, random)).toContain(
      `other_config:hwaddr="${random()}"`,
    );
  });

  it('make the ports of VLAN interfaces, with the MAC of the card, and mend those that are wrong', () => {
    const vlans = [{ name: 'eth1.10', id: 10, port: 'br-net1-vlan10' }];
    const commands = [
      ...['--', '--may-exist', 'add-port', 'br-net1', 'br-net1-vlan10', 'tag=10'],
      ...['--', 'set', 'Port', 'br-net1-vlan10', 'tag=10', 'external_ids:vendor="kube-ovn"'],
      'external_ids:provider-vlan-interface="eth1.10"',
      ...['--', 'set', 'Interface', 'br-net1-vlan10', 'type=internal', `mac="${MAC}"`],
    ];
    const right = port('br-net1-vlan10', { tag: 10, vlanSource: 'eth1.10', mac: MAC });
    const commandsFor = (ports: FoundPort[]) =>
      bridgeCommands(wanted({ vlans }), found({ ports }), random);
    expect(commandsFor([])).toEqual(commands);
    expect(commandsFor([right])).toEqual([]);
    expect(commandsFor([{ ...right, tag: 11 }])).toEqual(commands);
  });
});

describe('the commands for the port of a card', () => {
  it('add it with its VLANs and its mark', () => {
    expect(cardCommands(wanted(), found())).toEqual([
      ...['--', '--may-exist', 'add-port', 'br-net1', 'eth1'],
      ...['--', 'set', 'Port', 'eth1', 'trunks=0,100', 'external_ids:vendor="kube-ovn"'],
    ]);
  });

  it('are none where it is there with these VLANs, and ours', () => {
    const ports = [port('eth1', { trunks: [0, 100] })];
    expect(cardCommands(wanted(), found({ ports }))).toEqual([]);
    const foreign = [port('eth1', { trunks: [0, 100], isOurs: false })];
    expect(cardCommands(wanted(), found({ ports: foreign }))).not.toEqual([]);
    expect(cardCommands(wanted({ trunks: [0] }), found({ ports }))).not.toEqual([]);
  });
});

describe("OVN's maps", () => {
  const ids = {
    'ovn-bridge-mappings': 'other:br-other,net1:br-old',
    'ovn-chassis-mac-mappings': 'other:02:00:00:00:00:05',
  };

  it('get the entries of a bridge, and keep those of others', () => {
    expect(mappingCommands(wanted(), ids, random)).toEqual([
      ...['--', 'set', 'Open_vSwitch', '.'],
      'external_ids:ovn-bridge-mappings="other:br-other,net1:br-net1"',
      `external_ids:ovn-chassis-mac-mappings="other:02:00:00:00:00:05,net1:${random()}"`,
    ]);
  });

  it('are left alone where the entries are there: a MAC stays the one that was drawn first', () => {
    const right = {
      'ovn-bridge-mappings': 'net1:br-net1',
      'ovn-chassis-mac-mappings': 'net1:02:00:00:00:00:07',
    };
    expect(mappingCommands(wanted(), right, random)).toEqual([]);
  });

  it('lose the entries of a bridge that goes, and are removed with the last one', () => {
    const both = { ...ids, 'ovn-chassis-mac-mappings': 'net1:02:00:00:00:00:07' };
    expect(unmappingCommands('net1', both)).toEqual([
      ...['--', 'set', 'Open_vSwitch', '.', 'external_ids:ovn-bridge-mappings="other:br-other"'],
      ...['--', 'remove', 'Open_vSwitch', '.', 'external_ids', 'ovn-chassis-mac-mappings'],
    ]);
    expect(unmappingCommands('net9', ids)).toEqual([]);
  });

  it('are texts of keys and values, of which a value may have colons', () => {
    expect([...parseMap('a:b,c:02:00:00:00:00:01,,d')]).toEqual([
      ['a', 'b'],
      ['c', '02:00:00:00:00:01'],
      ['d', ''],
    ]);
    expect(withEntry('a:b,d', 'c', 'x')).toBe('a:b,d,c:x');
    expect(withEntry(undefined, 'c', 'x')).toBe('c:x');
  });
});
