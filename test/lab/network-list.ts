/**
 * Plays libcni: a network configuration list, whose plugins work on one interface one after another
 * (CNI specification 1.0, section 3, "Execution of Network Configurations").
 */
import {
  type CniOutcome,
  type CniResult,
  cni,
  type NetworkConfig,
  type Sandbox,
} from './runtime.ts';

export interface NetworkList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly NetworkConfig[];
}

/** What the runtime knows of an interface: values of capabilities, by their names. */
export type CapabilityArgs = Readonly<Record<string, unknown>>;

/** Every plugin in turn, each with the result of the one before; the last one's result counts. */
export async function addList(
  list: NetworkList,
  sandbox: Sandbox,
  ifName: string,
  args: CapabilityArgs = {},
): Promise<CniOutcome> {
  let outcome: CniOutcome | undefined;
  for (const plugin of list.plugins) {
    outcome = await call('ADD', list, plugin, { sandbox, ifName, args, result: outcome?.result });
    if (outcome.exitCode !== 0) return outcome;
  }
  if (outcome === undefined) throw new Error('a list without plugins');
  return outcome;
}

/** Every plugin with the result of the ADD. @returns the first that complains, or the last one */
export function checkList(
  list: NetworkList,
  sandbox: Sandbox,
  ifName: string,
  result: CniResult,
  args: CapabilityArgs = {},
): Promise<CniOutcome> {
  return each('CHECK', list, list.plugins, { sandbox, ifName, args, result });
}

/** Every plugin in reverse order with the result of the ADD. */
export function deleteList(
  list: NetworkList,
  sandbox: Sandbox,
  ifName: string,
  result: CniResult,
  args: CapabilityArgs = {},
): Promise<CniOutcome> {
  return each('DEL', list, list.plugins.toReversed(), { sandbox, ifName, args, result });
}

interface Interface {
  readonly sandbox: Sandbox;
  readonly ifName: string;
  readonly args: CapabilityArgs;
  readonly result: CniResult | undefined;
}

async function each(
  verb: 'CHECK' | 'DEL',
  list: NetworkList,
  plugins: readonly NetworkConfig[],
  on: Interface,
): Promise<CniOutcome> {
  let outcome: CniOutcome | undefined;
  for (const plugin of plugins) {
    outcome = await call(verb, list, plugin, on);
    if (outcome.exitCode !== 0) return outcome;
  }
  if (outcome === undefined) throw new Error('a list without plugins');
  return outcome;
}

function call(
  verb: 'ADD' | 'CHECK' | 'DEL',
  { cniVersion, name }: NetworkList,
  plugin: NetworkConfig,
  { sandbox, ifName, args, result }: Interface,
): Promise<CniOutcome> {
  const capabilities = (plugin.capabilities ?? {}) as Readonly<Record<string, boolean>>;
  const supported = Object.entries(args).filter(([key]) => capabilities[key]);
  const complete = {
    ...plugin,
    cniVersion,
    name,
    ...(supported.length > 0 && { runtimeConfig: Object.fromEntries(supported) }),
    ...(result && { prevResult: result }),
  };
  return cni(verb, sandbox, ifName, complete);
}
