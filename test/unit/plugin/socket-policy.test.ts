/** `server_socket` is a NetworkAttachmentDefinition's, and the executable is root's. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../../src/plugin/run.ts';
import { refuseForeignSocket } from '../../../src/plugin/socket-policy.ts';
import { failureOf } from './attempt.ts';
import { delegateStdin, ENV, stdin } from './call.ts';
import { httpDaemon } from './fake-daemon.ts';

/** A folder outside /run. */
function outside(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kube-ovn-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** An administrator's file with these lines. */
function allowing(...lines: readonly string[]): string {
  const folder = join(outside(), 'kube-ovn');
  mkdirSync(folder, { mode: 0o755 });
  const file = join(folder, 'server-sockets');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o644 });
  return file;
}

function replace(file: string, make: () => void): void {
  rmSync(file);
  make();
}

const refusal = (path: string, file?: string) =>
  failureOf(() => refuseForeignSocket(path, 'server_socket', file ?? '/nowhere/file'));

describe('a socket', () => {
  it.each(['/run/openvswitch/kube-ovn-daemon.sock', '/var/run/kube-ovn.sock', '/run/a/b/c.sock'])(
    'may be below /run: %s',
    (path) => refuseForeignSocket(path, 'server_socket', '/nowhere/file'),
  );

  it.each([
    '/tmp/x.sock',
    '/home/user/x.sock',
    '/runner/x.sock',
    '/run',
    '/var/run',
    '/var/lib/kubelet/pods/uid/volumes/x.sock',
    '/proc/1/root/run/x.sock',
  ])('is refused at any other place: %s', (path) => {
    const { code, msg, details } = refusal(path);
    expect([code, msg]).toEqual([7, 'invalid network configuration']);
    expect(details).toContain('server_socket: expected a socket below /run or /var/run');
    expect(details).toContain(`found "${path}"`);
  });

  it.each(['/run/../tmp/x.sock', '/run/./x.sock', '/run//x.sock', '/run/x.sock/', '/run/a/..'])(
    'is refused where its path is not plain: %s',
    (path) => {
      expect(refusal(path)).toMatchObject({
        code: 7,
        details: expect.stringContaining('a path without "//", "." and ".."'),
      });
    },
  );

  it.runIf(process.getuid?.() === 0)(
    'is refused where it is of another user (skipped without root, who alone gives a file away)',
    async () => {
      const { socketPath, received } = await httpDaemon(500, '{"error":"secret"}');
      chownSync(socketPath, 65534, 65534);
      const { exitCode, stdout } = await run(ENV, stdin(socketPath));
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        code: 7,
        details: expect.stringContaining('a socket of user 0; this one is of user 65534'),
      });
      expect(received).toEqual([]);
    },
  );
});

describe("the administrator's file", () => {
  it('allows exactly the sockets that it names', () => {
    const file = allowing('# of the test cluster', '', ' /opt/a.sock  # a', '/opt/b.sock');
    refuseForeignSocket('/opt/a.sock', 'server_socket', file);
    refuseForeignSocket('/opt/b.sock', 'server_socket', file);
    for (const path of ['/opt/c.sock', '/opt/a.sock2', '/opt', '/# of the test cluster']) {
      expect(refusal(path, file).code).toBe(7);
    }
    // A path is plain also where a line is not.
    expect(refusal('/opt/x/../a.sock', allowing('/opt/x/../a.sock')).code).toBe(7);
  });

  it.each<[string, (file: string) => void]>([
    ['others may write it', (file) => chmodSync(file, 0o646)],
    ['its group may write it', (file) => chmodSync(file, 0o664)],
    ['others may write its folder', (file) => chmodSync(dirname(file), 0o777)],
    ['it is a link', (file) => replace(file, () => symlinkSync('/etc/hosts', file))],
    ['it is a folder', (file) => replace(file, () => mkdirSync(file))],
    ['it is longer than any', (file) => writeFileSync(file, `/opt/a.sock\n${'#'.repeat(70_000)}`)],
  ])('does not count where %s, and the error says so', (_title, spoil) => {
    const file = allowing('/opt/a.sock');
    spoil(file);
    const { code, details } = refusal('/opt/a.sock', file);
    expect(code).toBe(7);
    expect(details).toContain('(it does not count: ');
  });

  it.runIf(process.getuid?.() === 0)(
    'does not count where it is of another user (skipped without root, who alone gives a file away)',
    () => {
      const file = allowing('/opt/a.sock');
      chownSync(file, 65534, 0);
      expect(refusal('/opt/a.sock', file).details).toContain('others than root may write');
    },
  );
});

describe('a call whose socket is not allowed', () => {
  it.each(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS'])(
    'is refused and leaves nothing: %s',
    async (verb) => {
      const folder = outside();
      const path = join(folder, 'below/daemon.sock');
      const env = { ...ENV, CNI_COMMAND: verb };
      for (const [input, field] of [
        [stdin(path), 'server_socket'],
        [delegateStdin(path), 'ipam.server_socket'],
      ] as const) {
        const { exitCode, stdout } = await run(env, input);
        expect(exitCode).toBe(1);
        expect(JSON.parse(stdout)).toMatchObject({
          code: 7,
          details: expect.stringContaining(`${field}: expected a socket below /run`),
        });
      }
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('asks nobody who listens there', async () => {
    const path = join(outside(), 'daemon.sock');
    const { received } = await httpDaemon(500, 'secret', path);
    const { stdout } = await run({ ...ENV, CNI_COMMAND: 'STATUS' }, stdin(path));
    expect(stdout).not.toContain('secret');
    expect(received).toEqual([]);
  });
});

it('an answer that is none of our daemon is quoted in part', async () => {
  const { socketPath } = await httpDaemon(500, `root:x:0:0\n${'x'.repeat(3_000_000)}`);
  const { stdout } = await run(ENV, stdin(socketPath));
  expect(JSON.parse(stdout).details.length).toBeLessThan(400);
});
