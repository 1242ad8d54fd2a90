import { describe, expect, it, vi } from 'vitest';
import { CNI_VERSIONS } from '../../../src/plugin/network-config.ts';
import { run } from '../../../src/plugin/run.ts';
import { ADDED, delegateStdin, ENV, REQUEST, stdin } from './call.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from './fake-daemon.ts';

describe('VERSION', () => {
  it('lists the versions and does not read stdin', async () => {
    const readStdin = vi.fn(() => '');
    const { exitCode, stdout } = await run({ CNI_COMMAND: 'VERSION' }, readStdin);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ cniVersion: '1.1.0', supportedVersions: CNI_VERSIONS });
    expect(readStdin).not.toHaveBeenCalled();
  });
});

describe('ADD', () => {
  it('sends the whole request and prints the result in the version of the configuration', async () => {
    const { socketPath, received } = await httpDaemon(200, ADDED);
    const { exitCode, stdout } = await run(ENV, stdin(socketPath, { cniVersion: '0.4.0' }));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '0.4.0', ips: [{ version: '4' }] });
    expect(received[0]?.url).toBe('/api/v1/add');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(REQUEST);
  });

  it('sends the bandwidth that the runtime asks for', async () => {
    const { socketPath, received } = await httpDaemon(200, ADDED);
    const runtimeConfig = { bandwidth: { egressRate: 1_000_000, egressBurst: 4_294_967_295 } };
    await run(ENV, stdin(socketPath, { runtimeConfig }));
    const limits = { egress_rate: 1_000_000, egress_burst: 4_294_967_295 };
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      ...REQUEST,
      bandwidth: { ingress_rate: 0, ingress_burst: 0, ...limits },
    });
  });

  it('hands out addresses only for another plugin', async () => {
    const { socketPath, received } = await httpDaemon(200, ADDED);
    const config = delegateStdin(socketPath, { cniVersion: '1.0.0', dns: { domain: 'a.org' } });
    const { stdout } = await run({ ...ENV, CNI_IFNAME: 'net1' }, config);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: '1.0.0',
      ips: [{ address: '10.16.0.5/16', gateway: '10.16.0.1' }],
      routes: [{ dst: '0.0.0.0/0', gw: '10.16.0.1' }],
      dns: { domain: 'a.org' },
    });
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      cni_type: 'macvlan',
      provider: 'macvlan.default',
      if_name: 'net1',
      dns: { domain: 'a.org' },
    });
  });

  it.each(['', 'OK', '[]', '{}'])('fails with error 11 where the answer is %j', async (answer) => {
    const { socketPath } = await httpDaemon(200, answer);
    const { exitCode, stdout } = await run(ENV, stdin(socketPath));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 11 });
  });
});

describe('an error', () => {
  it('is in the version of the configuration', async () => {
    const { exitCode, stdout } = await run(ENV, stdin(freeSocketPath(), { cniVersion: '0.3.1' }), {
      socketWaitMs: 0,
    });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: '0.3.1',
      code: 11,
      msg: 'the node daemon is not running',
      details: expect.stringContaining('ENOENT'),
    });
  });

  it.each(['{', '{"cniVersion":"9.0.0"}', '{"cniVersion":[]}'])(
    'is in the newest version where the one of the configuration is unknown, as in %j',
    async (text) => {
      const { stdout } = await run(ENV, () => text);
      expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '1.1.0' });
    },
  );

  it('of the environment is found before stdin is read', async () => {
    const readStdin = vi.fn(() => '');
    for (const env of [{}, { ...ENV, CNI_COMMAND: 'UPDATE' }, { ...ENV, CNI_IFNAME: 'a/b' }]) {
      const { exitCode, stdout } = await run(env, readStdin);
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '1.1.0', code: 4 });
    }
    expect(readStdin).not.toHaveBeenCalled();
  });

  it('of CNI_ARGS is error 7, before the daemon is asked', async () => {
    const { socketPath, received } = await httpDaemon(200, ADDED);
    const { stdout } = await run({ ...ENV, CNI_ARGS: 'K8S_POD_NAME=pod' }, stdin(socketPath));
    expect(JSON.parse(stdout)).toMatchObject({ code: 7 });
    expect(received).toEqual([]);
  });

  it('that no rule foresaw is an internal error, with its message and no stack', async () => {
    for (const thrown of [new TypeError('x is not a function'), 'text', null, undefined]) {
      const { exitCode, stdout } = await run(ENV, () => {
        throw thrown;
      });
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toEqual({
        cniVersion: '1.1.0',
        code: 999,
        msg: 'internal error',
        details: thrown instanceof Error ? 'x is not a function' : String(thrown),
      });
    }
  });

  it('ends a call whose daemon stays silent', async () => {
    const socketPath = await rawDaemon(() => {});
    const { exitCode, stdout } = await run(ENV, stdin(socketPath), { timeoutMs: 30 });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).details).toContain('did not answer within 30 ms');
  });
});

describe('the operation id', () => {
  it('is another one for each call', async () => {
    const { socketPath, received } = await httpDaemon(200, ADDED);
    for (let call = 0; call < 3; call += 1) await run(ENV, stdin(socketPath));
    const ids = received.map(({ body }) => JSON.parse(body).operation_id);
    expect(new Set(ids).size).toBe(3);
  });

  it('is in the error where no answer came, since the daemon may have a line about the call', async () => {
    let sent = '';
    const socketPath = await rawDaemon((socket, first) => {
      sent = /"operation_id":"(\w+)"/.exec(first.toString())?.[1] ?? '';
      socket.destroy();
    });
    const { stdout } = await run(ENV, stdin(socketPath));
    expect(sent).toMatch(/^[0-9a-f]{12}$/);
    expect(JSON.parse(stdout)).toMatchObject({ code: 11, details: expect.stringContaining(sent) });
  });
});
