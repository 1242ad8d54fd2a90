/**
 * The flags that daemon and controller have in common, with Kube-OVN's names and defaults: the API
 * server, the port of the probes, and the log.
 */

import { type GivenFlags, readBoolean, readNumber, wrongValue } from '../flags/go-flags.ts';
import { readLogFile } from '../flags/log-file-flags.ts';
import { type HealthSettings, readHealthSettings } from '../http/health-settings.ts';
import type { LogFileSettings } from '../log-file.ts';
import { readVerbosity } from '../program-log.ts';

/** With their defaults; a boolean default makes a boolean flag. */
export const PROGRAM_FLAGS = {
  kubeconfig: '',
  'enable-metrics': true,
  'secure-serving': false,
  'tls-min-version': '',
  'tls-max-version': '',
  'tls-cipher-suites': '',
  logtostderr: true,
  alsologtostderr: false,
  log_file: '',
  log_file_max_size: '1800',
  'log-perm': '640',
} as const;

/** A sentence for each, for `--help`. */
export const PROGRAM_FLAG_TEXTS: Readonly<Record<keyof typeof PROGRAM_FLAGS, string>> = {
  kubeconfig: "How the API server is reached; empty for the pod's service account.",
  'enable-metrics': 'Metrics on the port of the probes.',
  'secure-serving': 'HTTPS on that port, and metrics only for whom the API server lets read them.',
  'tls-min-version': 'Oldest version of TLS there: TLS10, TLS11, TLS12 or TLS13.',
  'tls-max-version': 'Newest version of TLS there.',
  'tls-cipher-suites': "Cipher suites there, as Go's package crypto/tls names them.",
  logtostderr: 'Write no log file.',
  alsologtostderr: 'Write the log to standard output, too, where it goes to a file.',
  log_file: 'File that the log goes to, with --logtostderr=false.',
  log_file_max_size: 'Most that the log file grows to; MB.',
  'log-perm': 'Permissions of the log file, in octal digits.',
};

/** What both programs are started with, checked. */
export interface ProgramSettings {
  /** Undefined inside a cluster. */
  readonly kubeconfigPath?: string;
  readonly health: HealthSettings;
  /** Undefined where the log goes to standard output alone. */
  readonly logFile?: LogFileSettings;
  /** How much is logged: klog's `--v`. */
  readonly verbosity: number;
}

type Given = GivenFlags<keyof typeof PROGRAM_FLAGS | 'pprof-port' | 'v'>;

/** @throws Error that names the flag or the variable that is wrong */
export function readProgramFlags(given: Given, environment: NodeJS.ProcessEnv): ProgramSettings {
  const kubeconfigPath = given.text('kubeconfig');
  const logFile = logFileOf(given);
  return {
    ...(kubeconfigPath === '' ? {} : { kubeconfigPath }),
    health: healthOf(given, environment),
    ...(logFile === undefined ? {} : { logFile }),
    verbosity: verbosityOf(given.text('v')),
  };
}

function flag(given: Given, name: keyof typeof PROGRAM_FLAGS): boolean {
  return readBoolean(`--${name}`, given.text(name));
}

function healthOf(given: Given, environment: NodeJS.ProcessEnv): HealthSettings {
  const flags = {
    port: readNumber('--pprof-port', given.text('pprof-port'), 0, 65_535),
    hasMetrics: flag(given, 'enable-metrics'),
    isSecure: flag(given, 'secure-serving'),
    minVersion: given.text('tls-min-version'),
    maxVersion: given.text('tls-max-version'),
    cipherSuites: given.list('tls-cipher-suites'),
  };
  return readHealthSettings(flags, environment);
}

function logFileOf(given: Given): LogFileSettings | undefined {
  return readLogFile({
    path: given.text('log_file'),
    maxMegabytes: given.text('log_file_max_size'),
    mode: given.text('log-perm'),
    onlyStderr: flag(given, 'logtostderr'),
    alsoStderr: flag(given, 'alsologtostderr'),
  });
}

function verbosityOf(text: string): number {
  const verbosity = readVerbosity(text);
  if (verbosity === undefined) throw wrongValue('--v', text, 'a whole number');
  return verbosity;
}
