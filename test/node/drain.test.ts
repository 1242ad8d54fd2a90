/** `kube-ovn-cni drain`: recorded DELs are done without a daemon that serves. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outcomeOf } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import { expectGone, expectTraces, NONE } from './garbage-support.ts';
import { type Census, census, expectNode, mustAdd, mustDelete } from './observe.ts';

const PROGRAM = resolve(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');
const FOLDER = `${SOCKET}.deletions`;

let fixture: Fixture;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start();
  before = await census(fixture.node);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const drain = (...flags: readonly string[]) =>
  outcomeOf(process.execPath, [PROGRAM, 'drain', `--kubeconfig=${KUBECONFIG}`, ...flags]);

test('DELs that were recorded are done, and nothing is left, whoever serves now', async () => {
  const made = await Promise.all([fixture.pod(), fixture.pod(), fixture.pod()]);
  for (const { sandbox } of made) await mustAdd(sandbox, 'net1', ovnConfig());
  await fixture.daemon.stop('SIGKILL');
  for (const { sandbox } of made) await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await readdir(FOLDER)).toHaveLength(3);

  const { exitCode, stdout } = await drain();
  expect(stdout).toContain('3 recorded DELs are done\n');
  expect(exitCode).toBe(0);
  for (const { sandbox } of made) {
    await expectTraces(fixture, sandbox, NONE);
    await expectGone(fixture, sandbox);
  }
  expect(existsSync(FOLDER)).toBe(false);
  await expectNode(fixture.node, before);
});

test('without records it says so, and makes nothing', async () => {
  const { exitCode, stdout } = await drain();
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: 'no DEL is recorded on this node\n',
  });
  expect(existsSync(FOLDER)).toBe(false);
});

test('beside a daemon the folder stays, which that one watches', async () => {
  await fixture.restartDaemon([]);
  expect(await drain()).toMatchObject({ exitCode: 0 });
  expect(existsSync(FOLDER)).toBe(true);
});

test('a wrong flag ends it with 2, and --help with 0', async () => {
  expect(await drain('--no-such-flag')).toMatchObject({ exitCode: 2 });
  const { exitCode, stdout } = await outcomeOf(process.execPath, [PROGRAM, 'drain', '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('usage: kube-ovn-cni drain');
});
