/** Whose network the node's primary one is, and what is written therefore. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installConflist, leftoverWarning, primacyOf } from '../../../src/installer/conflist.ts';
import { readNetworkConfigs } from '../../../src/installer/network-configs.ts';

const OURS = resolve(import.meta.dirname, '../../../image/01-kube-ovn.conflist');
const NAME = '01-kube-ovn.conflist';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cni-conf-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: unknown): void {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(folder, name), text);
}

const list = (...types: string[]) => ({
  cniVersion: '1.0.0',
  name: 'n',
  plugins: types.map((type) => ({ type })),
});

const CILIUM = list('cilium-cni');
const MULTUS = { cniVersion: '0.3.1', name: 'multus', type: 'multus-shim' };

describe('Kube-OVN is primary, where nobody says it, beside', () => {
  it.each([
    ['nothing', {}],
    ['Multus', { '00-multus.conf': MULTUS }],
    [
      'its own configuration and Multus',
      { [NAME]: list('kube-ovn', 'portmap'), '00-multus.conflist': list('multus') },
    ],
    [
      'a chain that begins with it',
      { '05-cilium.conflist': list('kube-ovn', 'portmap', 'cilium-cni') },
    ],
    ['a loopback', { '99-loopback.conf': { type: 'loopback' } }],
    [
      'files that runtimes do not read',
      { 'README.md': 'no configuration', '10-calico.conflist.cilium_bak': CILIUM },
    ],
  ])('%s', async (_, files) => {
    for (const [name, content] of Object.entries(files)) write(name, content);
    expect(primacyOf(undefined, readNetworkConfigs(folder)).isPrimary).toBe(true);
  });
});

describe('it is not, beside', () => {
  it.each([
    ['05-cilium.conflist', CILIUM],
    ['10-flannel.conf', { type: 'flannel' }],
    ['99-bridge.json', { type: 'bridge' }],
    ['10-calico.conflist', 'not yet written'],
    ['10-empty.conflist', ''],
    ['10-nothing.conflist', { plugins: [] }],
  ])('%s', async (name, content) => {
    write('00-multus.conf', MULTUS);
    write(NAME, list('kube-ovn'));
    write(name, content);
    const { isPrimary, why } = primacyOf(undefined, readNetworkConfigs(folder));
    expect(isPrimary).toBe(false);
    expect(why).toContain(name);
  });

  it('a configuration that is a link, or no file at all', async () => {
    symlinkSync('/nowhere', join(folder, '10-link.conflist'));
    execFileSync('mkfifo', [join(folder, '11-fifo.conf')]);
    mkdirSync(join(folder, '12-folder.conf'));
    const { why } = primacyOf(undefined, readNetworkConfigs(folder));
    expect(why).toContain('(10-link.conflist, 11-fifo.conf)');
  });
});

it.each([true, false])('what is said counts, whatever is there: %s', async (said) => {
  write('05-cilium.conflist', CILIUM);
  expect(primacyOf(said, readNetworkConfigs(folder)).isPrimary).toBe(said);
});

describe('the configuration', () => {
  const install = () => installConflist({ folder, source: OURS, name: NAME });
  const mode = () => statSync(join(folder, NAME)).mode & 0o7777;

  it("is root's alone, whatever the umask, and nothing is beside it", async () => {
    const umask = process.umask(0);
    await install().finally(() => process.umask(umask));
    expect(readFileSync(join(folder, NAME))).toEqual(readFileSync(OURS));
    expect(mode()).toBe(0o600);
    expect(readdirSync(folder)).toEqual([NAME]);
  });

  it("that is there stays, whatever it says, and becomes root's alone", async () => {
    const own = JSON.stringify({ ...list('kube-ovn', 'bandwidth'), name: 'operator' });
    write(NAME, own);
    chmodSync(join(folder, NAME), 0o644);
    expect(await install()).toContain('stays as it is, though it differs');
    expect(readFileSync(join(folder, NAME), 'utf8')).toBe(own);
    expect(mode()).toBe(0o600);
  });

  it('with the same content in other words is the same', async () => {
    write(NAME, JSON.stringify(JSON.parse(readFileSync(OURS, 'utf8'))));
    expect(await install()).toContain('is there already');
  });

  it('of another network under that name is not overwritten, and the installation fails', async () => {
    write(NAME, CILIUM);
    await expect(install()).rejects.toThrow("is not Kube-OVN's: it is not overwritten");
    expect(JSON.parse(readFileSync(join(folder, NAME), 'utf8'))).toEqual(CILIUM);
  });

  it.each(['missing', 'broken'])('that the image has %s is none', async (which) => {
    write('broken', '{"plugins": [');
    const source = join(folder, which);
    const wrong = installConflist({ folder, source, name: NAME });
    await expect(wrong).rejects.toThrow(`--cni-conf-file=${source}`);
    expect(readdirSync(folder)).toEqual(['broken']);
  });
});

describe('a configuration of ours beside another primary network', () => {
  it('is named, with the command that removes it', async () => {
    write(NAME, list('kube-ovn'));
    write('05-cilium.conflist', CILIUM);
    const warning = leftoverWarning(folder, readNetworkConfigs(folder));
    expect(warning).toContain(`the runtime takes ${NAME} first`);
    expect(warning).toContain(`rm ${folder}/${NAME}`);
  });

  it('that sorts behind it does not take its pods', async () => {
    write('90-kube-ovn.conflist', list('kube-ovn'));
    write('00-multus.conf', MULTUS);
    write('05-cilium.conflist', CILIUM);
    const warning = leftoverWarning(folder, readNetworkConfigs(folder));
    expect(warning).toContain('90-kube-ovn.conflist is here: ');
    expect(warning).not.toContain('takes');
  });

  it('is not missed', async () => {
    write('05-cilium.conflist', CILIUM);
    expect(leftoverWarning(folder, readNetworkConfigs(folder))).toBeUndefined();
  });
});
