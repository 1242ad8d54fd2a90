/**
 * The MAC addresses that a plugin which delegates to us was told to give its interface. Multus has them
 * from the pod's networks annotation (`mac`, and `cni-args`), where its author can write anybody's, also
 * after the controller has looked; the plugins read them in these places (their `mac` of CNI_ARGS, of
 * `runtimeConfig` and of `args.cni`).
 */
import { isObject, type Json } from './fields.ts';
import type { Environment } from './invocation.ts';

const ARGUMENT = 'MAC=';

/** As they are written, each once; what is no text is no MAC address, and the plugin's to refuse. */
export function interfaceMacs(config: Json, { CNI_ARGS = '' }: Environment): string[] {
  const said = [
    ...CNI_ARGS.split(';').flatMap((pair) =>
      pair.startsWith(ARGUMENT) ? [pair.slice(ARGUMENT.length)] : [],
    ),
    below(config.runtimeConfig).mac,
    below(below(config.args).cni).mac,
  ];
  return [...new Set(said.filter((mac) => typeof mac === 'string' && mac !== ''))] as string[];
}

function below(value: unknown): Json {
  return isObject(value) ? value : {};
}
