import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  closeHealth,
  type HealthSources,
  healthHandler,
  listenForHealth,
} from '../../../../src/common/http/health-server.ts';

const FINE: HealthSources = {
  livez: () => ({ isFine: true }),
  readyz: () => ({ isFine: true }),
  statusz: () => ({ program: 'agent', instance: 'node-1', startedAt: '2026-01-01', parts: [] }),
};

async function setUp(sources: Partial<HealthSources> = {}) {
  const server = await listenForHealth(healthHandler({ ...FINE, ...sources }), {
    port: 0,
    address: '127.0.0.1',
  });
  onTestFinished(() => closeHealth(server).catch(() => {}));
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const { status, headers } = response;
    return { status, headers, text: await response.text() };
  };
  return { server, port, ask };
}

describe('probes', () => {
  it('are 200 and ok where all is fine, at /livez, /readyz and /healthz', async () => {
    const { ask } = await setUp();
    for (const path of ['/livez', '/readyz', '/healthz', '/readyz?verbose']) {
      expect(await ask(path)).toMatchObject({ status: 200, text: 'ok\n' });
    }
  });

  it('say with 503 why not; /healthz is /readyz', async () => {
    const { ask } = await setUp({
      readyz: () => ({ isFine: false, notes: ['the socket does not answer', 'look at it'] }),
    });
    for (const path of ['/readyz', '/healthz']) {
      const text = 'the socket does not answer\nlook at it\n';
      expect(await ask(path)).toMatchObject({ status: 503, text });
    }
    expect(await ask('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
  });

  it('are 503 where the question itself fails', async () => {
    const { ask } = await setUp({
      livez: () => {
        throw new Error('no such socket');
      },
    });
    expect(await ask('/livez')).toMatchObject({ status: 503, text: 'no such socket\n' });
  });

  it('are answered in time where the question hangs', async () => {
    const { ask } = await setUp({ livez: () => new Promise(() => {}) });
    const { status, text } = await ask('/livez');
    expect({ status, text }).toEqual({ status: 503, text: 'no result within 2 s\n' });
  });

  it('a hundred at once ask once', async () => {
    let asked = 0;
    const gate = Promise.withResolvers<void>();
    const { ask } = await setUp({
      readyz: async () => {
        asked += 1;
        await gate.promise;
        return { isFine: true };
      },
    });
    const answers = Array.from({ length: 40 }, () => ask('/readyz'));
    await ask('/livez');
    gate.resolve();
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
    // One more where the last of them came after the first answer was made.
    expect(asked).toBeLessThanOrEqual(2);
  });
});

it('any other path is 404, and any other method than GET and HEAD is 405', async () => {
  const { ask } = await setUp();
  for (const path of ['/', '/metrics', '/livezz', '/livez/', '/debug/pprof/']) {
    expect(await ask(path)).toMatchObject({ status: 404 });
  }
  const post = await ask('/livez', { method: 'POST', body: 'x'.repeat(100_000) });
  expect(post.status).toBe(405);
  expect(post.headers.get('allow')).toBe('GET, HEAD');
  expect(await ask('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
});

describe('/statusz', () => {
  const parts = [
    { name: 'OVS', ok: false, text: 'ovsdb-server does not answer\nlook at it' },
    { name: 'API server', ok: true, text: 'heard 2 s ago' },
  ];
  const statusz = () => ({ program: 'agent', instance: 'node-1', startedAt: '2026-01-01', parts });

  it('is a table for people, with 200 also where something is wrong', async () => {
    const { ask } = await setUp({ statusz });
    expect(await ask('/statusz')).toMatchObject({
      status: 200,
      text: [
        'agent on node-1 since 2026-01-01: 1 of 2 do not work',
        '✗ OVS         ovsdb-server does not answer; look at it',
        '✓ API server  heard 2 s ago\n',
      ].join('\n'),
    });
  });

  it('is JSON where that is asked for', async () => {
    const { ask } = await setUp({ statusz });
    const answers = [
      await ask('/statusz', { headers: { accept: 'application/json' } }),
      await ask('/statusz?format=json'),
    ];
    for (const { headers, text } of answers) {
      expect(headers.get('content-type')).toBe('application/json');
      expect(JSON.parse(text)).toEqual({ ok: false, ...statusz() });
    }
  });
});

describe('/metrics', () => {
  it('is what the program hands out', async () => {
    const contentType = 'text/plain; version=0.0.4; charset=utf-8';
    const { ask } = await setUp({ metrics: async () => ({ contentType, body: 'up 1\n' }) });
    const { status, headers, text } = await ask('/metrics');
    expect({ status, text }).toEqual({ status: 200, text: 'up 1\n' });
    expect(headers.get('content-type')).toBe(contentType);
  });

  it('is read by whoever may, and by nobody else; probes are answered to everybody', async () => {
    const { ask } = await setUp({
      metrics: () => ({ contentType: 'text/plain', body: 'up 1\n' }),
      authorize: async ({ headers }) =>
        headers.authorization === 'Bearer good'
          ? { status: 200, reason: '' }
          : { status: headers.authorization ? 403 : 401, reason: 'no' },
    });
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/metrics')).headers.get('www-authenticate')).toBe('Bearer');
    const with_ = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect(await ask('/metrics', with_('bad'))).toMatchObject({ status: 403, text: 'no\n' });
    expect(await ask('/metrics', with_('good'))).toMatchObject({ status: 200, text: 'up 1\n' });
    expect((await ask('/readyz')).status).toBe(200);
  });
});

/** Connections from a loopback address of its own. */
async function open(port: number, localAddress: string, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect({ port, host: '127.0.0.1', localAddress }),
  );
  for (const socket of sockets) socket.on('error', () => {});
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

function askFrom(port: number, localAddress: string): Promise<number | string> {
  return new Promise((resolve) => {
    const call = request({ port, host: '127.0.0.1', localAddress, path: '/livez', agent: false });
    call.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end();
  });
}

describe('connections', () => {
  it('end behind their answer', async () => {
    const { ask } = await setUp();
    expect((await ask('/livez')).headers.get('connection')).toBe('close');
  });

  it('one caller that holds all it can keeps neither other callers nor the kubelet out', async () => {
    const { port } = await setUp();
    const held = await open(port, '127.0.0.2', 8);
    expect(await askFrom(port, '127.0.0.2')).toBe('ECONNRESET');
    expect(await askFrom(port, '127.0.0.3')).toBe(200);
    expect(await askFrom(port, '127.0.0.1')).toBe(200);
    const closed = once(held[0] as Socket, 'close');
    (held[0] as Socket).end('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n').resume();
    await closed;
    expect(await askFrom(port, '127.0.0.2')).toBe(200);
  });

  it('many callers together do not keep the kubelet of the same host out', async () => {
    const { port } = await setUp();
    for (let last = 2; last < 12; last += 1) await open(port, `127.0.0.${last}`, 8);
    expect(await askFrom(port, '127.0.0.99')).toBe('ECONNRESET');
    expect(await askFrom(port, '127.0.0.1')).toBe(200);
  });

  it('on which nothing comes are closed', async () => {
    const { port } = await setUp();
    const [socket] = await open(port, '127.0.0.2', 1);
    socket?.resume();
    await once(socket as Socket, 'close');
  });
});

it('whoever asks for metrics and goes away is no longer in line', async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const { port } = await setUp({
    metrics: () => ({ contentType: 'text/plain', body: 'up 1\n' }),
    authorize: (_request, signal) => {
      asked.resolve(signal);
      return new Promise(() => {});
    },
  });
  const [socket] = await open(port, '127.0.0.2', 1);
  socket?.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  const signal = await asked.promise;
  expect(signal.aborted).toBe(false);
  socket?.destroy();
  await once(signal, 'abort');
  expect(signal.reason).toEqual(new Error('the caller went away'));
});

it('a connection that cannot be taken ends neither the server nor the process', async () => {
  const { server, ask } = await setUp();
  server.emit('error', new Error('accept ENFILE'));
  expect((await ask('/livez')).status).toBe(200);
});

it('a port that somebody else has is an error', async () => {
  const { port } = await setUp();
  const second = listenForHealth(healthHandler(FINE), { port, address: '127.0.0.1' });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
