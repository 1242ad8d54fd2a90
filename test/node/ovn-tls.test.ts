/** OVN's databases by TLS, with the files of the Secret kube-ovn-tls as docs/install.md has them made. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command, outcomeOf } from '../lab/command.ts';
import { Central } from '../lab/ovn-central.ts';

/** Beside /run, which each Central has for itself. */
const FOLDER = '/run/central/tls';
const TLS = [
  `--private-key=${FOLDER}/key`,
  `--certificate=${FOLDER}/cert`,
  `--ca-cert=${FOLDER}/cacert`,
];

let central: Central;

/** Runs the commands of the documentation's block that makes the files. */
async function makeFiles(): Promise<void> {
  const text = await readFile(join(import.meta.dirname, '../../docs/install.md'), 'utf8');
  const [, block = ''] = /```sh\n(openssl [\s\S]*?)kubectl/.exec(text) ?? [];
  expect(block.match(/openssl/g)).toHaveLength(3);
  await mkdir(FOLDER);
  await command('sh', ['-euc', `cd ${FOLDER}\n${block}`]);
}

async function start(members: number): Promise<void> {
  central = await Central.create({ members, environment: { ENABLE_SSL: 'true', TLS_DIR: FOLDER } });
  await makeFiles();
}
beforeEach(() => start(3));
afterEach(() => central[Symbol.asyncDispose]());

test('members and clients show each other certificates, and nobody comes in without one', async () => {
  await central.found();
  const remotes = central.remotes(6641).replaceAll('tcp:', 'ssl:');
  const nbctl = (...words: readonly string[]) =>
    outcomeOf('ovn-nbctl', [`--db=${remotes}`, '--timeout=50', ...words]);
  expect(await nbctl(...TLS, '--wait=sb', 'ls-add', 'one')).toMatchObject({ exitCode: 0 });
  const others = [...TLS.slice(0, 2), `--ca-cert=${FOLDER}/cert`];
  expect((await nbctl(...others, '--timeout=3', 'show')).exitCode).not.toBe(0);
  const plain = ['--timeout=3', '--no-leader-only', 'show'];
  const [first = ''] = central.remotes(6641).split(',');
  expect((await outcomeOf('ovn-nbctl', [`--db=${first}`, ...plain])).exitCode).not.toBe(0);
}, 120_000);

test('a file that the Secret lacks is named', async () => {
  await command('rm', [`${FOLDER}/cacert`]);
  const script = central.node(1).start('nb');
  expect(await script.ended()).toBe(1);
  expect(script.log.join('\n')).toContain(
    `${FOLDER}/cacert cannot be read: is there a Secret kube-ovn-tls`,
  );
});
