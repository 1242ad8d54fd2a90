/**
 * Kube-OVN's executable against our daemon, and our executable against Kube-OVN's daemon: the
 * bytes that those send, and what they can read.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import { cni, createSandbox, type NetworkConfig, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink } from '../lab/snapshot.ts';
import { rawDaemon } from '../unit/plugin/fake-daemon.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { expectError, expectRefusal } from './refusal.ts';

const IPAM = 'macvlan.default';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet({
    name: 'macvlan',
    provider: IPAM,
    cidrBlock: '172.18.0.0/16,fd00:172:18::/64',
    gateway: '172.18.0.1,fd00:172:18::1',
  });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A client that sends what Go's does and keeps its connection, on which one call is at a time. */
class GoClient implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(): Promise<GoClient> {
    const socket = connect(SOCKET);
    await once(socket, 'connect');
    return new GoClient(socket);
  }

  /** Posts a body; the answer must be framed as Go's client reads it from a kept connection. */
  async post(path: string, body: string) {
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: dummy\r\nUser-Agent: Go-http-client/1.1\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\n` +
        `Accept-Encoding: gzip\r\n\r\n${body}`,
    );
    let raw = Buffer.alloc(0);
    for (;;) {
      const [chunk] = await once(this.#socket, 'data');
      raw = Buffer.concat([raw, chunk]);
      const end = raw.indexOf('\r\n\r\n');
      if (end < 0) continue;
      const head = raw.toString('latin1', 0, end);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      if (raw.length < end + 4 + length) continue;
      const status = Number(head.split(' ')[1]);
      return { status, head, text: raw.toString('utf8', end + 4) };
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

interface GoRequest {
  readonly cniType?: string;
  readonly ifName?: string;
  readonly provider?: string;
  readonly routes?: string;
  readonly dns?: string;
}

/** A body as Go's executable sends it: sorted keys, nothing left out, no pod UID. */
function goBody({ containerId, netns, pod }: Sandbox, request: GoRequest = {}): string {
  const { cniType = 'kube-ovn', ifName = 'net1', provider = ATTACHNET } = request;
  const { routes = 'null', dns = '{}' } = request;
  return (
    `{"cni_type":"${cniType}","container_id":"${containerId}","deviceID":"","dns":${dns},` +
    `"if_name":"${ifName}","net_ns":"${netns}","pod_name":"${pod.name}",` +
    `"pod_namespace":"${pod.namespace}","provider":"${provider}","routes":${routes},` +
    '"vf_driver":"","vhost_user_socket_consumption":"","vhost_user_socket_name":"",' +
    '"vhost_user_socket_volume_name":""}'
  );
}

/** The fields of Go's CniResponse, each with a value that Go's decoder takes for its type. */
function readAsGo(text: string) {
  const body = JSON.parse(text);
  const route = expect.toSatisfy(({ dst = '', gw = '' }) => isText(dst) && isText(gw));
  expect(body).toMatchObject({
    ips: expect.toSatisfy((ips) => ips === null || Array.isArray(ips)),
    mac_address: expect.any(String),
    routes: expect.toSatisfy((routes) => routes === null || Array.isArray(routes)),
    mtu: expect.toSatisfy(Number.isSafeInteger),
    nicname: expect.any(String),
    dns: expect.toSatisfy((dns) => typeof dns === 'object' && dns !== null && !Array.isArray(dns)),
    error: expect.any(String),
  });
  for (const ip of body.ips ?? []) {
    expect(ip).toEqual({
      protocol: expect.stringMatching(/^IPv[46]$/),
      ip: expect.any(String),
      cidr: expect.stringMatching(/^[0-9a-f.:]+\/\d+$/),
      ...('gateway' in ip ? { gateway: expect.any(String) } : {}),
    });
  }
  for (const entry of body.routes ?? []) expect(entry).toEqual(route);
  return body;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

test("Go's ADD and DEL of a Kube-OVN NIC work over one kept connection", async () => {
  const { sandbox, nic } = await fixture.pod();
  using client = await GoClient.connect();
  const added = await client.post('/api/v1/add', goBody(sandbox));
  expect(added.status, added.text).toBe(200);
  expect(added.head).toMatch(/^content-type: application\/json/im);
  expect(readAsGo(added.text)).toMatchObject({
    ips: [{ protocol: 'IPv4', ip: nic.ip, cidr: '172.17.0.0/16' }],
    mac_address: nic.mac,
    mtu: 1400,
    nicname: 'net1',
    error: '',
  });
  expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);

  const deleted = await client.post('/api/v1/del', goBody(sandbox));
  expect({ status: deleted.status, text: deleted.text }).toEqual({ status: 204, text: '' });
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
  const again = await client.post('/api/v1/del', goBody(sandbox));
  expect(again.status).toBe(204);
});

test("Go's ADD with routes and DNS gets a gateway where the NIC has the default route", async () => {
  const { v6, name, v4, mac } = fixture.next();
  const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip: `${v4},${v6}`, mac };
  const pod = fixture.cluster.createPod(name);
  await fixture.cluster.allocate(pod, {
    ...nic,
    more: { default_route: 'true', routes: '[{"dst":"10.99.0.0/16","gw":"172.17.0.254"}]' },
  });
  const sandbox = await createSandbox(pod);
  const request = {
    routes: '[{"dst":"192.168.0.101/24","gw":"172.17.0.254"}]',
    dns: '{"nameservers":["10.96.0.10"],"domain":"lab","search":["a.lab"]}',
  };
  using client = await GoClient.connect();
  const { status, text } = await client.post('/api/v1/add', goBody(sandbox, request));
  expect(status, text).toBe(200);
  const answer = readAsGo(text);
  expect(answer.ips).toEqual([
    { protocol: 'IPv4', ip: v4, cidr: '172.17.0.0/16', gateway: '172.17.0.1' },
    { protocol: 'IPv6', ip: v6, cidr: 'fd00:172:17::/64', gateway: 'fd00:172:17::1' },
  ]);
  expect(answer.routes).toContainEqual({ dst: '192.168.0.0/24', gw: '172.17.0.254' });
  expect(answer.routes).toContainEqual({ dst: '10.99.0.0/16', gw: '172.17.0.254' });
});

test("Go's ADD and DEL for another plugin get addresses and no interface", async () => {
  const pod = fixture.cluster.createPod(fixture.next().name);
  const subnet = {
    name: 'macvlan',
    provider: IPAM,
    cidrBlock: '172.18.0.0/16',
    gateway: '172.18.0.1',
  };
  await fixture.cluster.allocate(pod, { provider: IPAM, subnet, ip: '172.18.0.9' });
  const sandbox = await createSandbox(pod);
  const body = goBody(sandbox, { cniType: 'macvlan', provider: IPAM });
  using client = await GoClient.connect();
  const added = await client.post('/api/v1/add', body);
  expect(added.status, added.text).toBe(200);
  expect(readAsGo(added.text)).toMatchObject({
    ips: [{ protocol: 'IPv4', ip: '172.18.0.9', cidr: '172.18.0.0/16' }],
    mac_address: '',
    subnet_gateways: ['172.18.0.1'],
  });
  // Of which Go's executable makes a default route.
  expect(added.text).not.toContain('"gateway"');
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
  expect((await client.post('/api/v1/del', body)).status).toBe(204);
});

test("Go's ADD that fails is answered with 400 or 500 and a reason, on a connection that stays", async () => {
  const { sandbox } = await fixture.pod();
  using client = await GoClient.connect();
  for (const request of [
    { provider: 'nosuch.default.ovn' },
    { ifName: 'a/b' },
    { routes: '[{"dst":"nowhere"}]' },
  ]) {
    const { status, text } = await client.post('/api/v1/add', goBody(sandbox, request));
    expect([400, 500]).toContain(status);
    expect(readAsGo(text).error).not.toBe('');
  }
  expect((await client.post('/api/v1/add', goBody(sandbox))).status).toBe(200);
  const wrong = await client.post('/api/v1/del', goBody(sandbox, { ifName: 'a/b' }));
  expect([400, 500]).toContain(wrong.status);
  expect(readAsGo(wrong.text).error).toContain('CNI_IFNAME');
});

const JSON_HEAD = 'Content-Type: application/json\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n';

/** An answer as Go's server gives it to a request of HTTP/1.0. */
function goAnswer(statusLine: string, body: object): string {
  const text = JSON.stringify(body, null, 1);
  const length = Buffer.byteLength(text);
  return `HTTP/1.0 ${statusLine}\r\n${JSON_HEAD}Content-Length: ${length}\r\n\r\n${text}`;
}

const EMPTY = { ips: null, mac_address: '', routes: null, mtu: 0, nicname: '', dns: {}, error: '' };
const ADDED = {
  ...EMPTY,
  ips: [{ protocol: 'IPv4', ip: '172.17.0.5', cidr: '172.17.0.0/16' }],
  mac_address: '00:00:00:00:00:05',
  mtu: 1400,
  nicname: 'net1',
};

/** Our executable against a daemon that gives this answer to anything. */
async function against(answer: string, more: object = {}, verb = 'ADD') {
  const server_socket = await rawDaemon((socket) => socket.end(answer));
  const { sandbox } = await fixture.pod({ nic: () => undefined });
  const config: NetworkConfig = ovnConfig({ server_socket, ...more });
  return { sandbox, outcome: await cni(verb, sandbox, 'net1', config) };
}

test("the answer of Go's daemon to an ADD becomes a result with the configuration's DNS", async () => {
  const dns = { nameservers: ['10.96.0.10'] };
  const more = { cniVersion: '1.1.0', dns };
  const { outcome, sandbox } = await against(goAnswer('200 OK', ADDED), more);
  expect(outcome.exitCode, outcome.stdout).toBe(0);
  expect(outcome.result).toEqual({
    cniVersion: '1.1.0',
    interfaces: [{ name: 'net1', mac: '00:00:00:00:00:05', mtu: 1400, sandbox: sandbox.netns }],
    ips: [{ interface: 0, address: '172.17.0.5/16' }],
    routes: [],
    dns,
  });
});

test("a gateway in the answer of Go's daemon becomes a default route where it gives no routes", async () => {
  const ips = [
    { protocol: 'IPv4', ip: '172.17.0.5', cidr: '172.17.0.0/16', gateway: '172.17.0.1' },
    { protocol: 'IPv6', ip: 'fd00::5', cidr: 'fd00::/64', gateway: 'fd00::1' },
  ];
  const { outcome } = await against(goAnswer('200 OK', { ...ADDED, ips }));
  expect(outcome.result?.routes).toEqual([
    { dst: '0.0.0.0/0', gw: '172.17.0.1' },
    { dst: '::/0', gw: 'fd00::1' },
  ]);
  const routes = [{ dst: '192.168.0.101/24', gw: '172.17.0.254' }, { gw: '172.17.0.254' }];
  const second = await against(goAnswer('200 OK', { ...ADDED, ips, routes }));
  expect(second.outcome.result?.routes).toEqual([
    { dst: '192.168.0.0/24', gw: '172.17.0.254' },
    { dst: '0.0.0.0/0', gw: '172.17.0.254' },
  ]);
});

test("a long answer of Go's daemon, which announces no length, is read to its end", async () => {
  const routes = Array.from({ length: 200 }, (_, i) => ({
    dst: `10.${i}.0.0/16`,
    gw: '172.17.0.1',
  }));
  const text = JSON.stringify({ ...ADDED, routes }, null, 1);
  const { outcome } = await against(`HTTP/1.0 200 OK\r\n${JSON_HEAD}\r\n${text}`);
  expect(outcome.result?.routes).toEqual(routes);
});

test("the failure of Go's daemon at an ADD is error 11 with its words", async () => {
  for (const status of ['500 Internal Server Error', '400 Bad Request']) {
    const answer = goAnswer(status, { ...EMPTY, error: 'no available address for pod' });
    const { outcome } = await against(answer);
    expectError(outcome, { code: 11, says: ['no available address for pod'] });
  }
});

test("DEL takes 204 of Go's daemon for done, and shows its failure", async () => {
  const head = 'HTTP/1.0 204 No Content\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n\r\n';
  const done = (await against(head, {}, 'DEL')).outcome;
  expect({ exitCode: done.exitCode, stdout: done.stdout }).toEqual({ exitCode: 0, stdout: '' });
  const answer = goAnswer('500 Internal Server Error', { ...EMPTY, error: 'cannot delete nic' });
  const failed = (await against(answer, {}, 'DEL')).outcome;
  expectError(failed, { code: 11, says: ['cannot delete nic'] });
});

test.each([
  {
    title: 'the plain text of an unknown route',
    answer:
      'HTTP/1.0 404 Not Found\r\nContent-Length: 19\r\n' +
      'Content-Type: text/plain; charset=utf-8\r\n\r\n404: Page Not Found',
    says: '/api/v1/add',
  },
  {
    title: '200 with an empty body',
    answer: `HTTP/1.0 200 OK\r\n${JSON_HEAD}Content-Length: 0\r\n\r\n`,
    says: 'ips',
  },
  {
    title: '200 with an error in the body',
    answer: goAnswer('200 OK', { ...EMPTY, error: 'half done' }),
    says: 'half done',
  },
  {
    title: 'an address that is none',
    answer: goAnswer('200 OK', { ...ADDED, ips: [{ protocol: 'IPv4', ip: 'x', cidr: '' }] }),
    says: 'ips[0].ip',
  },
])("$title from Go's daemon is error 11", async ({ answer, says }) => {
  const server_socket = await rawDaemon((socket) => socket.end(answer));
  const { sandbox } = await fixture.pod({ nic: () => undefined });
  const config = ovnConfig({ server_socket });
  await expectRefusal(fixture.node, sandbox, { code: 11, says: [says], config });
});

test("what our executable sends has for each of Go's fields a value of Go's type", async () => {
  const question = Promise.withResolvers<string>();
  const server_socket = await rawDaemon((socket, first) => {
    question.resolve(first.toString());
    socket.end(goAnswer('200 OK', ADDED));
  });
  const { sandbox } = await fixture.pod({ nic: () => undefined });
  const routes = [{ gw: '172.17.0.254' }];
  const config = ovnConfig({ server_socket, routes, dns: { domain: 'lab' } });
  const { exitCode, stdout } = await cni('ADD', sandbox, 'net1', config);
  expect(exitCode, stdout).toBe(0);
  const [head = '', body = ''] = (await question.promise).split('\r\n\r\n');
  expect(head).toMatch(/^POST \/api\/v1\/add HTTP\/1\.[01]\r\n/);
  expect(head).toMatch(/^content-type: application\/json$/im);
  const { pod_uid, network, ipv6_prepared, operation_id, ...sent } = JSON.parse(body);
  expect(operation_id).toMatch(/^[0-9a-f]{12}$/);
  const ours = { pod_uid: sandbox.pod.uid, network: 'net', ipv6_prepared: true };
  expect({ pod_uid, network, ipv6_prepared }).toEqual(ours);
  const wanted = JSON.parse(goBody(sandbox, { routes: 'null', dns: '{"domain":"lab"}' }));
  expect(sent).toEqual({ ...wanted, routes: [expect.objectContaining({ gw: '172.17.0.254' })] });
});
