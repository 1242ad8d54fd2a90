/**
 * The northbound database and the controller, each of which loses what the other one has: rows that
 * somebody removed, objects that went while no controller ran, and a database server that is killed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyOf } from '../lab/kubernetes/object.ts';
import { endPod, identityOf } from '../lab/workloads.ts';
import { AddressRecorder } from '../process/controller/crash/address-recorder.ts';
import { problemsOf } from '../process/controller/crash/oracle.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone } from './controller-observe.ts';
import { northboundRows } from './northbound-rows.ts';

const PROVIDER = 'front.default.ovn';
const SECURED = { [`${PROVIDER}.kubernetes.io/security_groups`]: 'web' };

let fixture: ControllerFixture;
let recorder: AddressRecorder;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  recorder = new AddressRecorder(fixture.api);
  fixture.apply(ovnNetwork('front'), ovnNetwork('back'), macvlanNetwork('lan'));
  fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec: {} });
  const ingress = { ipVersion: 'ipv4', protocol: 'all', priority: 1, policy: 'allow' };
  const anywhere = { remoteType: 'address', remoteAddress: '0.0.0.0/0' };
  const rules = { ingressRules: [{ ...ingress, ...anywhere }], egressRules: [] };
  fixture.apply({ kind: 'SecurityGroup', metadata: { name: 'web' }, spec: rules });
  fixture.apply(
    subnet('front', { vpc: 'tenant', cidrBlock: '10.1.0.0/24', provider: PROVIDER }),
    subnet('back', { vpc: 'tenant', cidrBlock: '10.2.0.0/24', provider: 'back.default.ovn' }),
    subnet('lan', { cidrBlock: '10.3.0.0/24', provider: 'lan.default' }),
  );
  fixture.schedule(podOf('web', 'front', SECURED));
  fixture.schedule(podOf('both', 'front,back'));
  await fixture.allocated('default/web', PROVIDER);
  await fixture.allocated('default/both', 'back.default.ovn');
  await makeForeignRows();
});
afterAll(async () => {
  recorder[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** Rows of somebody else, also within ours. */
async function makeForeignRows(): Promise<void> {
  const { node } = fixture;
  await node.nbctl(
    ...['ls-add', 'foreign', '--', 'lsp-add', 'foreign', 'foreign-port'],
    ...['--', 'lsp-add', 'front', 'guest', '--', 'lr-add', 'foreign-router'],
    ...['--', 'lr-policy-add', 'tenant', '7', 'ip4.dst == 192.0.2.0/24', 'drop'],
    ...['--', 'lr-route-add', 'tenant', '198.51.100.0/24', '10.1.0.77'],
    ...['--', 'pg-add', 'foreign_group'],
  );
}

/** All rows by what they say, without UUIDs and the MACs of router ports, which are drawn. */
async function picture(): Promise<string[]> {
  const rows = Object.entries(await northboundRows(fixture.node));
  return rows
    .map(([key, columns]) => {
      const { _uuid, mac, ...said } = columns;
      const text = JSON.stringify(said).replaceAll(
        /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
        '',
      );
      return `${key.split(' ')[0]} ${text}`;
    })
    .sort();
}

/** Waits until a row is there, which has this name. */
async function named(table: string, name: string): Promise<void> {
  await fixture.node.nbctl('--timeout=20', 'wait-until', table, name);
}

/** Has the controller tell what the northbound database is now: a pod comes, and goes. */
async function pass(name: string): Promise<void> {
  const pod = fixture.schedule(podOf(name, 'front,back'));
  await fixture.allocated(keyOf(pod), 'back.default.ovn');
  endPod(fixture.api, pod);
  await gone(fixture, 'IP', `${name}.default.back.default.ovn`);
  await gone(fixture, 'IP', `${name}.default.${PROVIDER}`);
}

/** Waits until all objects say what they should. */
async function settled(): Promise<void> {
  const { api } = fixture;
  await fixture
    .becomes('Subnet', 'front', () => problemsOf(api).length === 0)
    .catch((error) => {
      throw new Error(problemsOf(api).join('\n'), { cause: error });
    });
}

describe('rows that somebody removed come back', () => {
  const removals: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['a port', 'Logical_Switch_Port', `web.default.${PROVIDER}`, ['lsp-del']],
    ["a Subnet's port to its router", 'Logical_Switch_Port', 'front-tenant', ['lsp-del']],
    ["a router's port", 'Logical_Router_Port', 'tenant-front', ['lrp-del']],
    ['a logical switch with its ports', 'Logical_Switch', 'back', ['ls-del']],
    ['a port group', 'Port_Group', 'ovn.sg.web', ['pg-del']],
  ];

  test.each(removals)('%s', async (_, table, name, command) => {
    const before = await picture();
    const { node } = fixture;
    const uuid = (
      await node.nbctl('--bare', '--columns=_uuid', 'find', table, `name=${name}`)
    ).trim();
    await node.nbctl(...command, name);
    await named(table, name);
    await pass('after');
    await expectPicture(before);
    expect(await node.nbctl('--bare', '--columns=_uuid', 'find', table, `name=${name}`)).not.toBe(
      uuid,
    );
  });

  test('a router with all that is on it, while no controller ran', async () => {
    const before = await picture();
    await fixture.controller.stop('SIGKILL');
    const { node } = fixture;
    const foreign = [
      'lr-policy-del',
      'tenant',
      '7',
      '--',
      'lr-route-del',
      'tenant',
      '198.51.100.0/24',
    ];
    await node.nbctl(...foreign, '--', 'lr-del', 'tenant', '--', 'pg-del', 'ovn.sg.web');
    await node.nbctl('lsp-del', `both.default.${PROVIDER}`);
    await fixture.restartController();
    await named('Logical_Router_Port', 'tenant-back');
    await named('Port_Group', 'ovn.sg.web');
    await pass('later');
    // What was another's on that router is gone with it.
    await node.nbctl(
      ...['lr-policy-add', 'tenant', '7', 'ip4.dst == 192.0.2.0/24', 'drop'],
      ...['--', 'lr-route-add', 'tenant', '198.51.100.0/24', '10.1.0.77'],
    );
    await expectPicture(before);
  });
});

/** Waits for rows that come a little later than objects: they are written by other work. */
async function expectPicture(wanted: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (JSON.stringify(await picture()) === JSON.stringify(wanted)) return;
    await pass(`again-${attempt}`);
  }
  expect(await picture()).toEqual(wanted);
}

test('rows of objects that went while no controller ran go, and nothing else', async () => {
  const { api } = fixture;
  const before = await picture();
  fixture.apply({ kind: 'Vpc', metadata: { name: 'old' }, spec: {} });
  fixture.apply(ovnNetwork('aged'));
  fixture.apply(
    subnet('aged', { vpc: 'old', cidrBlock: '10.9.0.0/24', provider: 'aged.default.ovn' }),
  );
  fixture.schedule(podOf('elder', 'aged,front', SECURED));
  fixture.schedule(podOf('younger', 'front'));
  await fixture.allocated('default/elder', 'aged.default.ovn');
  await fixture.allocated('default/younger', PROVIDER);
  await fixture.controller.stop('SIGKILL');
  endPod(api, identityOf(api.get('Pod', 'default/elder')));
  endPod(api, identityOf(api.get('Pod', 'default/younger')));
  api.delete('Subnet', 'aged');
  // Somebody had no patience with finalizers.
  api.patch('Vpc', 'old', { metadata: { finalizers: [] } });
  api.delete('Vpc', 'old');
  const younger = `younger.default.${PROVIDER}`;
  api.patch('IP', younger, { metadata: { finalizers: [] } });
  api.delete('IP', younger);
  await fixture.restartController();
  await gone(fixture, 'Subnet', 'aged');
  await settled();
  await expectPicture(before);
});

describe('under load', () => {
  test('a controller that is killed leaves no address and no port to two pods', async () => {
    const pods = burst('first');
    await fixture.allocated('default/first-9', 'back.default.ovn');
    await fixture.restartController('SIGKILL');
    for (const key of pods) await fixture.allocated(key, 'back.default.ovn');
    await settled();
    await expectPortsOfRecords();
  });

  test('a database server that is killed loses no address and no row', async () => {
    const { node } = fixture;
    const pods = burst('second');
    await fixture.allocated('default/second-5', 'back.default.ovn');
    await node.killPart('nb');
    // Networks of other plugins need no OVN.
    fixture.schedule(podOf('other', 'lan'));
    await fixture.allocated('default/other', 'lan.default');
    const late = fixture.schedule(podOf('late', 'front,back'));
    await eventAbout(fixture, { kind: 'Pod', name: 'late', reason: 'CreateOVNPortFailed' });
    await node.startPart('nb');
    for (const key of [keyOf(late), ...pods]) await fixture.allocated(key, 'back.default.ovn');
    await settled();
    await expectPortsOfRecords();
  });
});

/** Creates many pods at once. @returns their keys */
function burst(prefix: string): string[] {
  const names = Array.from({ length: 60 }, (_, index) => `${prefix}-${index}`);
  return names.map((name) => keyOf(fixture.schedule(podOf(name, 'front,back'))));
}

/** Each port has what its IP object says, and no address was ever two pods' or another one. */
async function expectPortsOfRecords(): Promise<void> {
  const addresses = await portAddresses();
  const records = fixture.api.list('IP').filter(({ spec }) => spec?.subnet !== 'lan');
  for (const { metadata, spec = {} } of records) {
    expect(addresses.get(metadata.name)).toBe(`${spec.macAddress} ${spec.ipAddress}`);
  }
  expect(recorder.crimes).toEqual([]);
}

/** What each port of ours has, by its name. */
async function portAddresses(): Promise<ReadonlyMap<string, string>> {
  const columns = '--columns=name,addresses';
  const text = await fixture.node.nbctl('--format=json', columns, 'list', 'Logical_Switch_Port');
  const { data } = JSON.parse(text) as { data: [string, unknown][] };
  return new Map(data.map(([name, addresses]) => [name, String(addresses)]));
}
