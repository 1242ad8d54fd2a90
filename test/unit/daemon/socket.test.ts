import { once } from 'node:events';
import {
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenOnSocket } from '../../../src/daemon/socket.ts';

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'socket-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A server that says `name` to whoever connects, and how it listens. */
function listener(name: string) {
  const server: Server = createServer((caller) =>
    caller
      .on('error', () => {})
      .resume()
      .write(name),
  );
  onTestFinished(() => void server.close());
  const listen = async ({ path }: { path: string }) => {
    server.listen(path);
    await once(server, 'listening');
    return path;
  };
  return { server, app: { listen } };
}

/** What the server on `path` says; rejects where there is none. */
async function greeting(path: string): Promise<string> {
  const socket = connect(path);
  const [chunk] = await once(socket, 'data');
  socket.destroy();
  return String(chunk);
}

/** A socket that nobody listens on any more, as a killed process leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const { server, app } = listener('killed');
  await app.listen({ path: `${path}.was` });
  renameSync(`${path}.was`, path);
  server.close();
  await once(server, 'close');
}

describe("the daemon's socket", () => {
  it("answers under its name, is its user's only, and has no other name", async () => {
    const directory = makeDirectory();
    const path = join(directory, 'daemon.sock');
    await listenOnSocket(listener('one').app, path);
    expect(await greeting(path)).toBe('one');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['daemon.sock']);
  });

  it('answers from the moment at which its name appears', async () => {
    const directory = makeDirectory();
    const path = join(directory, 'daemon.sock');
    const answers: Promise<string>[] = [];
    const watcher = watch(directory, (_, name) => {
      if (name === 'daemon.sock') answers.push(greeting(path));
    });
    onTestFinished(() => watcher.close());
    await listenOnSocket(listener('one').app, path);
    await expect.poll(() => answers.length).toBeGreaterThan(0);
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['one']));
  });

  it('takes the place of one that a killed daemon left, in one step', async () => {
    const directory = makeDirectory();
    const path = join(directory, 'daemon.sock');
    await leaveSocket(path);
    // A name that goes and comes again is two events.
    const events: (string | null)[] = [];
    const watcher = watch(directory, (_, name) => void events.push(name));
    onTestFinished(() => watcher.close());
    await listenOnSocket(listener('one').app, path);
    expect(await greeting(path)).toBe('one');
    writeFileSync(join(directory, 'last'), '');
    await expect.poll(() => events).toContain('last');
    expect(events.filter((name) => name === 'daemon.sock')).toHaveLength(1);
  });

  it('is not taken from a daemon that answers', async () => {
    const path = join(makeDirectory(), 'daemon.sock');
    await listenOnSocket(listener('one').app, path);
    await expect(listenOnSocket(listener('two').app, path)).rejects.toThrow('another daemon');
    expect(await greeting(path)).toBe('one');
  });

  it('may be made at the moment at which another one is made beside it', async () => {
    const directory = makeDirectory();
    const names = ['one', 'two', 'three'];
    const pathOf = (name: string) => join(directory, name);
    await Promise.all(names.map((name) => listenOnSocket(listener(name).app, pathOf(name))));
    expect(await Promise.all(names.map((name) => greeting(pathOf(name))))).toEqual(names);
    expect((await readdir(directory)).sort()).toEqual(names.toSorted());
  });

  it('may have a name as long as the kernel takes', async () => {
    const directory = makeDirectory();
    const path = join(directory, 's'.repeat(107 - directory.length - 1));
    await listenOnSocket(listener('one').app, path);
    expect(await greeting(path)).toBe('one');
  });

  it('leaves the umask as it was, also where it cannot listen', async () => {
    const before = process.umask();
    const path = join(makeDirectory(), 'daemon.sock');
    await listenOnSocket(listener('one').app, path);
    const app = { listen: () => Promise.reject(new Error('no')) };
    await expect(listenOnSocket(app, `${path}2`)).rejects.toThrow('no');
    expect(process.umask()).toBe(before);
  });
});

describe('a daemon that ends', () => {
  it('takes its name away, and whoever is connected goes on', async () => {
    const path = join(makeDirectory(), 'daemon.sock');
    const { server, app } = listener('one');
    server.on('connection', (caller) => caller.on('data', () => caller.write('answer')));
    const hide = await listenOnSocket(app, path);
    const connected = connect(path);
    onTestFinished(() => void connected.destroy());
    await once(connected, 'data');
    await hide();
    await expect(greeting(path)).rejects.toThrow('ENOENT');
    expect(await readdir(dirname(path))).toEqual([]);
    connected.write('question');
    expect(String((await once(connected, 'data'))[0])).toBe('answer');
  });

  it('serves all that have connected before', async () => {
    const path = join(makeDirectory(), 'daemon.sock');
    const { server, app } = listener('one');
    const hide = await listenOnSocket(app, path);
    const greetings = Array.from({ length: 50 }, () => greeting(path));
    await hide();
    server.close();
    expect(new Set(await Promise.all(greetings))).toEqual(new Set(['one']));
  });

  it('leaves the name to a daemon that has taken it', async () => {
    const path = join(makeDirectory(), 'daemon.sock');
    const { server, app } = listener('one');
    const hide = await listenOnSocket(app, path);
    unlinkSync(path);
    await listenOnSocket(listener('two').app, path);
    await hide();
    server.close();
    await once(server, 'close');
    expect(await greeting(path)).toBe('two');
  });

  it('does not mind that somebody has removed its name, or that it is asked twice', async () => {
    const path = join(makeDirectory(), 'daemon.sock');
    const hide = await listenOnSocket(listener('one').app, path);
    unlinkSync(path);
    await hide();
    await hide();
  });

  it('removes what a daemon left that was killed before its socket had its name', async () => {
    const directory = makeDirectory();
    await leaveSocket(join(directory, '.0123abcd'));
    writeFileSync(join(directory, '.0123abce'), 'no socket');
    await listenOnSocket(listener('new').app, join(directory, 'sock'));
    expect((await readdir(directory)).sort()).toEqual(['.0123abce', 'sock']);
  });
});
