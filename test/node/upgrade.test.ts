/**
 * A rolling upgrade replaces executable and daemon at different times: the executable while it is
 * called, and either half works with an older or newer other half. The daemon's restart is in
 * upgrade-daemon.test.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EXECUTABLES } from '../../src/installer/executables.ts';
import { type Outcome, outcomeOf } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { ImageFolder } from '../lab/image.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { cni, cniEnvironment, cniInput, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink } from '../lab/snapshot.ts';
import { prevResultOf } from './check-fixture.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { type Census, census, expectNode, interfacesOf, mustAdd, mustDelete } from './observe.ts';
import { expectError } from './refusal.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('the executable', () => {
  const directory = '/run/cni-bin';
  const target = `${directory}/kube-ovn`;
  let images: readonly ImageFolder[];
  let installs = 0;
  beforeAll(async () => {
    images = await Promise.all(
      ['0.1.1', '0.1.2'].map((version) => ImageFolder.create(`/run/image-${version}`, version)),
    );
  });
  beforeEach(async () => {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    await install();
  });

  /** What the init container runs, of another version each time. */
  async function install(): Promise<void> {
    const image = images[installs % images.length];
    installs += 1;
    const flags = [`--cni-bin-dir=${directory}`, '--non-primary-cni-mode=true'];
    const outcome = await image?.run('install-cni.sh', flags);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
  }

  function call(verb: string, sandbox: Sandbox): Promise<Outcome> {
    const env = cniEnvironment(verb, sandbox, 'net1');
    return outcomeOf(target, [], { env, input: cniInput(ovnConfig()) });
  }

  test('is replaced eight times while it is called, and every call has its outcome', {
    timeout: 240_000,
  }, async () => {
    const before = await census(fixture.node);
    const sandboxes: Sandbox[] = [];
    for (let number = 0; number < 3; number += 1) sandboxes.push((await fixture.pod()).sandbox);
    let isOver = false;
    let calls = 0;
    const keepCalling = async (sandbox: Sandbox) => {
      while (!isOver) {
        for (const verb of ['VERSION', 'ADD', 'DEL']) {
          const { exitCode, stdout, stderr } = await call(verb, sandbox);
          expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
          if (verb !== 'DEL') expect(JSON.parse(stdout)).toHaveProperty('cniVersion');
          calls += 1;
        }
      }
    };
    const inodes = new Set<number>();
    const calling = sandboxes.map(keepCalling);
    for (let round = 0; round < 8; round += 1) {
      await install();
      inodes.add((await stat(target)).ino);
    }
    isOver = true;
    await Promise.all(calling);
    expect(inodes.size).toBeGreaterThan(1);
    // Three callers, which had time for more than one round each.
    expect(calls).toBeGreaterThan(9);
    expect((await readdir(directory)).sort()).toEqual([...EXECUTABLES].sort());
    await expectNode(fixture.node, before);
  });

  test('is replaced while it runs, where a plain copy fails', async () => {
    const { sandbox } = await fixture.pod();
    const env = cniEnvironment('ADD', sandbox, 'net1');
    // It waits for its configuration.
    const running = spawn(target, [], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    await once(running, 'spawn');
    const copied = await outcomeOf('cp', ['/bin/true', target]);
    expect(copied.exitCode).not.toBe(0);
    expect(copied.stderr).toContain('Text file busy');
    await install();
    running.stdin.end(cniInput(ovnConfig()));
    expect(await once(running, 'close')).toEqual([0, null]);
    await mustDelete(sandbox, 'net1', ovnConfig());
  });
});

describe('a newer executable', () => {
  test('may send fields that the daemon does not know, in every call', async () => {
    const { sandbox, nic } = await fixture.pod();
    const more = { some_day: { we: ['know', 1, null] } };
    const routes = [{ dst: '10.99.0.0/16', gw: '172.17.0.1', metric: 5 }];
    const request = { ...requestFields(sandbox, ATTACHNET), ...more, routes };
    const post = (verb: string, body: object) =>
      callRaw(SOCKET, { path: `/api/v1/${verb}`, body: JSON.stringify(body) });
    const added = await post('add', { ...request, dns: { ...more } });
    expect(added.status, added.text).toBe(200);
    expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
    const mac = nic.mac ?? '';
    const result = prevResultOf({
      cniVersion: '1.1.0',
      interfaces: [{ name: 'net1', mac, mtu: 1400, sandbox: sandbox.netns }],
      ips: [{ address: `${nic.ip}/16`, interface: 0 }],
    });
    const checked = await post('check', { ...request, prev_result: { ...result, ...more } });
    expect(checked.status, checked.text).toBe(204);
    const network = { cni_type: 'kube-ovn', provider: ATTACHNET, ...more };
    const attachments = [{ container_id: sandbox.containerId, if_name: 'net1', ...more }];
    const list = { network: 'net', valid_attachments: attachments };
    expect((await post('gc', { ...network, ...list })).status).toBe(204);
    expect((await post('status', network)).status).toBe(204);
    expect(await podLink(sandbox, 'net1')).toBeDefined();
    expect((await post('del', request)).status).toBe(204);
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
  });

  test('and the GC of its runtime spare what an older one made; it goes with its sandbox', async () => {
    const { node } = fixture;
    const before = await census(node);
    const { sandbox } = await fixture.pod();
    // An older one says neither the pod's UID nor the network's name.
    const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
    const { status, text } = await callRaw(SOCKET, { path: '/api/v1/add', body });
    expect(status, text).toBe(200);
    const none = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] };
    const { exitCode, stdout } = await cni('GC', sandbox, 'net1', ovnConfig(none));
    expect(exitCode, stdout).toBe(0);
    expect(await podLink(sandbox, 'net1')).toMatchObject({ operstate: 'UP' });
    await deleteSandbox(sandbox);
    // The kernel takes its time with a namespace.
    await expect.poll(() => interfacesOf(node, sandbox), { timeout: 60_000 }).toEqual([]);
    await expectNode(node, before);
  });

  test('does the DEL of what an older one made', async () => {
    const before = await census(fixture.node);
    const { sandbox } = await fixture.pod();
    const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
    expect((await callRaw(SOCKET, { path: '/api/v1/add', body })).status).toBe(200);
    await mustDelete(sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });
});

describe("with Kube-OVN's Go daemon, which knows ADD and DEL,", () => {
  const socket = '/run/go-daemon.sock';
  const config = ovnConfig({ server_socket: socket, cniVersion: '1.1.0' });
  let server: Server;
  let sandbox: Sandbox;
  let before: Census;
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().once('end', () => {
        const answer = GO_ANSWERS[request.url ?? ''];
        const head = { 'Content-Type': answer ? 'application/json' : 'text/plain; charset=utf-8' };
        response.writeHead(answer?.status ?? 404, head);
        response.end(answer?.body ?? '404: Page Not Found');
      });
    });
    server.listen(socket);
    await once(server, 'listening');
    sandbox = (await fixture.pod()).sandbox;
    before = await census(fixture.node);
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
    await expectNode(fixture.node, before);
  });

  test('ADD and DEL work', async () => {
    const { ips } = await mustAdd(sandbox, 'net1', config);
    expect(ips).toMatchObject([{ address: '172.17.0.5/16' }]);
    await mustDelete(sandbox, 'net1', config);
  });

  test.each([
    ['CHECK', '/api/v1/check', { prevResult: { cniVersion: '1.1.0', interfaces: [], ips: [] } }],
    ['GC', '/api/v1/gc', { 'cni.dev/valid-attachments': [] }],
    ['STATUS', '/api/v1/status', {}],
  ])('%s says that the daemon is of another version', async (verb, path, more) => {
    const outcome = await cni(verb, sandbox, 'net1', { ...config, ...more });
    const says = ['the node daemon does not have this command', path, 'of another version'];
    expectError(outcome, { code: 11, says });
  });
});

const GO_ANSWERS: Readonly<Record<string, { status: number; body: string } | undefined>> = {
  '/api/v1/add': {
    status: 200,
    body: JSON.stringify({
      ips: [{ protocol: 'IPv4', ip: '172.17.0.5', cidr: '172.17.0.0/16' }],
      mac_address: '00:00:00:00:00:05',
      routes: null,
      mtu: 1400,
      nicname: 'net1',
      dns: {},
      error: '',
    }),
  },
  '/api/v1/del': { status: 204, body: '' },
};
