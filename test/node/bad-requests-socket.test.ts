/** Requests on the daemon's socket that no executable sends: each is answered, and it lives on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw, type RawAnswer, requestFields } from '../lab/raw-http.ts';
import { cni, type Sandbox } from '../lab/runtime.ts';
import { nodeState, podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';

const ADD = '/api/v1/add';
const DEL = '/api/v1/del';

let fixture: Fixture;
let sandbox: Sandbox;
let before: unknown;
beforeAll(async () => {
  fixture = await Fixture.start();
  ({ sandbox } = await fixture.pod());
  before = await nodeState(fixture.node);
});
afterAll(() => fixture[Symbol.asyncDispose]());

afterEach(async () => {
  expect(fixture.daemon.process.exitCode).toBeNull();
  expect(await nodeState(fixture.node)).toEqual(before);
});

/** A right ADD of the test's pod, as an object to spoil. */
function rightBody(): Record<string, unknown> {
  return { ...requestFields(sandbox, ATTACHNET), routes: null, dns: {} };
}

function expectRefusal({ status, headers, text }: RawAnswer, wanted: number[], says: string): void {
  expect(wanted, text).toContain(status);
  expect(headers['content-type']).toMatch(/^application\/json/);
  const answer = JSON.parse(text);
  expect(answer).toMatchObject({
    ips: null,
    mac_address: '',
    routes: null,
    mtu: 0,
    nicname: '',
    dns: {},
    error: expect.stringContaining(says),
  });
}

test.each([
  { title: 'no JSON', body: '{"cni_type":', says: 'JSON' },
  { title: 'nothing', body: '', says: 'Body' },
  { title: 'a string', body: '"add"', says: 'object' },
  { title: 'null', body: 'null', says: 'object' },
  { title: 'an array', body: '[]', says: 'object' },
  { title: 'an object without fields', body: '{}', says: 'cni_type' },
])('a body that is $title is refused with 400', async ({ body, says }) => {
  for (const path of [ADD, DEL]) {
    expectRefusal(await callRaw(SOCKET, { path, body }), [400], says);
  }
});

test.each([
  ['if_name', null],
  ['if_name', 5],
  ['container_id', undefined],
  ['container_id', ['a']],
  ['pod_name', undefined],
  ['pod_namespace', {}],
  ['net_ns', 4026531840],
  ['provider', false],
  ['routes', 'default'],
  ['routes', [{ dst: 1 }]],
  ['routes', [null]],
  ['dns', []],
  ['dns', { nameservers: '10.96.0.10' }],
  ['deviceID', 0],
  ['pod_uid', 1],
])('field %s with value %j is refused with 400 and named', async (field, value) => {
  const body = JSON.stringify({ ...rightBody(), [field]: value });
  expectRefusal(await callRaw(SOCKET, { path: ADD, body }), [400], field);
  expectRefusal(await callRaw(SOCKET, { path: DEL, body }), [400], field);
});

test.each([
  ['if_name', 'a\nlink delete eth0'],
  ['if_name', '../../a'],
  ['container_id', '../a'],
  ['container_id', 'a b'],
  ['net_ns', '/run/netns/a b'],
  ['net_ns', '/run/netns/a\nlink delete eth0'],
  ['pod_name', '../../etc'],
  ['pod_namespace', 'a/b'],
  ['provider', 'a b'],
  ['provider', '--db=x'],
])('a dangerous value of %s, %j, is refused with 400', async (field, value) => {
  const named = { if_name: 'CNI_IFNAME', container_id: 'CNI_CONTAINERID', net_ns: 'CNI_NETNS' };
  const pod = { pod_name: 'K8S_POD_NAME', pod_namespace: 'K8S_POD_NAMESPACE' };
  const says = { ...named, ...pod, provider: 'provider' }[field] ?? '';
  const body = JSON.stringify({ ...rightBody(), [field]: value });
  expectRefusal(await callRaw(SOCKET, { path: ADD, body }), [400], says);
});

test('a body over the limit is refused', async () => {
  const body = JSON.stringify({ ...rightBody(), padding: 'x'.repeat(3 * 1024 * 1024) });
  // The daemon answers and closes while we still write: the answer may be lost with that.
  const answer = await callRaw(SOCKET, { path: ADD, body }).catch((error) => error);
  if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET/);
  else expectRefusal(answer, [400, 413], 'large');
});

test.each([
  ['__proto__', '{"__proto__":{"if_name":"net2"}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"if_name":"net2"}}}'],
])('a body with %s is refused with 400 and spoils nothing', async (_, body) => {
  expectRefusal(await callRaw(SOCKET, { path: ADD, body }), [400], '');
  const whole = JSON.stringify(rightBody()).replace('{', `{${body.slice(1, -1)},`);
  expectRefusal(await callRaw(SOCKET, { path: ADD, body: whole }), [400], '');
});

test.each([
  ['POST', '/'],
  ['POST', '/api/v1/nosuch'],
  ['POST', '/api/v1/add/'],
  ['POST', '/api/v1/%2e%2e/add'],
  ['GET', ADD],
  ['PUT', ADD],
])('%s of %s is refused with 404', async (method, path) => {
  const body = JSON.stringify(rightBody());
  expectRefusal(await callRaw(SOCKET, { method, path, body }), [404], path);
});

test('a path that cannot be decoded is refused with 400 or 404', async () => {
  const answer = await callRaw(SOCKET, { path: '/api/v1/%zz', body: '{}' });
  expectRefusal(answer, [400, 404], '');
});

test('a body of another content type is refused', async () => {
  const headers = { 'Content-Type': 'text/plain' };
  const body = JSON.stringify(rightBody());
  expectRefusal(await callRaw(SOCKET, { path: ADD, body, headers }), [400, 415], '');
});

test('bytes that are no HTTP do not disturb', async () => {
  const socket = connect(SOCKET);
  await once(socket, 'connect');
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.resume().end('\x00\x01 nonsense\r\n\r\n');
  await closed;
});

test('a caller that leaves in the middle of its body does not disturb', async () => {
  const socket = connect(SOCKET);
  await once(socket, 'connect');
  const head = `POST ${ADD} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}Content-Length: 100\r\n\r\n{"cni_type"`);
  const closed = once(
    socket.on('error', () => {}),
    'close',
  );
  socket.destroy();
  await closed;
});

test('after all of this an ADD with fields that nobody knows works, and its DEL', async () => {
  const body = JSON.stringify({ ...rightBody(), mtu: 'big', future: { a: [1] }, if_names: null });
  const added = await callRaw(SOCKET, { path: ADD, body });
  expect(added.status, added.text).toBe(200);
  expect(await podLink(sandbox, 'net1')).toBeDefined();
  const deleted = await callRaw(SOCKET, { path: DEL, body });
  expect(deleted.status, deleted.text).toBe(204);

  const again = await cni('ADD', sandbox, 'net1', ovnConfig());
  expect(again.exitCode, again.stdout).toBe(0);
  expect((await cni('DEL', sandbox, 'net1', ovnConfig())).exitCode).toBe(0);
});
