/**
 * Commands of ovs-vsctl and transactions of the northbound database, observed: how long each took, for
 * metrics and for the log.
 */

/** One command or transaction that has ended. */
export interface CommandSeen {
  /** As Kube-OVN's metrics name it: `ovsdb` or `ovn-nb`. */
  readonly db: string;
  /** Name of the first command of ovs-vsctl; `transact` for what is sent by a session of ours. */
  readonly method: string;
  readonly succeeded: boolean;
  readonly ms: number;
}

/** Called for a command when it has ended. It must not throw. */
export type CommandObserver = (command: CommandSeen) => void;

type Commands<Options> = (commands: readonly string[], options?: Options) => Promise<string>;

/** `run`, with each call reported to `observe`. */
export function observed<Options>(
  db: string,
  run: Commands<Options>,
  observe: CommandObserver,
): Commands<Options> {
  return async (commands, options) => {
    const startedAt = performance.now();
    let succeeded = false;
    try {
      const output = await run(commands, options);
      succeeded = true;
      return output;
    } finally {
      const ms = performance.now() - startedAt;
      observe({ db, method: methodOf(commands), succeeded, ms });
    }
  };
}

/** The commands that we use and people know, ovs-vsctl(8): labels are bounded. */
const METHODS: ReadonlySet<string> = new Set([
  ...['list', 'find', 'get', 'set', 'add', 'remove', 'clear', 'create', 'destroy', 'wait-until'],
  ...['comment', 'init', 'show', 'add-br', 'add-port', 'del-port', 'list-br', 'br-exists'],
]);

/** As Kube-OVN has it: the first word that is no option. */
function methodOf(commands: readonly string[]): string {
  const first = commands.find((word) => !word.startsWith('-')) ?? '';
  return METHODS.has(first) ? first : 'other';
}
