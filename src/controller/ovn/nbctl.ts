/**
 * ovn-nbctl(8): the only way to OVN's northbound database. One call is one transaction.
 *
 * It is never used as a daemon (`OVN_NB_DAEMON`): a call that ends tells what became of it. In a
 * cluster of databases it talks to the leader, its default, so that whatever was written before a
 * call began is seen by it.
 */
import { run, ToolError } from '../../common/process/run.ts';
import { NorthboundError } from './error.ts';

/** Runs one transaction of several commands, each introduced by `--`; returns what it printed. */
export type Nbctl = (commands: readonly string[]) => Promise<string>;

export interface NbctlOptions {
  /** An OVSDB remote, or several, comma-separated: `unix:/run/ovn/ovnnb_db.sock`, `tcp:[::1]:6641`. */
  readonly database: string;
  /** PEM files, for `ssl:` remotes. */
  readonly tls?: {
    readonly privateKey: string;
    readonly certificate: string;
    readonly caCertificate: string;
  };
  /** Kills what runs: it is not to be told what became of it. */
  readonly signal?: AbortSignal;
}

/** ovn-nbctl gives up by itself after this; seconds. */
const NBCTL_TIMEOUT_S = 20;

/**
 * @returns a function that throws NorthboundError: `refused` with what the database said, or
 *   `unreachable`
 */
export function createNbctl({ database, tls, signal }: NbctlOptions): Nbctl {
  const options = [`--db=${database}`, `--timeout=${NBCTL_TIMEOUT_S}`, '--format=json'];
  if (tls !== undefined) {
    options.push(`--private-key=${tls.privateKey}`, `--certificate=${tls.certificate}`);
    options.push(`--ca-cert=${tls.caCertificate}`);
  }
  return async (commands) => {
    try {
      return await run('ovn-nbctl', [...options, ...commands], signal ? { signal } : {});
    } catch (error) {
      throw error instanceof ToolError ? failure(error, database) : error;
    }
  };
}

/**
 * What ovn-nbctl said, without the commands: they can be a megabyte. It exits with 1 for whatever
 * goes wrong, and with nothing when it is killed or cannot be started.
 */
function failure({ exitCode, stderr }: ToolError, database: string): NorthboundError {
  const said = stderr.slice(-SAID_CHARS_MAX) || 'ovn-nbctl was killed, or had too much to say';
  if (exitCode !== null && !said.includes('database connection failed')) {
    return new NorthboundError(
      'refused',
      `OVN's northbound database refused a transaction: ${said}`,
      'something else may have written the same rows at the same time: reading again and planning anew solves that',
    );
  }
  return new NorthboundError(
    'unreachable',
    `cannot reach OVN's northbound database: ${said}`,
    `is ovn-central running, and is ${database} its northbound database? \`ovn-nbctl --db=${database} show\` tells`,
  );
}

const SAID_CHARS_MAX = 1000;
