/** `--help` and `--version` of the three programs, asked as processes. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatUsage } from '../../../src/common/flags/usage.ts';
import { USED } from '../../../src/controller/config/flags.ts';
import { REFUSED_FLAGS } from '../../../src/controller/config/lacking-flags.ts';
import { FLAGS, LACKING } from '../../../src/daemon/flags.ts';
import { questionOf } from '../../../src/wire/version.ts';

const SRC = resolve(import.meta.dirname, '../../../src');

const PROGRAMS = [
  { name: 'kube-ovn', main: 'plugin/main.ts', says: ['CNI_COMMAND', '--version'] },
  {
    name: 'kube-ovn-cni',
    main: 'daemon/main.ts',
    says: ['kube-ovn-cni limits', ...Object.keys(FLAGS).map((flag) => `--${flag}`)],
  },
  {
    name: 'kube-ovn-controller',
    main: 'controller/main.ts',
    says: Object.keys(USED).map((flag) => `--${flag}`),
  },
];

function ask(main: string, ...args: string[]) {
  const env = { PATH: process.env.PATH };
  return spawnSync(process.execPath, [resolve(SRC, main), ...args], { env, encoding: 'utf8' });
}

describe.each(PROGRAMS)('$name', ({ name, main, says }) => {
  it.each(['--help', '-h', 'help'])('%s prints what it takes, and ends with 0', (word) => {
    const { status, stdout, stderr } = ask(main, word);
    expect([status, stderr]).toEqual([0, '']);
    for (const text of says) expect(stdout).toContain(text);
  });

  it.each(['--version', 'version'])('%s prints its name and version, and ends with 0', (word) => {
    const { status, stdout, stderr } = ask(main, word);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`^${name} \\S+$`));
  });
});

describe.each([
  { main: 'daemon/main.ts', refused: Object.keys(LACKING) },
  { main: 'controller/main.ts', refused: REFUSED_FLAGS },
])('--help of $main', ({ main, refused }) => {
  it('names the flags that it refuses apart from those that it takes and does not act on', () => {
    const [taken = '', apart = ''] = ask(main, '--help').stdout.split(
      '\nRefused where they are on',
    );
    expect(refused.length).toBeGreaterThan(0);
    const namesIn = (text: string) => text.split(/[\s,]+/);
    expect(namesIn(apart)).toEqual(expect.arrayContaining([...refused]));
    expect(namesIn(taken).filter((name) => refused.includes(name))).toEqual([]);
  });
});

describe('the words of a question', () => {
  it.each([
    [['--iface=eth0', '--help'], 'help'],
    [['-v', '3'], undefined],
    [['-v=3', '--mtu=1400'], undefined],
    [['limits', 'version'], undefined],
    [[], undefined],
  ])('%j is %s', (argv, question) => {
    expect(questionOf(argv)).toBe(question);
  });
});

describe('the text of --help', () => {
  it('has no line longer than a terminal, and breaks between words only', () => {
    const long = 'word '.repeat(60).trim();
    const flags = { name: { default: 'x', text: long } };
    const text = formatUsage({ summary: 's', commands: ['c'], flags, ignored: ['a', 'b'] });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(text.match(/word/g)).toHaveLength(60);
  });
});
