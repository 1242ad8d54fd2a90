/** Which change has provider networks, Vlans and the Subnets on them worked on. */
import { describe, expect, it } from 'vitest';
import { frontSubnet, ipOf } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { setUpKinds } from '../kinds-set-up.ts';

describe('a provider network', () => {
  const DOMAIN = 'physnet.provider-network.kubernetes.io';
  const network = (name: string) => kubeOvn('ProviderNetwork', name, { defaultInterface: 'eth1' });
  const vlan = (name: string, id: number, provider = 'physnet') =>
    kubeOvn('Vlan', name, { id, provider });
  const node = { kind: 'Node', metadata: { name: 'a' } };
  const agent = (metadata: object = {}) => ({
    kind: 'Pod',
    metadata: {
      name: 'agent',
      namespace: 'kube-system',
      labels: { app: 'kube-ovn-cni' },
      ...metadata,
    },
    spec: { nodeName: 'a', hostNetwork: true },
  });
  const ofNetworks = (asked: readonly string[]) =>
    asked.filter((each) => each.startsWith('providerNetworks '));

  it('has its Subnets worked on when it comes, and when it lists another Vlan', async () => {
    const all = setUpKinds([vlan('red', 7), frontSubnet({ vlan: 'red' })]);
    const came = await all.after(() => all.fake.create(network('physnet')));
    expect(came.asked).toEqual(['providerNetworks physnet', 'subnets front']);
    const listed = { status: { vlans: ['red'] } };
    const { asked } = await all.afterPatch('ProviderNetwork', 'physnet', listed);
    expect(asked).toEqual(['providerNetworks physnet', 'subnets front']);
    const other = await all.afterPatch('ProviderNetwork', 'physnet', { status: { ready: true } });
    expect(other.asked).toEqual(['providerNetworks physnet']);
  });

  it('is worked on when one of its Vlans comes, moves or goes, and no other is', async () => {
    const all = setUpKinds([network('physnet'), network('other'), network('third')]);
    const came = await all.after(() => all.fake.create(vlan('red', 7)));
    expect(ofNetworks(came.asked)).toEqual(['providerNetworks physnet']);
    const moved = await all.afterPatch('Vlan', 'red', { spec: { provider: 'other' } });
    expect(ofNetworks(moved.asked)).toEqual(['providerNetworks other', 'providerNetworks physnet']);
    const gone = await all.after(() => all.fake.delete('Vlan', 'red'));
    expect(ofNetworks(gone.asked)).toEqual(['providerNetworks other']);
    const wrote = await all.after(() => all.fake.create(vlan('blue', 8, 'third')));
    expect(ofNetworks(wrote.asked)).toEqual(['providerNetworks third']);
    const noted = await all.afterPatch('Vlan', 'blue', { status: { subnets: ['front'] } });
    expect(noted.asked).toEqual(['vlans blue']);
  });

  it('is worked on when a node gets or loses a label, and not for its heartbeat', async () => {
    const all = setUpKinds([network('physnet'), node]);
    const labels = { [`${DOMAIN}/ready`]: 'true' };
    const { asked } = await all.afterPatch('Node', 'a', { metadata: { labels } });
    expect(asked).toEqual(['providerNetworks physnet']);
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: 'now' }];
    const beat = await all.afterPatch('Node', 'a', { status: { conditions } });
    expect(beat.asked).toEqual([]);
  });

  it('is worked on when a daemon says what is wrong, and for no other pod', async () => {
    const all = setUpKinds([network('physnet'), node, agent()]);
    const annotations = { [`${DOMAIN}/err_mesg`]: 'nic eth1 does not exist' };
    const said = await all.afterPatch('Pod', 'kube-system/agent', { metadata: { annotations } });
    expect(ofNetworks(said.asked)).toEqual(['providerNetworks physnet']);
    const other = { 'example.kubernetes.io/other': 'x' };
    const same = await all.afterPatch('Pod', 'kube-system/agent', {
      metadata: { annotations: other },
    });
    expect(ofNetworks(same.asked)).toEqual([]);
    const strange = agent({ namespace: 'shop', annotations });
    expect(ofNetworks((await all.after(() => all.fake.create(strange))).asked)).toEqual([]);
  });

  it('has a Vlan looked at again when the one in conflict with it goes', async () => {
    const all = setUpKinds([vlan('red', 7), vlan('first', 7), vlan('blue', 8)]);
    const { asked } = await all.after(() => all.fake.delete('Vlan', 'first'));
    expect(asked).toEqual(['vlans first', 'vlans red']);
  });

  it('has a Subnet with a leg of the router worked on when its record changes, or a node’s address', async () => {
    const leg = 'u2o-interconnection.ovn-cluster.front';
    const record = kubeOvn(
      'IP',
      leg,
      { podName: leg, namespace: 'default', subnet: 'front', v4IpAddress: '10.1.0.2' },
      { finalizers: ['kubeovn.io/kube-ovn-controller'] },
    );
    const joined = frontSubnet({ vlan: 'red', u2oInterconnection: true });
    const all = setUpKinds([network('physnet'), vlan('red', 7), joined, node]);
    const made = await all.after(() => all.fake.create(record));
    expect(made.asked).toContain('subnets front');
    const edited = await all.afterPatch('IP', leg, { metadata: { labels: { a: 'b' } } });
    expect(edited.asked).toContain('subnets front');
    const addresses = [{ type: 'InternalIP', address: '192.0.2.9' }];
    const moved = await all.afterPatch('Node', 'a', { status: { addresses } });
    expect(moved.asked).toEqual(['subnets front']);
    const leased = { u2oInterconnectionIP: '10.1.0.2' };
    const said = await all.afterPatch('Subnet', 'front', { status: leased });
    expect(said.asked).toContain('vpcs ovn-cluster');
  });

  it('has a Subnet without load balancers know on which nodes its pods are, and the router the nodes', async () => {
    const spec = { vlan: 'red', u2oInterconnection: true, enableLb: false };
    const all = setUpKinds([network('physnet'), vlan('red', 7), frontSubnet(spec)]);
    const came = await all.after(() => all.fake.create(ipOf('web', '10.1.0.3')));
    expect(came.asked).toContain('subnets front');
    const leg = kubeOvn('IP', 'node-a', { podName: 'node-a', v4IpAddress: '100.64.0.2' });
    const joined = await all.after(() => all.fake.create(leg));
    expect(joined.asked).toContain('vpcs ovn-cluster');
    const added = await all.after(() => all.fake.create(node));
    expect(added.asked).toEqual(expect.arrayContaining(['subnets front', 'vpcs ovn-cluster']));
  });

  it('has a Vlan say which Subnets are in it', async () => {
    const all = setUpKinds([vlan('red', 7), vlan('blue', 8), frontSubnet({ vlan: 'red' })]);
    const { asked } = await all.afterPatch('Subnet', 'front', { spec: { vlan: 'blue' } });
    expect(asked).toEqual(expect.arrayContaining(['vlans blue', 'vlans red']));
  });
});
