/**
 * Exceptions from a ProviderNetwork that older versions of Kube-OVN took from annotations of Nodes: they
 * belong into the object, where today's daemons look. Pure.
 */
import { isLinkName } from '../../../../common/link-name.ts';
import {
  type CustomInterface,
  type ProviderNetworkLabels,
  type ProviderNode,
  providerNetworkLabels,
} from '../../../../common/provider-network.ts';
import type { MergePatch } from '../../../model/meta.ts';
import type { ProviderNetworkObject } from './provider-network.ts';

/** A node with its annotations about provider networks. */
interface AnnotatedNode extends ProviderNode {
  readonly networkAnnotations: ReadonlyMap<string, string>;
}

/** What is to be written so that the ProviderNetwork says what the annotations of Nodes say, and these go. */
export interface Migration {
  /** What the ProviderNetwork is to say first; undefined where it says it. */
  readonly spec: MergePatch | undefined;
  /** By node, the annotations that go then: a merge patch. */
  readonly annotations: ReadonlyMap<string, Readonly<Record<string, null>>>;
}

/** What is to be written for the annotations of these nodes; nothing where there are none. */
export function migrationOf(
  network: ProviderNetworkObject,
  nodes: Iterable<AnnotatedNode>,
): Migration {
  const keys = providerNetworkLabels(network.name);
  const annotations = new Map<string, Readonly<Record<string, null>>>();
  const excludeNodes = [...network.excludeNodes];
  let customInterfaces = network.customInterfaces;
  for (const node of nodes) {
    const { name } = node;
    const { isExcluded, link } = exceptionOf(node, keys);
    if (isExcluded && !excludeNodes.includes(name)) excludeNodes.push(name);
    if (link !== undefined) customInterfaces = withInterface(customInterfaces, link, name);
    const moved = [
      ...(isExcluded ? [keys.exclude] : []),
      ...(link === undefined ? [] : [keys.interface]),
    ];
    if (moved.length === 0) continue;
    annotations.set(name, Object.fromEntries(moved.map((key) => [key, null])));
  }
  const { resourceVersion } = network.meta;
  const spec = {
    ...(excludeNodes.length === network.excludeNodes.length ? {} : { excludeNodes }),
    ...(customInterfaces === network.customInterfaces ? {} : { customInterfaces }),
  };
  // A merge patch replaces whole lists: the version keeps it from undoing another's change.
  const patch = { metadata: { resourceVersion }, spec };
  return { spec: Object.keys(spec).length === 0 ? undefined : patch, annotations };
}

/** What a node's annotations say; nothing comes of a text that is no name of an interface. */
function exceptionOf({ networkAnnotations }: AnnotatedNode, keys: ProviderNetworkLabels) {
  const link = networkAnnotations.get(keys.interface) ?? '';
  return {
    isExcluded: networkAnnotations.get(keys.exclude) === 'true',
    ...(isLinkName(link) ? { link } : {}),
  };
}

/** What the object says of a node goes before the node's annotation. */
function withInterface(
  custom: readonly CustomInterface[],
  link: string,
  node: string,
): readonly CustomInterface[] {
  if (custom.some(({ nodes }) => nodes.includes(node))) return custom;
  if (!custom.some((entry) => entry.interface === link)) {
    return [...custom, { interface: link, nodes: [node] }];
  }
  return custom.map((entry) =>
    entry.interface === link ? { ...entry, nodes: [...entry.nodes, node] } : entry,
  );
}
