/** CHECK, GC and STATUS as whole calls of `run`. */
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/plugin/run.ts';
import {
  CheckRequestSchema,
  GcRequestSchema,
  StatusRequestSchema,
} from '../../../src/wire/messages.ts';
import { delegateStdin, ENV, REQUEST, stdin } from './call.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from './fake-daemon.ts';

const CHECK_ENV = { ...ENV, CNI_COMMAND: 'CHECK' };
const GC_ENV = { CNI_COMMAND: 'GC', CNI_PATH: '/opt/cni/bin' };
const STATUS_ENV = { CNI_COMMAND: 'STATUS', CNI_PATH: '/opt/cni/bin' };

const PREV_RESULT = {
  interfaces: [{ name: 'eth0', mtu: 1400 }],
  ips: [{ address: '10.16.0.5/16' }],
};
const ATTACHMENTS = { 'cni.dev/valid-attachments': [{ containerID: 'c0ffee', ifname: 'eth0' }] };

async function printed(...call: Parameters<typeof run>) {
  const { exitCode, stdout } = await run(...call);
  return { exitCode, ...JSON.parse(stdout) };
}

describe('CHECK', () => {
  const prevResult = {
    interfaces: [{ name: 'eth0', mac: '', mtu: 1400, sandbox: '' }],
    ips: [{ address: '10.16.0.5/16' }],
    routes: [],
  };

  it("sends what the ADD did, and that ADD's result, and prints nothing", async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const config = stdin(socketPath, { cniVersion: '0.4.0', prevResult: PREV_RESULT });
    expect(await run(CHECK_ENV, config)).toEqual({ exitCode: 0, stdout: '' });
    expect(received[0]?.url).toBe('/api/v1/check');
    const body = JSON.parse(received[0]?.body ?? '');
    expect(body).toEqual({ ...REQUEST, prev_result: prevResult });
    expect(Schema.Check(CheckRequestSchema, body)).toBe(true);
  });

  it('of an IPAM delegate is sent, too', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const config = delegateStdin(socketPath, { prevResult: PREV_RESULT });
    expect(await run(CHECK_ENV, config)).toEqual({ exitCode: 0, stdout: '' });
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      cni_type: 'macvlan',
      provider: 'macvlan.default',
      prev_result: prevResult,
    });
  });

  it('is error 7 without a result, before the daemon is asked', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const failure = await printed(CHECK_ENV, stdin(socketPath));
    expect(failure).toMatchObject({ exitCode: 1, code: 7 });
    expect(failure.details).toContain('prevResult: expected');
    expect(received).toEqual([]);
  });

  it("prints the daemon's error", async () => {
    const cni_error = { code: 11, msg: 'CHECK of eth0: the port is gone', details: 'look' };
    const { socketPath } = await httpDaemon(500, JSON.stringify({ cni_error }));
    const config = stdin(socketPath, { prevResult: PREV_RESULT });
    expect(await printed(CHECK_ENV, config)).toMatchObject({ exitCode: 1, ...cni_error });
  });
});

describe('GC', () => {
  it('sends the network and its valid attachments, and prints nothing', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const config = stdin(socketPath, { provider: 'attachnet.default.ovn', ...ATTACHMENTS });
    expect(await run(GC_ENV, config)).toEqual({ exitCode: 0, stdout: '' });
    expect(received[0]?.url).toBe('/api/v1/gc');
    const body = JSON.parse(received[0]?.body ?? '');
    expect(body).toEqual({
      cni_type: 'kube-ovn',
      network: 'net',
      provider: 'attachnet.default.ovn',
      valid_attachments: [{ container_id: 'c0ffee', if_name: 'eth0' }],
      operation_id: REQUEST.operation_id,
    });
    expect(Schema.Check(GcRequestSchema, body)).toBe(true);
  });

  it('of an IPAM delegate is sent, too', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    await run(GC_ENV, delegateStdin(socketPath, ATTACHMENTS));
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      cni_type: 'macvlan',
      provider: 'macvlan.default',
      valid_attachments: [{}],
    });
  });

  it('without a list sends none, and without name and provider the primary network', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    await run(GC_ENV, stdin(socketPath, { name: undefined }));
    const body = JSON.parse(received[0]?.body ?? '');
    const { operation_id } = REQUEST;
    expect(body).toEqual({ cni_type: 'kube-ovn', network: '', provider: 'ovn', operation_id });
    expect(Schema.Check(GcRequestSchema, body)).toBe(true);
  });

  it('with a wrong list is error 7, before the daemon is asked', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const list = { 'cni.dev/valid-attachments': [{ containerID: 'c0ffee', ifname: '' }] };
    const failure = await printed(GC_ENV, stdin(socketPath, list));
    expect(failure).toMatchObject({ exitCode: 1, code: 7 });
    expect(failure.details).toContain('cni.dev/valid-attachments[0].ifname');
    expect(received).toEqual([]);
  });

  it('is error 11 without a daemon', async () => {
    const failure = await printed(GC_ENV, stdin(freeSocketPath(), ATTACHMENTS));
    expect(failure).toMatchObject({ code: 11, msg: 'the node daemon is not running' });
  });
});

describe('STATUS', () => {
  it('sends type and provider, and prints nothing', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    expect(await run(STATUS_ENV, stdin(socketPath))).toEqual({ exitCode: 0, stdout: '' });
    expect(received[0]?.url).toBe('/api/v1/status');
    const body = JSON.parse(received[0]?.body ?? '');
    expect(body).toEqual({ cni_type: 'kube-ovn', provider: 'ovn' });
    expect(Schema.Check(StatusRequestSchema, body)).toBe(true);
  });

  it('of an IPAM delegate is sent, too', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    expect((await run(STATUS_ENV, delegateStdin(socketPath))).exitCode).toBe(0);
    const body = JSON.parse(received[0]?.body ?? '');
    expect(body).toEqual({ cni_type: 'macvlan', provider: 'macvlan.default' });
  });

  it.each([50, 51])('prints error %i as the daemon says it', async (code) => {
    const cni_error = { code, msg: 'STATUS: no', details: 'look there' };
    const { socketPath } = await httpDaemon(500, JSON.stringify({ cni_error }));
    expect(await printed(STATUS_ENV, stdin(socketPath))).toEqual({
      exitCode: 1,
      cniVersion: '1.1.0',
      ...cni_error,
    });
  });

  it.each([
    ['does not exist', async () => freeSocketPath(), 'ENOENT'],
    ['says nothing', () => rawDaemon(() => {}), 'did not answer within 900 ms'],
    ['closes', () => rawDaemon((socket) => socket.end()), 'closed the connection'],
    ['talks otherwise', () => rawDaemon((socket) => socket.end('220 mail')), '220 mail'],
  ])('is error 50, with where to look, where a daemon %s', async (_title, start, reason) => {
    const failure = await printed(STATUS_ENV, stdin(await start()));
    expect(failure).toMatchObject({ exitCode: 1, cniVersion: '1.1.0', code: 50 });
    expect(failure.details).toContain(reason);
    expect(failure.details).toContain('DaemonSet kube-ovn-cni');
  });
});

describe.each([
  ['CHECK', CHECK_ENV, { prevResult: {} }, '0.3.1', '0.4.0'],
  ['GC', GC_ENV, {}, '1.0.0', '1.1.0'],
  ['STATUS', STATUS_ENV, {}, '1.0.0', '1.1.0'],
])('%s', (verb, env, change, tooOld, since) => {
  it(`is error 1 in version ${tooOld}, before the daemon is asked`, async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const failure = await printed(env, stdin(socketPath, { ...change, cniVersion: tooOld }));
    expect(failure).toMatchObject({ exitCode: 1, cniVersion: tooOld, code: 1 });
    expect(failure.details).toContain(`${verb} exists from version ${since} on`);
    expect(received).toEqual([]);
  });

  it('is error 11 where the daemon does not know it', async () => {
    const { socketPath } = await httpDaemon(404, '404 page not found');
    const failure = await printed(env, stdin(socketPath, change));
    expect(failure).toMatchObject({ code: 11, msg: 'the node daemon does not have this command' });
    expect(failure.details).toContain(`does not know /api/v1/${verb.toLowerCase()}`);
  });
});
