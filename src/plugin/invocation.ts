/**
 * The call's environment, checked once (CNI spec 1.1, section 2, "Parameters"). A wrong variable
 * is error 4 and named; a pod that CNI_ARGS does not name is error 7, as in Kube-OVN.
 */
import { CniCode, isContainerId, isInterfaceName } from '../wire/cni.ts';
import type { CniRequest } from '../wire/messages.ts';
import { cniError, mismatch } from './error.ts';

/** The verbs of this executable. One more needs a name here and a row in verbs.ts. */
export const COMMANDS = ['VERSION', 'ADD', 'CHECK', 'DEL', 'GC', 'STATUS'] as const;
/** A verb of CNI. */
export type Command = (typeof COMMANDS)[number];

/** The verbs about a whole network: the environment names no attachment and no pod. */
const NETWORK_COMMANDS: readonly Command[] = ['GC', 'STATUS'];

/** What the names of the CNI specification look like, for messages. */
export const CONTAINER_ID_FORM =
  'a letter or digit, then letters, digits, "_", "." or "-", at most 256';
/** The same for interface names, whose length the kernel bounds (IFNAMSIZ). */
export const INTERFACE_NAME_FORM = 'an interface name: 1 to 15 letters, digits or _.@+~-';

/** The kernel's PATH_MAX. */
const NETNS_BYTES_MAX = 4096;

/** The process' environment, as it was inherited. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment contributes to the daemon's request. */
export type Invocation = Readonly<Pick<CniRequest, 'container_id' | 'net_ns' | 'if_name'>>;

/** CNI_COMMAND. Throws error 4 where it is missing or none of `COMMANDS`. */
export function commandOf(env: Environment): Command {
  const expected = `one of ${COMMANDS.join(', ')}`;
  const command = COMMANDS.find((known) => known === env.CNI_COMMAND);
  return command ?? invalid(env, 'CNI_COMMAND', expected);
}

/**
 * The variables that name the attachment, frozen; all empty for GC and STATUS, which have none.
 * The namespace may be missing on DEL: it may be gone. Throws error 4 for the first variable that
 * is wrong.
 */
export function parseInvocation(command: Command, env: Environment): Invocation {
  if (NETWORK_COMMANDS.includes(command)) {
    return Object.freeze({ container_id: '', net_ns: '', if_name: '' });
  }
  const { CNI_CONTAINERID = '', CNI_IFNAME = '', CNI_NETNS = '' } = env;
  if (!isContainerId(CNI_CONTAINERID)) {
    invalid(env, 'CNI_CONTAINERID', CONTAINER_ID_FORM);
  }
  if (!isInterfaceName(CNI_IFNAME)) {
    invalid(env, 'CNI_IFNAME', INTERFACE_NAME_FORM);
  }
  const isPath = !CNI_NETNS.includes('\0') && Buffer.byteLength(CNI_NETNS) <= NETNS_BYTES_MAX;
  if (!isPath || (CNI_NETNS === '' && command !== 'DEL')) {
    invalid(env, 'CNI_NETNS', `the path of a network namespace, at most ${NETNS_BYTES_MAX} bytes`);
  }
  return Object.freeze({ container_id: CNI_CONTAINERID, net_ns: CNI_NETNS, if_name: CNI_IFNAME });
}

/**
 * The pod that CNI_ARGS (`K=V;K=V`; a value may hold `=`) names. Of a key that occurs twice the
 * first value counts that is not empty. Throws error 7 where the name or the namespace is missing;
 * the UID is empty where the runtime does not say it. All are empty for GC and STATUS.
 */
export function podOf(
  command: Command,
  env: Environment,
): Pick<CniRequest, 'pod_name' | 'pod_namespace' | 'pod_uid'> {
  if (NETWORK_COMMANDS.includes(command)) {
    return { pod_name: '', pod_namespace: '', pod_uid: '' };
  }
  const { CNI_ARGS = '' } = env;
  const value = (key: string): string => {
    const start = `${key}=`;
    const pair = CNI_ARGS.split(';').find((text) => text.startsWith(start) && text !== start) ?? '';
    if (pair === '' && key !== 'K8S_POD_UID') {
      const details = mismatch('CNI_ARGS', `${start}<value>`, CNI_ARGS);
      throw cniError(CniCode.invalidConfig, 'invalid network configuration', details);
    }
    return pair.slice(start.length);
  };
  return {
    pod_name: value('K8S_POD_NAME'),
    pod_namespace: value('K8S_POD_NAMESPACE'),
    pod_uid: value('K8S_POD_UID'),
  };
}

function invalid(env: Environment, name: string, expected: string): never {
  const msg = `invalid environment variable ${name}`;
  throw cniError(CniCode.invalidEnvironment, msg, mismatch(name, expected, env[name]));
}
