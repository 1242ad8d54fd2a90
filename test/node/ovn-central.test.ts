/** One database, by the start scripts of the component ovn: image/ovn. */
import { copyFile, readdir, rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { Central } from '../lab/ovn-central.ts';

let central: Central;
beforeEach(async () => {
  central = await Central.create({ members: 1 });
});
afterEach(() => central[Symbol.asyncDispose]());

const switches = async () =>
  (await central.nbctl('--bare', '--columns=name', 'list', 'Logical_Switch')).trim();

test('a database that is alone takes clients at the node’s address only, and has what it had after a restart', async () => {
  const node = central.node(1);
  node.startAll();
  await node.works();
  await central.nbctl('--wait=sb', 'ls-add', 'one');
  expect(await central.nbctl('get-connection')).toContain(`ptcp:6641:[${node.address}]`);
  await node.stop();
  node.startAll();
  await node.works();
  expect(await switches()).toBe('one');
});

test('a crash of all three loses nothing that was written', async () => {
  const node = central.node(1);
  node.startAll();
  await node.works();
  await central.nbctl('ls-add', 'one');
  await node.stop('SIGKILL');
  node.startAll();
  await node.works();
  expect(await switches()).toBe('one');
});

test('a backup brings back what was there, and the oldest ones go', async () => {
  const node = central.node(1);
  node.startAll();
  await node.works();
  await central.nbctl('ls-add', 'one');
  const folder = `${node.folder}/backups`;
  expect(await node.run('backup.sh', [folder, '1'])).toMatchObject({ code: 0 });
  const [first = ''] = (await readdir(folder)).filter((name) => name.startsWith('ovnnb_db-'));
  await copyFile(`${folder}/${first}`, `${node.folder}/kept.db`);
  // Names have seconds: an older one, which is one too many.
  await copyFile(`${folder}/${first}`, `${folder}/ovnnb_db-20200101T000000Z.db`);
  await central.nbctl('ls-add', 'two');
  expect(await node.run('backup.sh', [folder, '1'])).toMatchObject({ code: 0 });
  expect((await readdir(folder)).filter((name) => name.startsWith('ovnnb_db-'))).toHaveLength(1);
  expect(await node.run('restore.sh', ['nb', `${node.folder}/kept.db`])).toMatchObject({ code: 0 });
  expect(await switches()).toBe('one');
  const wrong = await node.run('restore.sh', ['sb', `${node.folder}/kept.db`]);
  expect(wrong).toMatchObject({
    code: 1,
    log: expect.stringContaining('is no database OVN_Southbound'),
  });
});

test('a backup that cannot be made leaves none, and those before it', async () => {
  const node = central.node(1);
  const folder = `${node.folder}/backups`;
  node.startAll();
  await node.works();
  expect(await node.run('backup.sh', [folder])).toMatchObject({ code: 0 });
  const before = await readdir(folder);
  await node.script('nb').stop('SIGKILL');
  expect((await node.run('backup.sh', [folder])).code).not.toBe(0);
  expect((await readdir(folder)).filter((name) => !name.endsWith('.new'))).toEqual(before);
});

test('a file of a cluster of one, as Kube-OVN makes it, is served as it is', async () => {
  const node = central.node(1);
  const file = `${node.folder}/db/ovnnb_db.db`;
  await command('mkdir', ['-p', `${node.folder}/db`]);
  const local = `tcp:[${node.address}]:6643`;
  await command('ovsdb-tool', ['create-cluster', file, '/usr/share/ovn/ovn-nb.ovsschema', local]);
  node.startAll();
  await node.works();
  await central.nbctl('ls-add', 'one');
  expect(await switches()).toBe('one');
  await rm(file);
});
