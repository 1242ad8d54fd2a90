/** Servers that send what they should not, or nothing. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BadServer } from '../../../lab/bad-server.ts';
import { OvsdbServer } from '../../../lab/ovsdb-server.ts';
import { failureOf, follow, insertSwitch } from './support.ts';

async function setUp() {
  const server = await OvsdbServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const bad = await BadServer.start(join(server.folder, 'bad.sock'), server.remote);
  onTestFinished(() => bad[Symbol.asyncDispose]());
  const silence = { probeAfterMs: 200, deadAfterMs: 500 };
  const followed = follow(bad.remote, { silence });
  await followed.live();
  return { server, bad, followed };
}

const reasonOf = (followed: ReturnType<typeof follow>) =>
  (followed.log.lines[0]?.fields as { reason?: string } | undefined)?.reason;

it('half a message ends the connection, and the rows go on with the next', async () => {
  const { server, bad, followed } = await setUp();
  bad.halveNext();
  await server.nbctl('ls-add', 'x');
  await expect
    .poll(() => reasonOf(followed))
    .toContain('it closed the connection within a message');
  expect(await followed.names()).toEqual(['x']);
  expect(followed.changes).toHaveLength(1);
});

it.each([
  ['garbage', 'HTTP/1.1 400 Bad Request\r\n', 'no message: "HTTP/1.1 400'],
  ['an answer to nobody', '{"id":999,"result":[],"error":null}', 'an answer that nobody waits for'],
  [
    'a change of a row that never came',
    '{"method":"update3","id":null,"params":["rows","x",{"ACL":{"a3c0e2f0-0000-4000-8000-000000000000":{"modify":{"match":"x"}}}}]}',
    'which it never sent',
  ],
])('%s ends the connection, and the log says what was sent', async (_, said, reason) => {
  const { bad, followed } = await setUp();
  bad.say(said);
  await expect.poll(() => reasonOf(followed)).toContain(reason);
  await followed.live();
  await followed.transact(insertSwitch('x'));
  expect(await followed.names()).toEqual(['x']);
  // The one before, and the one after.
  expect(bad.connections).toBe(2);
});

it('a server that neither reads nor answers is left when its time is up', async () => {
  const { bad, followed } = await setUp();
  bad.goDeaf();
  const failure = await failureOf(followed.transact(insertSwitch('x')));
  expect(failure.reason).toBe('interrupted');
  expect(failure.message).toContain('it said nothing for 0.7 s, not even to an echo');
  bad.recover();
  await followed.live();
});

it('a server that does not read is left before more waits for it than there may', async () => {
  const { server, followed } = await setUp();
  server.signal('SIGSTOP');
  const [name, many] = ['x'.repeat(1024 * 1024), Array.from({ length: 100 })];
  const failures = await Promise.all(
    many.map(() => failureOf(followed.transact(insertSwitch(name)))),
  );
  expect(failures.map(({ reason }) => reason)).not.toContain('refused');
  expect(failures[0]?.message).toMatch(/it does not read: \d+ bytes wait|it said nothing/);
  server.signal('SIGCONT');
  await followed.live();
});

it('a server is answered that asks for an echo', async () => {
  const { bad, followed } = await setUp();
  bad.say('{"method":"echo","params":["x"],"id":"echo"}');
  // The real server knows no such answer: it would end the connection if it were wrong.
  expect(await followed.names()).toEqual([]);
  expect(followed.log.lines).toEqual([]);
});

/** Answers echoes, and nothing else. @returns its remote */
async function startEchoing(): Promise<string> {
  const path = join(tmpdir(), `ovsdb-echo-${process.pid}.sock`);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const [, id] of bytes.toString().matchAll(/"id":(\d+),"method":"echo"/g)) {
        socket.write(`{"id":${id},"result":[],"error":null}`);
      }
    });
  }).listen(path);
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  return `unix:${path}`;
}

it('a server that answers nothing but echoes is left when the time for its rows is up', async () => {
  const silence = { probeAfterMs: 100, deadAfterMs: 300 };
  const followed = follow(await startEchoing(), { silence, followMs: 1000 });
  await expect
    .poll(() => reasonOf(followed), { timeout: 5000 })
    .toContain('the rows of the database have not come within 1 s');
  await followed.session.stop();
});
