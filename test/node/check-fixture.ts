/** CHECKs of the daemon: NICs to check, a request as the executable sends it, what must come back. */
import { expect } from 'vitest';
import type { PrevResult } from '../../src/wire/messages.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { OVS_DATABASE } from '../lab/ovn-node.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { type CniResult, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, type Fixture, ovnConfig } from './fixture.ts';
import { hostName, mustAdd } from './observe.ts';

/** An interface that an ADD made. */
export interface Attached {
  readonly sandbox: Sandbox;
  /** What the ADD answered. */
  readonly result: CniResult;
  readonly ifName?: string;
  readonly provider?: string;
  /** Of the network configuration. */
  readonly type?: string;
}

/** A NIC on attachnet that a CHECK found as it should be. */
export interface HealthyNic extends Attached {
  /** Name of the host's end. */
  readonly host: string;
  readonly mac: string;
  /** `v4`, `v6` or `v4,v6`. */
  readonly address: string;
  /** Its logical switch port. */
  readonly port: string;
}

/** Makes a NIC, and checks it right after its ADD. */
export async function healthyNic(
  fixture: Fixture,
  options: Parameters<Fixture['pod']>[0] = {},
  config: object = {},
): Promise<HealthyNic> {
  const { pod, sandbox, nic } = await fixture.pod(options);
  const newest = { cniVersion: '1.1.0', ...config };
  const attached = { sandbox, result: await mustAdd(sandbox, 'net1', ovnConfig(newest)) };
  await expectHealthy(attached);
  return {
    ...attached,
    host: hostName(sandbox, 'net1'),
    mac: nic.mac ?? '',
    address: nic.ip,
    port: `${pod.name}.default.${ATTACHNET}`,
  };
}

/** One whose rates are annotated: 10 Mbit/s to the pod, 20 Mbit/s from it. */
export function limitedNic(fixture: Fixture): Promise<HealthyNic> {
  const more = { ingress_rate: '10', egress_rate: '20' };
  return healthyNic(fixture, { nic: (nic) => ({ ...nic, more }) });
}

/** Changes annotations of a network, and returns when the daemon knows them. */
export async function annotate(
  fixture: Fixture,
  { sandbox, provider = ATTACHNET }: Attached,
  values: Readonly<Record<string, string | null>>,
): Promise<void> {
  const entries = Object.entries(values).map(([name, value]) => [
    `${provider}.kubernetes.io/${name}`,
    value,
  ]);
  fixture.cluster.annotate(sandbox.pod, Object.fromEntries(entries));
  await podsArrive(fixture);
}

/** Pods arrive in order: when a new one is known, so is what happened before. */
export async function podsArrive(fixture: Fixture): Promise<void> {
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
}

/** ip(8) in the pod; `words` are separated by spaces. */
export function ip({ sandbox }: Attached, words: string): Promise<string> {
  return inSandbox(sandbox, 'ip', ...words.split(' '));
}

/** A result in the one form that CHECK takes. */
export function prevResultOf({ interfaces = [], ips = [], routes = [] }: CniResult): PrevResult {
  return {
    interfaces: interfaces.map(({ name, mac = '', mtu = 0, sandbox = '' }) => ({
      name,
      mac,
      mtu,
      sandbox,
    })),
    ips: ips.map(({ address, interface: index }) =>
      index === undefined ? { address } : { address, interface: index },
    ),
    routes: [...routes],
  };
}

/** One CHECK, as the executable sends it; `changes` are of its body. */
export function check(attached: Attached, changes: Readonly<Record<string, unknown>> = {}) {
  const { sandbox, result, ifName = 'net1', provider = ATTACHNET, type = 'kube-ovn' } = attached;
  const body = {
    ...requestFields(sandbox, provider),
    cni_type: type,
    if_name: ifName,
    pod_uid: sandbox.pod.uid,
    prev_result: prevResultOf(result),
    ...changes,
  };
  return callRaw(SOCKET, { path: '/api/v1/check', body: JSON.stringify(body) });
}

/** A CHECK that must find nothing. */
export async function expectHealthy(
  attached: Attached,
  changes?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { status, text } = await check(attached, changes);
  expect({ status, text }).toEqual({ status: 204, text: '' });
}

/** A CHECK that must fail. */
export async function failedCheck(
  attached: Attached,
  changes?: Readonly<Record<string, unknown>>,
): Promise<{ code: number; msg: string; details: string }> {
  const { status, text } = await check(attached, changes);
  expect(status, text).toBeGreaterThanOrEqual(400);
  return JSON.parse(text).cni_error;
}

/** Runs a CHECK that must find exactly these differences, in this order. */
export async function expectDifferences(
  attached: Attached,
  code: number,
  differences: readonly string[],
  changes?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { ifName = 'net1', sandbox } = attached;
  const { namespace, name } = sandbox.pod;
  const count = differences.length === 1 ? '' : `${differences.length} differences: `;
  expect(await failedCheck(attached, changes)).toEqual({
    code,
    msg: `CHECK of ${ifName} for pod ${namespace}/${name}: ${count}${differences.join('; ')}`,
    details: expect.stringMatching(
      /delete the pod to have its interface made anew; operation \w+$/,
    ),
  });
}

/** Resolves as soon as an Interface row has a column's value, as ovs-vsctl(8) writes conditions. */
export async function interfaceBecomes(name: string, condition: string): Promise<void> {
  const options = [`--db=${OVS_DATABASE}`, '--timeout=20', '--no-wait'];
  await command('ovs-vsctl', [...options, 'wait-until', 'Interface', name, condition]);
}

/** Resolves as soon as ovn-controller has taken its mark off an Interface row (RFC 7047, 5.2.6). */
export async function flowsGone(name: string): Promise<void> {
  const wait = {
    op: 'wait',
    timeout: 60_000,
    table: 'Interface',
    where: [
      ['name', '==', name],
      ['external_ids', 'excludes', ['map', [['ovn-installed', 'true']]]],
    ],
    columns: ['name'],
    until: '==',
    rows: [{ name }],
  };
  const transaction = JSON.stringify(['Open_vSwitch', wait]);
  const answer = await command('ovsdb-client', ['transact', OVS_DATABASE, transaction]);
  expect(answer).not.toContain('error');
}
