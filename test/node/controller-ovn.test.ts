/** What the controller writes to OVN's northbound database, proved with packets. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planPod } from '../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroupRemoval } from '../../src/controller/kinds/security-group/security-group-plan.ts';
import { planRouter } from '../../src/controller/kinds/vpc/router-plan.ts';
import type { DesiredPort } from '../../src/controller/ovn/desired.ts';
import { privateAcls, subnetPolicies } from '../../src/controller/ovn/subnet-acls.ts';
import { OVS_DIRECTORY } from '../lab/ovn-node.ts';
import { inSandbox } from '../lab/runtime.ts';
import {
  address,
  attachedSwitch,
  cidr,
  groupOf,
  routeOf,
  routerOf,
  ruleOf,
} from '../unit/controller/ovn/support.ts';
import { Fixture, type Pod } from './controller-ovn-fixture.ts';
import { canPing, pings } from './observe.ts';

const FRONT = '10.1.0.1/24,fd00:1::1/64';
/** A longer prefix than the other's: the one is not to shadow the other in the router. */
const BACK = '10.2.0.1/16,fd00:2::1/64';
const FRONT_GATEWAYS = ['10.1.0.1', 'fd00:1::1'];
const BACK_GATEWAYS = ['10.2.0.1', 'fd00:2::1'];

let fixture: Fixture;
/** In Subnet front of Vpc tenant. */
let front: Pod;
/** In Subnet back of the same. */
let back: Pod;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.vpc('tenant', { front: FRONT, back: BACK });
  front = await fixture.pod('front', ['10.1.0.5', 'fd00:1::5'], FRONT_GATEWAYS);
  back = await fixture.pod('back', ['10.2.0.5', 'fd00:2::5'], BACK_GATEWAYS);
});
afterAll(async () => {
  await fixture.northbound.close();
  await fixture.node.stop();
});

/** True where the pod gets an answer from each address. */
async function reaches(pod: Pod, ...addresses: string[]): Promise<boolean> {
  const answers = await Promise.all(addresses.map((each) => pings(pod.sandbox, each)));
  return answers.every((isAnswered) => isAnswered);
}

/** True where an echo sent from the pod to each address is not answered. */
async function isCutOff(pod: Pod, ...addresses: string[]): Promise<boolean> {
  const answers = await Promise.all(addresses.map((each) => canPing(pod.sandbox, each)));
  return !answers.some((isAnswered) => isAnswered);
}

/** A pod in Subnet front, with these SecurityGroups. */
function securedPod(host: string, groups: readonly string[], changes: Partial<DesiredPort> = {}) {
  const securityGroups = groups.map((name) => ({ name, exists: true }));
  const addresses = [`10.1.0.${host}`, `fd00:1::${host}`];
  return fixture.pod('front', addresses, FRONT_GATEWAYS, { securityGroups, ...changes });
}

describe('Vpcs', () => {
  test('the Subnets of one are routed between each other', async () => {
    expect(await reaches(front, '10.1.0.1', 'fd00:1::1')).toBe(true);
    expect(await reaches(front, '10.2.0.5', 'fd00:2::5')).toBe(true);
    expect(await reaches(back, '10.1.0.5', 'fd00:1::5')).toBe(true);
  });

  test('another one with the same networks is isolated from it', async () => {
    await fixture.vpc('other', { 'other-front': FRONT, 'other-back': BACK });
    const otherVpc = { vpc: 'other' };
    const twin = await fixture.pod(
      'other-front',
      ['10.1.0.5', 'fd00:1::5'],
      FRONT_GATEWAYS,
      otherVpc,
    );
    const only = await fixture.pod(
      'other-back',
      ['10.2.0.77', 'fd00:2::77'],
      BACK_GATEWAYS,
      otherVpc,
    );
    expect(await reaches(twin, '10.2.0.77', 'fd00:2::77')).toBe(true);
    expect(await reaches(only, '10.1.0.5', 'fd00:1::5')).toBe(true);
    expect(await isCutOff(front, '10.2.0.77', 'fd00:2::77')).toBe(true);
    expect(await isCutOff(twin, '10.2.0.5', 'fd00:2::5')).toBe(true);
  });

  test('a default route leads out through the pod that it names', async () => {
    const gateway = await fixture.pod('front', ['10.1.0.254'], ['10.1.0.1']);
    await inSandbox(gateway.sandbox, 'ip', 'address', 'add', '192.0.2.1/32', 'dev', 'lo');
    const desired = (routes: Parameters<typeof routerOf>[0]) =>
      fixture.northbound.apply((state) => planRouter(state, routerOf({ ...routes })));
    const policies = [
      ...subnetPolicies('front', [cidr('10.1.0.0/24')]),
      ...subnetPolicies('back', [cidr('10.2.0.0/16')]),
    ];
    expect(await isCutOff(back, '192.0.2.1')).toBe(true);
    await desired({ routes: [routeOf('0.0.0.0/0', '10.1.0.254')], policies });
    await fixture.settle();
    expect(await reaches(back, '192.0.2.1')).toBe(true);
    expect(await reaches(back, '10.1.0.5')).toBe(true);
    await desired({ policies });
    await fixture.settle();
    expect(await isCutOff(back, '192.0.2.1')).toBe(true);
  });
});

describe('ports', () => {
  test('one that moves to another Subnet has its network there', async () => {
    const pod = await fixture.pod('front', ['10.1.0.30'], ['10.1.0.1']);
    expect(await reaches(pod, '10.1.0.5')).toBe(true);
    const moved = { ...pod.port, subnet: 'back', addresses: [address('10.2.0.30')] };
    await fixture.applyPort({ ...pod, port: moved });
    await inSandbox(pod.sandbox, 'ip', 'address', 'flush', 'dev', 'net1');
    await inSandbox(pod.sandbox, 'ip', 'address', 'add', '10.2.0.30/16', 'dev', 'net1');
    await inSandbox(pod.sandbox, 'ip', 'route', 'add', 'default', 'via', '10.2.0.1');
    expect(await reaches(pod, '10.2.0.1')).toBe(true);
    expect(await reaches(front, '10.2.0.30')).toBe(true);
    expect(await isCutOff(front, '10.1.0.30')).toBe(true);
  });

  test('a secured one sends from its own addresses only', async () => {
    const pod = await fixture.pod('front', ['10.1.0.40', 'fd00:1::40'], FRONT_GATEWAYS);
    const more = ['10.1.0.41/24', 'fd00:1::41/64'];
    for (const each of more)
      await inSandbox(pod.sandbox, 'ip', 'address', 'add', each, 'dev', 'net1', 'nodad');
    const sends = async (host: string, isAnswered = pings) => [
      await isAnswered(pod.sandbox, '10.1.0.5', `10.1.0.${host}`),
      await isAnswered(pod.sandbox, 'fd00:1::5', `fd00:1::${host}`),
    ];
    expect(await sends('41')).toEqual([true, true]);
    const secured = { ...pod.port, isSecured: true };
    await fixture.applyPort({ ...pod, port: secured });
    expect(await sends('41', canPing)).toEqual([false, false]);
    expect(await sends('40')).toEqual([true, true]);
    const virtualAddresses = ['10.1.0.41', 'fd00:1::41'].map(address);
    await fixture.applyPort({ ...pod, port: { ...secured, virtualAddresses } });
    expect(await sends('41')).toEqual([true, true]);
  });

  test('one that is gone does not answer', async () => {
    const pod = await fixture.pod('front', ['10.1.0.50'], ['10.1.0.1']);
    expect(await reaches(front, '10.1.0.50')).toBe(true);
    await fixture.northbound.apply((state) =>
      planPod(state, `default/${pod.sandbox.pod.name}`, []),
    );
    await fixture.settle();
    expect(await isCutOff(front, '10.1.0.50')).toBe(true);
  });
});

describe('SecurityGroups', () => {
  const any4 = ruleOf();
  const any6 = ruleOf({ remote: { network: cidr('::/0') } });

  test('one that allows nothing drops pings, and one that allows them lets them through', async () => {
    await fixture.group(groupOf('web'));
    const pod = await securedPod('60', ['web']);
    expect(await isCutOff(front, '10.1.0.60', 'fd00:1::60')).toBe(true);
    expect(await isCutOff(pod, '10.1.0.5', 'fd00:1::5')).toBe(true);
    await fixture.group(groupOf('web', [any4, any6]));
    expect(await reaches(front, '10.1.0.60', 'fd00:1::60')).toBe(true);
    expect(await isCutOff(pod, '10.1.0.5', 'fd00:1::5')).toBe(true);
    const egress = [any4, any6].map((rule) => ({ ...rule, direction: 'egress' as const }));
    await fixture.group(groupOf('web', egress));
    expect(await isCutOff(front, '10.1.0.60', 'fd00:1::60')).toBe(true);
    expect(await reaches(pod, '10.1.0.5', 'fd00:1::5')).toBe(true);
  });

  test('the first rule that fits decides', async () => {
    const others = ruleOf({ priority: 9 });
    const host = ruleOf({ remote: { network: cidr('10.1.0.5/32') }, policy: 'drop' });
    await fixture.group(groupOf('strict', [host, others]));
    await securedPod('61', ['strict']);
    expect(await isCutOff(front, '10.1.0.61')).toBe(true);
    expect(await reaches(back, '10.1.0.61')).toBe(true);
    await fixture.group(groupOf('strict', [{ ...host, priority: 10 }, others]));
    expect(await reaches(front, '10.1.0.61')).toBe(true);
  });

  test('members of one, or of one that a rule names, are let through by their addresses', async () => {
    const egress = ruleOf({ direction: 'egress' });
    await fixture.group(groupOf('clients', [egress]));
    const remote = { group: 'clients', family: 'IPv4' } as const;
    await fixture.group(groupOf('servers', [ruleOf({ remote })]));
    const client = await securedPod('62', ['clients']);
    const server = await securedPod('63', ['servers']);
    expect(await reaches(client, '10.1.0.63')).toBe(true);
    expect(await isCutOff(front, '10.1.0.63')).toBe(true);

    const peers = [await securedPod('64', ['servers']), server] as const;
    expect(await isCutOff(peers[0], '10.1.0.63')).toBe(true);
    const same = groupOf('servers', [ruleOf({ remote })], { allowsSameGroup: true });
    await fixture.group(same);
    expect(await reaches(peers[0], '10.1.0.63', 'fd00:1::63')).toBe(true);
    expect(await reaches(peers[1], '10.1.0.64', 'fd00:1::64')).toBe(true);
  });

  test('a port is closed from its first packet on, also when its last group goes, and open when it lists none', async () => {
    const pod = await securedPod('65', ['late']);
    expect(await isCutOff(front, '10.1.0.65', 'fd00:1::65')).toBe(true);
    await fixture.group(groupOf('late', [any4, any6]));
    expect(await reaches(front, '10.1.0.65', 'fd00:1::65')).toBe(true);
    await fixture.group(groupOf('late'));
    expect(await isCutOff(front, '10.1.0.65', 'fd00:1::65')).toBe(true);
    await fixture.northbound.apply((state) => planSecurityGroupRemoval(state, 'late'));
    await fixture.settle();
    expect(await isCutOff(front, '10.1.0.65', 'fd00:1::65')).toBe(true);
    const open = { ...pod, port: { ...pod.port, securityGroups: [] } };
    await fixture.applyPort(open);
    expect(await reaches(front, '10.1.0.65', 'fd00:1::65')).toBe(true);
    expect(await reaches(pod, '10.1.0.5', 'fd00:1::5')).toBe(true);
  });
});

test('a private Subnet is open to itself, and to those that it lists', async () => {
  const desired = (allowed: readonly string[]) => {
    const acls = privateAcls({
      subnet: 'closed',
      cidrs: [cidr('10.3.0.0/24'), cidr('fd00:3::/64')],
      allowed: allowed.map(cidr),
      nodes: [],
    });
    const newMac = '02:00:00:00:03:01';
    const changes = { name: 'closed', acls, newMac };
    return attachedSwitch('10.3.0.1/24,fd00:3::1/64', changes);
  };
  const gateways = ['10.3.0.1', 'fd00:3::1'];
  await fixture.subnet(desired([]));
  await fixture.pod('closed', ['10.3.0.5', 'fd00:3::5'], gateways);
  const inside = await fixture.pod('closed', ['10.3.0.6', 'fd00:3::6'], gateways);
  expect(await reaches(inside, '10.3.0.5', 'fd00:3::5')).toBe(true);
  expect(await isCutOff(front, '10.3.0.5', 'fd00:3::5')).toBe(true);
  await fixture.subnet(desired(['10.1.0.0/24', 'fd00:1::/64']));
  expect(await reaches(front, '10.3.0.5', 'fd00:3::5')).toBe(true);
  expect(await isCutOff(back, '10.3.0.5', 'fd00:3::5')).toBe(true);
});

test('OVN has understood every row', async () => {
  const logs = await Promise.all(
    ['ovn-northd', 'ovn-controller'].map((part) =>
      readFile(`${OVS_DIRECTORY}/${part}.log`, 'utf8'),
    ),
  );
  const complaints = logs
    .flatMap((log) => log.split('\n'))
    .filter((line) => /\|(WARN|ERR|EMER)\|/.test(line) && !HARMLESS.test(line));
  expect(complaints).toEqual([]);
});

/** What ovn-controller says before it has made br-int. */
const HARMLESS = /\|vif_plug_provider\||\/br-int\.mgmt: connection failed/;
