/**
 * How the fake API server is reached: HTTP/2 and HTTP/1.1 over TLS, GOAWAY, and lines that lose what they
 * carry. The client here is Node's own, which hides none of it.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../lab/kubernetes/api.ts';
import type { Protocol } from '../../lab/kubernetes/listener.ts';
import { TcpLine } from '../../lab/tcp-line.ts';
import { PODS, pod } from './support.ts';

interface Connected extends AsyncDisposable {
  readonly server: FakeApiServer;
  readonly session: ClientHttp2Session;
  /** Sends a request. */
  ask(path: string): ClientHttp2Stream;
}

async function setUp(): Promise<Connected> {
  const server = await FakeApiServer.start({ protocol: 'h2' });
  const session = connectTo(server, server.url);
  await once(session, 'remoteSettings');
  const dispose = async () => {
    session.destroy();
    await server.close();
  };
  const ask = (path: string) => {
    const stream = session.request({ ':path': path, ...credentials(server) });
    return stream.on('error', () => undefined);
  };
  return { server, session, ask, [Symbol.asyncDispose]: dispose };
}

function connectTo(server: FakeApiServer, url: string): ClientHttp2Session {
  const session = connect(url, { ca: server.authority ?? '' });
  return session.on('error', () => undefined);
}

function credentials(server: FakeApiServer) {
  return { authorization: `Bearer ${server.tokenOf()}` };
}

async function statusOf(stream: ClientHttp2Stream): Promise<unknown> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  return headers[':status'];
}

async function goneAway(session: ClientHttp2Session) {
  const [code, lastStream] = (await once(session, 'goaway')) as [number, number];
  return { code, lastStream };
}

describe('the fake API server speaks', () => {
  it.each([
    ['HTTP/2 with those who can', 'h2', true, '2.0'],
    ['HTTP/1.1 with the others', 'h2', false, '1.1'],
    ['HTTP/1.1 alone where a test wants that', 'http/1.1', true, '1.1'],
  ] as const)('%s', async (_, protocol: Protocol, allowH2, version) => {
    await using server = await FakeApiServer.start({ protocol });
    server.create(pod('a'));
    const agent = new Agent({ connect: { ca: server.authority ?? '' }, allowH2 });
    const response = await fetch(`${server.url}${PODS}/a`, {
      dispatcher: agent,
      headers: credentials(server),
    });
    expect(await response.json()).toMatchObject({ metadata: { name: 'a' } });
    await agent.close();
    expect(server.requests.all.map(({ httpVersion }) => httpVersion)).toEqual([version]);
  });

  it('with nobody who does not trust its certificate', async () => {
    await using server = await FakeApiServer.start({ protocol: 'h2' });
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
    expect(server.requests.count()).toBe(0);
  });

  it('to as many requests of a connection at a time as the real one', async () => {
    await using all = await setUp();
    expect(all.session.remoteSettings.maxConcurrentStreams).toBe(1000);
  });

  it('watches in one connection, and ends each by itself', async () => {
    await using all = await setUp();
    const [pods, nodes] = [
      all.ask(`${PODS}?watch=true&resourceVersion=1000`),
      all.ask('/api/v1/nodes?watch=true&resourceVersion=1000'),
    ];
    expect(await Promise.all([statusOf(pods), statusOf(nodes)])).toEqual([200, 200]);
    pods.close(constants.NGHTTP2_CANCEL);
    await all.server.watches.waitForCount(1);
    all.server.create({ kind: 'Node', metadata: { name: 'n' } });
    expect(`${(await once(nodes, 'data'))[0]}`).toContain('"type":"ADDED"');
    expect(all.server.connectionCount).toBe(1);
  });
});

describe('GOAWAY', () => {
  it('lets what is in flight be finished, watches too, and takes nothing new', async () => {
    await using all = await setUp();
    const { server, session } = all;
    const watch = all.ask(`${PODS}?watch=true&resourceVersion=1000`).resume();
    await statusOf(watch);
    server.silence();
    const asked = all.ask(PODS).resume();
    await server.requests.waitFor({ verb: 'list' }, 1);
    const away = goneAway(session);
    server.goAway();
    expect(await away).toEqual({ code: constants.NGHTTP2_NO_ERROR, lastStream: asked.id });
    server.resume();
    expect(await statusOf(asked)).toBe(200);
    expect(server.openConnectionCount).toBe(1);
    expect(session.closed).toBe(true);
    const closed = once(session, 'close');
    server.watches.endAll();
    await closed;
  });

  it('comes by chance, with the same requests for the same seed', async () => {
    const told = async (seed: number) => {
      await using server = await FakeApiServer.start({ protocol: 'h2' });
      server.faults.goAwayChance(0.3, seed);
      const answers: boolean[] = [];
      let session = connectTo(server, server.url);
      for (let count = 0; count < 20; count += 1) {
        if (session.closed || session.destroyed) session = connectTo(server, server.url);
        let isTold = false;
        session.once('goaway', () => {
          isTold = true;
        });
        const stream = session.request({ ':path': PODS, ...credentials(server) }).resume();
        expect(await statusOf(stream)).toBe(200);
        await once(stream, 'close');
        answers.push(isTold);
      }
      session.destroy();
      return answers;
    };
    const first = await told(7);
    expect(first).toContain(true);
    expect(first).toContain(false);
    expect(await told(7)).toEqual(first);
    expect(await told(8)).not.toEqual(first);
  });

  it('follows a request that is not authenticated', async () => {
    await using all = await setUp();
    const away = goneAway(all.session);
    const stream = all.session.request({ ':path': PODS, authorization: 'Bearer other' });
    expect(await statusOf(stream)).toBe(401);
    expect(await away).toMatchObject({ code: constants.NGHTTP2_NO_ERROR });
  });
});

describe('connections', () => {
  it('are broken by a reset', async () => {
    await using all = await setUp();
    all.server.silence();
    const asked = all.ask(PODS);
    await all.server.requests.waitFor({}, 1);
    const closed = new Promise((resolve) => asked.once('close', resolve));
    all.server.resetConnections();
    await closed;
    expect(all.session.destroyed).toBe(true);
  });

  it('that a line has lost say nothing, and do not break; new ones over it work', async () => {
    await using server = await FakeApiServer.start({ protocol: 'h2' });
    await using line = await TcpLine.start(server.url);
    const lost = connectTo(server, line.url);
    await once(lost, 'remoteSettings');
    line.lose();
    const asked = lost.request({ ':path': PODS });
    asked.on('error', () => undefined);
    const nothing = sleep(200, 'nothing');
    expect(await Promise.race([once(asked, 'response'), once(lost, 'close'), nothing])).toBe(
      'nothing',
    );
    const fresh = connectTo(server, line.url);
    expect(await statusOf(fresh.request({ ':path': PODS, ...credentials(server) }))).toBe(200);
    expect(server.requests.count()).toBe(1);
    for (const session of [lost, fresh]) session.destroy();
  });
});
