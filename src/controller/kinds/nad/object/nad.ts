/**
 * NetworkAttachmentDefinition: whether a network is ours, and how. Pure.
 */

import { rawFields, readFields, readQuietly } from '../../../../common/fields.ts';
import { OWN_CNI_TYPE } from '../../../../common/names.ts';
import { type Problem, say } from '../../../model/problem.ts';

/**
 * What a network is to us: `ovn` where we make the interface, `ipam` where another plugin makes it
 * and has its addresses from us, `empty` where only the nodes know its configuration.
 */
export type NadConfig =
  | { readonly kind: 'ovn' | 'ipam'; readonly provider: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'wrong'; readonly problem: Problem };

/** What is kept of a NetworkAttachmentDefinition. */
export interface Nad {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly config: NadConfig;
}

/** What to do about a network of type kube-ovn with a dot in its name. */
export const DOTLESS =
  'make the NetworkAttachmentDefinition anew under a name without a dot, and set the provider of it and of its Subnet to <name>.<namespace>.ovn';

/** A raw NetworkAttachmentDefinition as the API server sends it. */
export function projectNad(raw: unknown): Nad {
  const { metadata, spec } = rawFields(raw);
  const said = readQuietly(metadata);
  const namespace = said.text('namespace');
  const name = said.text('name');
  const uid = said.text('uid');
  const problems: Problem[] = [];
  const config = readFields(spec, 'spec', (problem) => problems.push(problem)).text('config');
  const [problem] = problems;
  if (problem !== undefined) return { namespace, name, uid, config: { kind: 'wrong', problem } };
  return { namespace, name, uid, config: readConfig(config, `${namespace}/${name}`) };
}

/**
 * What is wrong with the name of a network of type kube-ovn, or undefined. Controller and nodes tell
 * OVN's providers by their three parts, so neither its Subnet nor its NICs would be taken for OVN's.
 */
export function dottedName({
  namespace,
  name,
}: Pick<Nad, 'namespace' | 'name'>): Problem | undefined {
  if (!name.includes('.')) return undefined;
  const message = say`network-attachment-definition ${namespace}/${name} of type kube-ovn has a dot in its name, with which it cannot be used`;
  return { message, advice: DOTLESS };
}

/** What is wrong with a network by itself, or undefined. */
export function nadProblem(nad: Nad): Problem | undefined {
  if (nad.config.kind === 'wrong') return nad.config.problem;
  return nad.config.kind === 'ovn' ? dottedName(nad) : undefined;
}

/** Of a configuration: far more than any plugin's. A longer one, deeply nested, held the event loop. */
const CONFIG_CHARS_MAX = 128 * 1024;

/** A single configuration, or a list of plugins where it has no type of its own. */
function readConfig(text: string, nad: string): NadConfig {
  if (text === '') return { kind: 'empty' };
  const fail = (what: string): NadConfig => ({
    kind: 'wrong',
    problem: {
      message: say`failed to load config of net-attach-def ${nad}: ${what}`,
      advice: 'correct spec.config of the NetworkAttachmentDefinition',
    },
  });
  if (text.length > CONFIG_CHARS_MAX) {
    return fail(`it has ${text.length} characters, and at most ${CONFIG_CHARS_MAX} are read`);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    return fail('it is no JSON');
  }
  const problems: Problem[] = [];
  const fields = readFields(config, 'config', (problem) => problems.push(problem));
  const single = fields.text('type') !== '';
  const plugins = single ? [fields] : fields.parts('plugins');
  if (!single && (plugins[0]?.text('type') ?? '') === '') {
    return fail(problems[0]?.message ?? 'neither it nor its first plugin has a type');
  }
  const parts = plugins.map((plugin) => ({
    type: plugin.text('type'),
    provider: plugin.text('provider'),
    ipam: plugin.part('ipam'),
  }));
  const delegates = parts.map(({ ipam }) => ({
    type: ipam.text('type'),
    provider: ipam.text('provider'),
  }));
  if (problems[0] !== undefined) return fail(problems[0].message);
  const own = parts.find(({ type }) => type === OWN_CNI_TYPE);
  if (own !== undefined) return { kind: 'ovn', provider: own.provider };
  const delegate = delegates.find(({ type }) => type === OWN_CNI_TYPE);
  return delegate ? { kind: 'ipam', provider: delegate.provider } : { kind: 'other' };
}
