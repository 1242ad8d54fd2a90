import { describe, expect, it } from 'vitest';
import { post } from '../../../src/plugin/http-post.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from './fake-daemon.ts';

function send(socketPath: string, body = '{}', timeoutMs = 5000) {
  return post({ socketPath, path: '/api/v1/add', body, timeoutMs });
}

function answering(...parts: string[]) {
  return rawDaemon((socket) => {
    for (const part of parts) {
      socket.write(part);
    }
    socket.end();
  });
}

describe('a POST', () => {
  it('is understood by an HTTP server and brings back status and body', async () => {
    const { socketPath, received } = await httpDaemon(200, '{"é":"✓"}');
    expect(await send(socketPath, '{"name":"ü"}')).toEqual({ status: 200, body: '{"é":"✓"}' });
    expect(received).toMatchObject([
      { method: 'POST', url: '/api/v1/add', httpVersion: '1.0', body: '{"name":"ü"}' },
    ]);
    expect(received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '13',
    });
  });

  it('carries a megabyte each way', async () => {
    const large = JSON.stringify('x'.repeat(1_000_000));
    const { socketPath, received } = await httpDaemon(500, large);
    expect(await send(socketPath, large)).toEqual({ status: 500, body: large });
    expect(received[0]?.body).toBe(large);
  });

  it('takes an answer without body', async () => {
    const { socketPath } = await httpDaemon(204, '');
    expect(await send(socketPath)).toEqual({ status: 204, body: '' });
  });

  it('takes an answer that comes byte by byte and ends with the connection', async () => {
    const socketPath = await answering(...'HTTP/1.0 200 OK\r\nServer: x\r\n\r\n{"a":1}');
    expect(await send(socketPath)).toEqual({ status: 200, body: '{"a":1}' });
  });

  it('takes a status line without a reason', async () => {
    expect(await send(await answering('HTTP/1.1 404\r\n\r\n'))).toEqual({ status: 404, body: '' });
  });

  it('keeps its side open until the answer is there', async () => {
    let isEnded = false;
    const socketPath = await rawDaemon((socket) => {
      socket.on('end', () => {
        isEnded = true;
      });
      setTimeout(() => socket.end(`HTTP/1.0 200 OK\r\n\r\n${isEnded}`), 50);
    });
    expect((await send(socketPath)).body).toBe('false');
  });
});

describe('an answer that is not whole or not HTTP', () => {
  const OK = 'HTTP/1.1 200 OK\r\n';
  it.each([
    ['', 'closed the connection without an answer'],
    ['hello', 'not a whole HTTP answer; it starts with "hello"'],
    [OK, 'not a whole HTTP answer'],
    ['HTTP/2 200\r\n\r\n', 'not a whole HTTP answer'],
    ['HTTP/1.1 2000 OK\r\n\r\n', 'not a whole HTTP answer'],
    ['220 smtp ready\r\n\r\n', 'not a whole HTTP answer'],
    [`${OK}Content-Length: 5\r\n\r\n1234`, 'announced a body of "5" bytes and sent 4'],
    [`${OK}content-length:3\r\n\r\n1234`, 'announced a body of "3" bytes and sent 4'],
    [`${OK}Content-Length: 4\r\nContent-Length: 3\r\n\r\n1234`, 'announced a body of "3"'],
    [`${OK}Content-Length: 0x4\r\n\r\n1234`, 'announced a body of "0x4"'],
    [`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`, 'transfer encoding "chunked"'],
  ])('%j is refused: %s', async (answer, reason) => {
    await expect(send(await answering(answer))).rejects.toThrow(reason);
  });

  it('is refused where it is longer than any answer should be', async () => {
    const socketPath = await rawDaemon((socket) => {
      socket.end(`${OK}\r\n${'x'.repeat(5 * 1024 * 1024)}`);
    });
    await expect(send(socketPath)).rejects.toThrow('answered with more than 4194304 bytes');
  });
});

describe('a server that does not answer', () => {
  it('is given up at the deadline', async () => {
    const socketPath = await rawDaemon(() => {});
    await expect(send(socketPath, '{}', 50)).rejects.toThrow('did not answer within 50 ms');
  });

  it('is given up at the deadline even while it sends', async () => {
    const socketPath = await rawDaemon((socket) => {
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    await expect(send(socketPath, '{}', 80)).rejects.toThrow('did not answer within 80 ms');
  });

  it('is told from one that is not there by the error of the system', async () => {
    await expect(send(freeSocketPath())).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
