import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter } from '../../../../src/controller/kinds/vpc/router-plan.ts';
import type { DriftChange } from '../../../../src/controller/ovn/drift-tables.ts';
import {
  address,
  cidr,
  groupOf,
  MAC,
  portOf,
  routerOf,
  ruleOf,
} from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from './database.ts';
import {
  applyNetwork,
  applyPod,
  group,
  PORT,
  pod,
  subnet,
  told,
  vpc,
  watched,
} from './drift-support.ts';

async function uuidOf(database: NbDatabase, table: string, ...where: readonly string[]) {
  const columns = ['--bare', '--columns=_uuid', 'find', table, ...where];
  return (await database.by(...columns)).split('\n')[0] ?? '';
}

describe('drift of a pod', () => {
  it('is told when its port is removed', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await applyPod(database);
    const watching = await watched(database);
    await database.by('lsp-del', PORT);
    await told(watching, pod());
  });

  it('is told when an address, a mark or port security of its port is changed', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await applyPod(database);
    const watching = await watched(database);
    await database.by('lsp-set-addresses', PORT, `${MAC} 10.1.0.99`);
    await told(watching, pod());
    await database.by('lsp-set-port-security', PORT, MAC);
    await told(watching, pod(), pod());
    await database.by('set', 'Logical_Switch_Port', PORT, 'external_ids:security_groups=none');
    await told(watching, pod(), pod(), pod());
  });

  it('is told of the pod that a port is taken from, and of the one that it is given to', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await applyPod(database);
    const watching = await watched(database);
    await database.by('set', 'Logical_Switch_Port', PORT, 'external_ids:pod=shop/web-1');
    await told(watching, pod(), pod('shop/web-1'));
    await database.by('remove', 'Logical_Switch_Port', PORT, 'external_ids', 'pod');
    await told(watching, pod(), pod('shop/web-1'), pod('shop/web-1'), subnet());
    await database.by('lsp-del', PORT);
    await told(watching, pod(), pod('shop/web-1'), pod('shop/web-1'), subnet(), subnet());
  });

  it('is told when the mark goes and when it comes back, and of nothing in between', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await applyPod(database);
    const watching = await watched(database);
    await database.by('remove', 'Logical_Switch_Port', PORT, 'external_ids', 'vendor');
    await told(watching, pod());
    await database.by('lsp-set-addresses', PORT, 'unknown');
    await database.by('set', 'Logical_Switch_Port', PORT, 'external_ids:vendor=kube-ovn');
    await told(watching, pod(), pod());
  });

  it('is told whatever the pod is called', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    const port = portOf('', { name: 'p', subnet: 's' });
    await database.apply((state) => planSwitch(state, { name: 's', dhcp: [], acls: [] }));
    const key = 'a/{"b": [1]}\n\u{1F600}found: \\';
    await database.apply((state) => planPod(state, key, [port]));
    await database.by('lsp-del', 'p');
    await told(watching, pod(key));
  });

  it('is told once for all that one transaction does to it, and for each pod', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    const watching = await watched(database);
    const keys = Array.from({ length: 50 }, (_, index) => `shop/web-${index}`);
    for (const key of keys) {
      const ports = ['one', 'two'].map((nic) => portOf('10.1.0.5', { name: `${nic}.${key}` }));
      await database.apply((state) => planPod(state, key, ports));
    }
    const damage = keys.flatMap((key) => [
      ...['--', 'lsp-del', `one.${key}`],
      ...['--', 'lsp-set-addresses', `two.${key}`, 'unknown'],
    ]);
    await database.by(...damage);
    await expect.poll(() => watching.changes.length).toBe(keys.length);
    expect(new Set(watching.changes)).toEqual(new Set(keys.map((key) => pod(key))));
  });
});

describe('drift of other objects', () => {
  it('is told for each kind of row, when it goes', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    // All rows come while they are watched, and none of that is told; nor is what others do.
    await applyNetwork(database);
    await applyPod(database);
    const expected: DriftChange[] = [];
    const damage = async (words: readonly string[], ...changes: readonly DriftChange[]) => {
      await database.by(...words);
      expected.push(...changes);
      await told(watching, ...expected);
    };
    await damage(['lr-route-del', 'tenant'], vpc());
    await damage(['lr-policy-del', 'tenant'], vpc());
    await damage(['lsp-del', 'front-tenant'], subnet());
    await damage(['set', 'Logical_Switch_Port', 'localnet.front', 'tag=9'], subnet());
    await damage(['lsp-del', 'localnet.front'], subnet());
    await damage(['lrp-del', 'tenant-front'], subnet());
    await damage(['acl-del', 'front'], subnet(), group('front'));
    await damage(['destroy', 'DHCP_Options', await uuidOf(database, 'DHCP_Options')], subnet());
    await damage(['destroy', 'Address_Set', 'ovn.sg.a.b.associated.v6'], group());
    await damage(['lr-del', 'tenant'], vpc());
    await damage(['clear', 'Port_Group', 'ovn.sg.a.b', 'acls'], subnet('ovn.sg.a.b'), group());
    await damage(['destroy', 'Port_Group', 'ovn.sg.a.b'], group());
    await damage(['lsp-del', PORT], pod());
    await damage(['ls-del', 'front'], subnet());
  });

  it('is told for each kind of row, when it is changed', async () => {
    const database = await startDatabase();
    const watching = await watched(database);
    await applyNetwork(database);
    await applyPod(database);
    const expected: DriftChange[] = [];
    const set = async (
      table: string,
      row: string,
      column: string,
      ...changes: readonly DriftChange[]
    ) => {
      await database.by('set', table, row, column);
      expected.push(...changes);
      await told(watching, ...expected);
    };
    const only = (table: string) => uuidOf(database, table);
    await set('Logical_Switch', 'front', 'name=back', subnet(), subnet('back'));
    await set('Logical_Switch', 'back', 'name=front', subnet('back'), subnet());
    await set('Logical_Router', 'tenant', 'options:always_learn_from_arp_request=true', vpc());
    await set('Logical_Router_Port', 'tenant-front', 'networks=10.9.0.1/24', subnet());
    await set('Logical_Switch_Port', 'localnet.front', 'options:network_name=other', subnet());
    const route = await only('Logical_Router_Static_Route');
    await set('Logical_Router_Static_Route', route, 'nexthop=10.1.0.9', { kind: 'vpcs' });
    const policy = await only('Logical_Router_Policy');
    await set('Logical_Router_Policy', policy, 'action=allow', { kind: 'vpcs' });
    await set('DHCP_Options', await only('DHCP_Options'), 'options:mtu=1', subnet());
    await set('Address_Set', 'ovn.sg.a.b.associated.v4', 'external_ids:sg=c', group());
    await set('Port_Group', 'ovn.sg.a.b', 'external_ids:type=x', group());
    const acl = await uuidOf(database, 'ACL', 'external_ids:parent=front');
    await set('ACL', acl, 'action=allow', subnet(), group('front'));
  });

  it('is told for routes and policies that others put on a router', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    const watching = await watched(database);
    await database.by('lr-route-add', 'tenant', '10.8.0.0/16', '10.1.0.9');
    await told(watching, vpc());
    await database.by('lr-policy-add', 'tenant', '10', 'ip4', 'drop');
    await told(watching, vpc(), vpc());
  });
});

describe('drift of sets for interconnections', () => {
  it('is told of the object that they are of, members included', async () => {
    const database = await startDatabase();
    const nodes = [address('192.0.2.1')];
    await database.apply((state) =>
      planSwitch(state, { name: 'front', dhcp: [], acls: [], nodes }),
    );
    const overlay = { cidrs: [cidr('10.1.0.0/24')], isNeeded: true };
    await database.apply((state) => planRouter(state, routerOf({ overlay })));
    const watching = await watched(database);
    const change = (name: string) => ['set', 'Address_Set', name, 'addresses="10.9.0.0/16"'];
    await database.by(...change('front.u2o_exclude_ip.ip4'));
    await told(watching, subnet());
    await database.by('destroy', 'Address_Set', 'front.u2o_exclude_ip.ip6');
    await told(watching, subnet(), subnet());
    await database.by(...change('tenant.u2o_overlay_cidrs.ip4'));
    await told(watching, subnet(), subnet(), { kind: 'vpc', name: 'tenant' });
  });
});

describe('what is not told', () => {
  it('is what somebody does to rows that are not ours', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await database.by('ls-add', 'theirs', '--', 'lsp-add', 'theirs', 'port');
    const watching = await watched(database);
    await database.by('set', 'Logical_Switch_Port', 'port', 'external_ids:pod=shop/web-0');
    await database.by('lsp-set-addresses', 'port', `${MAC} 10.1.0.5`);
    await database.by('lsp-del', 'port');
    await database.by('lsp-add', 'front', 'port', '--', 'lsp-del', 'port');
    await database.by('ls-del', 'theirs', '--', 'lr-add', 'theirs');
    await database.by('lr-route-add', 'theirs', '0.0.0.0/0', '10.1.0.1', '--', 'lr-del', 'theirs');
    // Each table tells in order, so that anything of theirs would stand before these.
    await database.by('lsp-del', 'front-tenant');
    await told(watching, subnet());
    await database.by('lr-del', 'tenant');
    await expect.poll(() => watching.changes.length).toBe(3);
    expect(watching.changes).toEqual(expect.arrayContaining([vpc(), subnet()]));
  });

  it('is that pods of ours come', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await database.apply((state) => planSecurityGroup(state, groupOf('a-b', [ruleOf()])));
    const watching = await watched(database);
    for (let index = 0; index < 20; index += 1) {
      const changes = { name: `p${index}`, groups: ['a-b'] };
      const port = portOf(`10.1.0.${index + 10}`, changes);
      await database.apply((state) => planPod(state, `shop/web-${index}`, [port]));
    }
    // Each table tells in order, so that what is told now comes after all that came with the pods.
    await database.by('lsp-del', 'p7');
    await told(watching, pod('shop/web-7'));
    await database.by('destroy', 'Address_Set', 'ovn.sg.a.b.associated.v4');
    await told(watching, pod('shop/web-7'), group());
    await database.by('set', 'Port_Group', 'ovn.sg.a.b', 'external_ids:type=x');
    await told(watching, pod('shop/web-7'), group(), group());
    await database.by('set', 'Logical_Switch', 'front', 'name=back');
    await told(watching, pod('shop/web-7'), group(), group(), subnet(), subnet('back'));
    await database.by('acl-del', 'back');
    await expect.poll(() => watching.changes.length).toBe(7);
  });

  it('is what OVN writes', async () => {
    const database = await startDatabase();
    await applyNetwork(database);
    await applyPod(database);
    const watching = await watched(database);
    const written = ['up=true', `dynamic_addresses="${MAC}"`];
    await database.by('set', 'Logical_Switch_Port', PORT, ...written);
    await database.by('lsp-del', 'front-tenant');
    await told(watching, subnet());
  });
});
