/** A daemon whose container lacks what ADDs need says so at its start, in STATUS and in each ADD. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADD_PATH, STATUS_PATH } from '../../src/wire/paths.ts';
import { command } from '../lab/command.ts';
import { Daemon } from '../lab/daemon.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { createSandbox, type Sandbox } from '../lab/runtime.ts';
import { nodeState } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, KUBECONFIG } from './fixture.ts';

const SOCKET_PATH = '/run/abilities-test/daemon.sock';

let fixture: Fixture;
let sandbox: Sandbox;
beforeAll(async () => {
  fixture = await Fixture.start();
  // With it /run/netns is a mount of its own.
  ({ sandbox } = await fixture.pod());
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Runs a daemon behind `within`, beside the fixture's. */
async function withDaemon(
  within: readonly string[],
  task: (daemon: Daemon) => Promise<void>,
): Promise<void> {
  const flags = [`--bind-socket=${SOCKET_PATH}`];
  const options = { kubeconfig: KUBECONFIG, nodeName: fixture.node.chassis, flags, within };
  const daemon = await Daemon.start(options);
  try {
    await task(daemon);
  } finally {
    await daemon.stop();
  }
}

async function failureOf(path: string, body: object): Promise<{ code: number; msg: string }> {
  const { status, text } = await callRaw(SOCKET_PATH, { path, body: JSON.stringify(body) });
  return status < 300 ? { code: 0, msg: '' } : JSON.parse(text).cni_error;
}

const status = (type = 'kube-ovn') =>
  failureOf(STATUS_PATH, { cni_type: type, provider: ATTACHNET });
const add = (wanted: Sandbox) => failureOf(ADD_PATH, requestFields(wanted, ATTACHNET));

describe.each(['net_admin', 'net_raw', 'sys_admin'])('without capability %s', (name) => {
  test('the log, STATUS and each ADD name it, and nothing is made', async () => {
    const before = await nodeState(fixture.node);
    const within = ['setpriv', `--bounding-set=-${name}`, `--inh-caps=-${name}`];
    const said = `this daemon has no capability ${name.toUpperCase()}, `;
    await withDaemon(within, async (daemon) => {
      expect(daemon.logLines(`no ADD of an interface can be served: ${said}`)).toHaveLength(1);
      await expect.poll(async () => (await status()).msg).toContain(said);
      expect(await status()).toMatchObject({ code: 50 });
      expect(await status('macvlan')).toMatchObject({ code: 0 });
      expect(await add(sandbox)).toMatchObject({ code: 11, msg: expect.stringContaining(said) });
    });
    expect(await nodeState(fixture.node)).toEqual(before);
  });
});

describe('where namespaces do not come into the mounts of the daemon', () => {
  const within = ['unshare', '--mount', '--propagation', 'private'];

  test('the log and STATUS name the mount, and so does the ADD of a pod that came since', async () => {
    const said = 'mountPropagation: HostToContainer';
    await withDaemon(within, async (daemon) => {
      const [line = ''] = daemon.logLines(said);
      expect(line).toContain('network namespaces in /run/netns cannot be seen');
      const { code, msg } = await status();
      expect(code).toBe(50);
      expect(msg).toContain(`/run/netns of this daemon, which needs ${said}`);
      const later = await createSandbox(fixture.cluster.createPod('later'));
      const failure = await add(later);
      expect(failure.code).toBe(11);
      expect(failure.msg).toContain(`${later.netns} is no network namespace here`);
      expect(failure.msg).toContain(said);
    });
  });

  test('a folder that is part of a larger mount is known by the first pod', async () => {
    // Without pods there is no mount for namespaces alone.
    await command('umount', ['--lazy', '/run/netns']);
    await withDaemon(within, async () => {
      await expect.poll(status).toMatchObject({ code: 0 });
      await createSandbox(fixture.cluster.createPod('first'));
      const { code, msg } = await status();
      expect(code).toBe(50);
      expect(msg).toContain('network namespaces in /run/netns cannot be seen');
    });
  });
});

test('a daemon in the mount namespace of the runtime misses nothing', async () => {
  await withDaemon([], async (daemon) => {
    await createSandbox(fixture.cluster.createPod('seen'));
    expect(daemon.logLines('no ADD of an interface can be served')).toEqual([]);
    await expect.poll(status).toMatchObject({ code: 0 });
  });
});
