import { describe, expect, it } from 'vitest';
import { DISTRIBUTIONS } from '../../../src/installer/distributions.ts';
import { parseFlags, UsageError } from '../../../src/installer/flags.ts';

/** What both charts give in all their variants, for each `CNI_CONFIG_PRIORITY`. */
const CHART = (priority: string, folder = '/etc/cni/net.d') => [
  `--cni-conf-dir=${folder}`,
  '--cni-conf-file=/kube-ovn/01-kube-ovn.conflist',
  `--cni-conf-name=${priority}-kube-ovn.conflist`,
];

const parse = (argv: readonly string[], environment = {}) =>
  parseFlags('install', argv, environment, '/kube-ovn');

it.each(['01', '10', '90'])("the charts' words are understood, with priority %s", (priority) => {
  const options = parse(CHART(priority), { POD_IPS: '10.0.0.1,fd00::1' });
  expect(options).toEqual({
    binDir: '/opt/cni/bin',
    confDir: '/etc/cni/net.d',
    confFile: '/kube-ovn/01-kube-ovn.conflist',
    confName: `${priority}-kube-ovn.conflist`,
    ownDir: '/kube-ovn',
    pluginDir: '/',
    replaceForeign: false,
    podIps: '10.0.0.1,fd00::1',
    ovsSocket: '/',
    bindSocket: '/',
    force: false,
  });
});

it('a value may stand in a word of its own, as Go takes it', () => {
  const words = CHART('01', '/conf').flatMap((word) => word.split('='));
  expect(parse(words)).toEqual(parse(CHART('01', '/conf')));
});

describe('the mode', () => {
  it.each([
    [['--non-primary-cni-mode'], {}, false],
    [['--non-primary-cni-mode=true'], {}, false],
    [['--non-primary-cni-mode=false'], {}, true],
    [[], { NON_PRIMARY_CNI_MODE: 'true' }, false],
    [[], { NON_PRIMARY_CNI_MODE: '0' }, true],
    [['--non-primary-cni-mode=F'], { NON_PRIMARY_CNI_MODE: 'true' }, true],
    [[], {}, undefined],
    [[], { NON_PRIMARY_CNI_MODE: '' }, undefined],
  ])('of %j and %j', (argv, environment, isPrimary) => {
    expect(parse(argv, environment).isPrimary).toBe(isPrimary);
  });
});

describe('folders', () => {
  it.each(Object.entries(DISTRIBUTIONS))('of %s, by flag and by variable', (name, folders) => {
    expect(parse([`--distribution=${name}`])).toMatchObject(folders);
    expect(parse([], { KUBERNETES_DISTRIBUTION: name.toUpperCase() })).toMatchObject(folders);
  });

  it('that are named win over those of a distribution, and a flag over its variable', () => {
    const environment = { CNI_BIN_DIR: '/a', CNI_CONF_DIR: '/b', KUBERNETES_DISTRIBUTION: 'k3s' };
    expect(parse([], environment)).toMatchObject({ binDir: '/a', confDir: '/b' });
    expect(parse(['--cni-bin-dir=/c'], environment)).toMatchObject({ binDir: '/c', confDir: '/b' });
  });
});

it.each([
  [['--foo'], "Unknown option '--foo'"],
  [['-x'], "Unknown option '-x'"],
  [['/etc/cni/net.d'], "Unexpected argument '/etc/cni/net.d'"],
  [['--cni-conf-dir'], "'--cni-conf-dir <value>' argument missing"],
  [['--cni-bin-dir='], '--cni-bin-dir="": expected an absolute path'],
  [['--cni-bin-dir=bin'], '--cni-bin-dir="bin": expected an absolute path'],
  [['--non-primary-cni-mode=perhaps'], '--non-primary-cni-mode="perhaps": expected true or false'],
  [['--distribution=k33s'], 'distribution "k33s" is not known: name one of kubernetes'],
  [['--distribution=constructor'], 'distribution "constructor" is not known'],
  [['--cni-conf-name=../01-kube-ovn.conflist'], 'expected the name of a file'],
  [['--cni-conf-name='], 'ends with .conflist, .conf or .json'],
  [['--cni-conf-name=01-kube-ovn'], 'ends with .conflist, .conf or .json'],
  [['--force'], "Unknown option '--force'"],
])('%j is refused, and the message names it', (argv, message) => {
  expect(() => parse(argv)).toThrow(UsageError);
  expect(() => parse(argv)).toThrow(message);
});

it('a wrong variable is refused by its name', () => {
  expect(() => parse([], { CNI_BIN_DIR: 'bin' })).toThrow('CNI_BIN_DIR="bin": expected');
});
