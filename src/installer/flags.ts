/**
 * Command line and environment of the installer, as one checked value. A flag wins over its
 * variable; both forms of Go's flags are taken, `--flag=value` and `--flag value`. What is not known is
 * refused: taken for something else, a word has put an executable into the wrong folder.
 */
import { dirname, isAbsolute, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { isConfigurationName } from '../common/cni-configurations.ts';
import { messageOf, show } from '../common/text.ts';
import { DISTRIBUTIONS, USUAL } from './distributions.ts';

/** What a command was started with, checked. */
export interface Options {
  /** The node's folders, as this process sees them. */
  readonly binDir: string;
  readonly confDir: string;
  /** What is installed as configuration. */
  readonly confFile: string;
  /** Under which name. */
  readonly confName: string;
  /** Where the image has `kube-ovn`. */
  readonly ownDir: string;
  /** Where the image has the reference plugins. */
  readonly pluginDir: string;
  /** Undefined where nobody says: see conflist.ts. */
  readonly isPrimary?: boolean;
  readonly replaceForeign: boolean;
  /** Of this pod, as `status.podIPs` has them. */
  readonly podIps: string;
  readonly ovsSocket: string;
  readonly bindSocket: string;
  /** Uninstall although pods have interfaces yet. */
  readonly force: boolean;
}

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** A flag of the installer, with its default and its line in the help. */
export interface Flag {
  readonly variable?: string;
  readonly value: string;
  readonly isBoolean?: true;
  readonly help: string;
}

/** In the order of the help. The first three are those of Kube-OVN's script. */
const INSTALL_FLAGS = {
  'cni-conf-dir': {
    variable: 'CNI_CONF_DIR',
    value: '',
    help: "The node's CNI configuration folder, as mounted here; default /etc/cni/net.d.",
  },
  'cni-conf-file': {
    variable: 'CNI_CONF_FILE',
    value: '',
    help: 'The configuration that is installed; default 01-kube-ovn.conflist beside the program.',
  },
  'cni-conf-name': {
    variable: 'CNI_CONF_NAME',
    value: '01-kube-ovn.conflist',
    help: 'Its name there.',
  },
  'cni-bin-dir': {
    variable: 'CNI_BIN_DIR',
    value: '',
    help: "The node's folder of CNI executables, as mounted here; default /opt/cni/bin.",
  },
  distribution: {
    variable: 'KUBERNETES_DISTRIBUTION',
    value: '',
    help: `Whose folders are meant where none are named: ${Object.keys(DISTRIBUTIONS).join(', ')}.`,
  },
  'non-primary-cni-mode': {
    variable: 'NON_PRIMARY_CNI_MODE',
    value: '',
    isBoolean: true,
    help: 'True: another CNI is primary, and neither its configurations nor kernel settings are touched. False: Kube-OVN is primary. Not given: it is where no other configuration is there.',
  },
  'plugin-dir': {
    variable: 'CNI_PLUGIN_DIR',
    value: '/',
    help: 'Where the image has loopback, portmap, macvlan and ipvlan.',
  },
  'replace-foreign': {
    variable: 'KUBE_OVN_REPLACE_FOREIGN',
    value: 'false',
    isBoolean: true,
    help: "Replace a program called kube-ovn also where it is neither ours nor Kube-OVN's.",
  },
} as const satisfies Readonly<Record<string, Flag>>;

const UNINSTALL_FLAGS = {
  'cni-conf-dir': INSTALL_FLAGS['cni-conf-dir'],
  'cni-conf-file': {
    ...INSTALL_FLAGS['cni-conf-file'],
    help: 'The configuration that was installed; default 01-kube-ovn.conflist beside the program.',
  },
  'cni-conf-name': INSTALL_FLAGS['cni-conf-name'],
  'cni-bin-dir': INSTALL_FLAGS['cni-bin-dir'],
  distribution: INSTALL_FLAGS.distribution,
  'ovs-socket': { value: '/run/openvswitch/db.sock', help: "Open vSwitch's database." },
  'bind-socket': {
    value: '/run/openvswitch/kube-ovn-daemon.sock',
    help: 'The socket that the daemon had.',
  },
  force: {
    value: 'false',
    isBoolean: true,
    help: 'Uninstall also where pods have interfaces of ours yet: their deletion will fail.',
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** The flags of each command, by name. */
export const FLAGS: Readonly<Record<'install' | 'uninstall', Readonly<Record<string, Flag>>>> = {
  install: INSTALL_FLAGS,
  uninstall: UNINSTALL_FLAGS,
};

/**
 * @param ownDir where the program is: the executable is beside it
 * @throws UsageError that names the flag or variable which is unknown or wrong
 */
export function parseFlags(
  command: keyof typeof FLAGS,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  ownDir: string,
): Options {
  const texts = new Texts(FLAGS[command], argv, environment);
  const { binDir, confDir } = foldersOf(texts.get('distribution'));
  const isNonPrimary = texts.get('non-primary-cni-mode');
  return {
    binDir: texts.path('cni-bin-dir', binDir),
    confDir: texts.path('cni-conf-dir', confDir),
    confFile: texts.path('cni-conf-file', `${ownDir}/01-kube-ovn.conflist`),
    confName: configName(texts.get('cni-conf-name')),
    ownDir,
    pluginDir: texts.path('plugin-dir', '/'),
    ...(isNonPrimary === '' ? {} : { isPrimary: !texts.boolean('non-primary-cni-mode') }),
    replaceForeign: texts.boolean('replace-foreign'),
    podIps: environment.POD_IPS ?? '',
    ovsSocket: texts.path('ovs-socket', '/'),
    bindSocket: texts.path('bind-socket', '/'),
    force: texts.boolean('force'),
  };
}

/** What was given, as texts: the flag's, its variable's, or its default. */
class Texts {
  readonly #flags: Readonly<Record<string, Flag>>;
  readonly #values: Readonly<Record<string, string | undefined>>;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(
    flags: Readonly<Record<string, Flag>>,
    argv: readonly string[],
    environment: NodeJS.ProcessEnv,
  ) {
    this.#flags = flags;
    this.#environment = environment;
    this.#values = readWords(flags, argv);
  }

  /** Empty where there is no such flag. */
  get(name: string): string {
    const flag = this.#flags[name];
    const given = this.#values[name];
    if (flag === undefined || given !== undefined) return given ?? '';
    return (flag.variable && this.#environment[flag.variable]) || flag.value;
  }

  path(name: string, otherwise: string): string {
    const text = this.get(name);
    if (text === '' && this.#values[name] === undefined) return otherwise;
    if (isAbsolute(text) && !text.includes('\0')) return normalize(text);
    throw this.#wrong(name, text, 'an absolute path');
  }

  /** What Go's strconv.ParseBool takes. */
  boolean(name: string): boolean {
    const text = this.get(name);
    if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
    if (/^(|0|f|F|false|FALSE|False)$/.test(text)) return false;
    throw this.#wrong(name, text, 'true or false');
  }

  #wrong(name: string, text: string, expected: string): UsageError {
    const variable = this.#flags[name]?.variable;
    const isFlag = this.#values[name] !== undefined || variable === undefined;
    const label = isFlag ? `--${name}` : variable;
    return new UsageError(`${label}=${show(text)}: expected ${expected}`);
  }
}

function readWords(
  flags: Readonly<Record<string, Flag>>,
  argv: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const isAlone = (word: string) => flags[word.replace(/^--/, '')]?.isBoolean === true;
  try {
    return parseArgs({
      // A boolean flag of Go's may stand alone; parseArgs knows only one of both.
      args: argv.map((word) => (word.startsWith('--') && isAlone(word) ? `${word}=true` : word)),
      options: Object.fromEntries(
        Object.keys(flags).map((name) => [name, { type: 'string' as const }]),
      ),
      strict: true,
    }).values as Record<string, string>;
  } catch (error) {
    throw new UsageError(messageOf(error).split('. ')[0]);
  }
}

function foldersOf(distribution: string): typeof USUAL {
  if (distribution === '') return USUAL;
  const key = distribution.toLowerCase();
  const folders = Object.hasOwn(DISTRIBUTIONS, key) ? DISTRIBUTIONS[key] : undefined;
  if (folders !== undefined) return folders;
  throw new UsageError(
    `distribution ${show(distribution)} is not known: name one of ${Object.keys(DISTRIBUTIONS).join(', ')}, or the folders by --cni-bin-dir and --cni-conf-dir`,
  );
}

function configName(name: string): string {
  if (dirname(name) === '.' && isConfigurationName(name)) return name;
  throw new UsageError(
    `--cni-conf-name=${show(name)}: expected the name of a file that ends with .conflist, .conf or .json: runtimes look at no other`,
  );
}
