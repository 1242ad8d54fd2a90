/**
 * Requests that nobody waits for any more.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import type { Protocol } from '../../../lab/kubernetes/listener.ts';
import { TcpLine } from '../../../lab/tcp-line.ts';
import { pod } from '../../../unit/common/kubernetes/support.ts';

const POD = '/api/v1/namespaces/default/pods/a';
const PROTOCOLS: readonly Protocol[] = ['h2', 'http/1.1'];
/** It is a process of its own, and a busy machine takes its time. */
const PROGRAM_TIMEOUT_MS = 120_000;
const never = new AbortController().signal;

describe('a request with a body that is given up', () => {
  it.each(PROTOCOLS)(
    'at any moment of its sending, is no harm to others over %s',
    async (protocol) => {
      await using server = await FakeApiServer.start({ protocol });
      server.create(pod('a'));
      const folder = await mkdtemp(join(tmpdir(), 'given-up-'));
      try {
        const kubeconfig = join(folder, 'kubeconfig');
        await server.writeKubeconfig(kubeconfig);
        const program = join(import.meta.dirname, 'given-up-program.ts');
        const child = spawn(process.execPath, [program, kubeconfig], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
        const [exitCode, killedBy] = await once(child, 'close');
        expect({ exitCode, killedBy, output }).toEqual({
          exitCode: 0,
          killedBy: null,
          output: 'done',
        });
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    PROGRAM_TIMEOUT_MS,
  );

  it('after it was sent, has its error at once, and its connection goes on', async () => {
    await using server = await FakeApiServer.start({ protocol: 'h2' });
    server.create(pod('a'));
    await using line = await TcpLine.start(server.url);
    const config = new KubeConfig();
    config.loadFromString(server.kubeconfig().replace(server.url, line.url));
    const api = new KubernetesApi(config);
    await api.get(POD, {}, never);
    line.holdAnswers();
    const given = new AbortController();
    const patched = api.mergePatch(POD, { metadata: { labels: { color: 'blue' } } }, given.signal);
    await server.requests.waitFor({ verb: 'patch' }, 1);
    given.abort(new Error('given up'));
    await expect(patched).rejects.toThrow('given up');
    line.restore();
    expect(await api.get(POD, {}, never)).toMatchObject({ metadata: { name: 'a' } });
    api.destroy();
  });

  it('before there is a connection, is never sent', async () => {
    await using server = await FakeApiServer.start();
    server.create(pod('a'));
    await using line = await TcpLine.start(server.url);
    line.hold();
    const config = new KubeConfig();
    config.loadFromString(server.kubeconfig().replace(server.url, line.url));
    const api = new KubernetesApi(config);
    const given = new AbortController();
    const patched = api.mergePatch(POD, { metadata: { labels: { color: 'blue' } } }, given.signal);
    // It waits for the connection now.
    const other = api.get(POD, {}, never);
    await new Promise(setImmediate);
    given.abort(new Error('given up'));
    await expect(patched).rejects.toThrow('given up');
    line.restore();
    await other;
    expect(server.requests.count({ verb: 'patch' })).toBe(0);
    api.destroy();
  });
});
