/**
 * The chassis id of this node, which the controller looks for in the Node's annotation.
 */

import { untilDone } from '../../common/concurrency/retry.ts';
import type { KubernetesApi } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import { unreadable } from '../../common/process/output.ts';
import type { Node } from '../model/node.ts';
import { CHASSIS_ANNOTATION } from '../model/node.ts';
import type { OvsTable } from '../ovs/table.ts';
import type { Vsctl } from '../ovs/vsctl.ts';

/** What the announcement of the chassis uses. */
export interface ChassisParts {
  readonly api: Pick<KubernetesApi, 'mergePatch'>;
  /** This node only. */
  readonly node: Pick<WatchCache<Node>, 'get' | 'until'>;
  readonly nodeName: string;
  readonly bridges: Pick<OvsTable, 'synced'>;
  readonly vsctl: Vsctl;
  readonly log: Logger;
}

/** One of OVS's own external_ids; empty where it is not set. */
async function externalId(vsctl: Vsctl, key: string): Promise<string> {
  const output = await vsctl([
    '--',
    '--if-exists',
    'get',
    'Open_vSwitch',
    '.',
    `external_ids:${key}`,
  ]);
  const [value, ...others] = output.trim().split('\n');
  // It goes into an annotation of the node, by which the controller finds the chassis.
  if (others.length > 0 || !/^[\x21-\x7e]{0,253}$/.test(value ?? '')) {
    throw unreadable('ovs-vsctl', output);
  }
  return (value ?? '').replace(/^"(.*)"$/, '$1');
}

/**
 * Writes OVS's system-id into the node's annotation, by which the controller knows the chassis;
 * again when somebody changes the annotation. Resolves never.
 */
export async function announceChassis(parts: ChassisParts): Promise<void> {
  const { node, nodeName, bridges, log } = parts;
  const forever = new AbortController().signal;
  await bridges.synced(forever);
  const systemId = await untilDone('cannot announce this chassis', () => readSystemId(parts), log);
  for (;;) {
    await node.until(() => {
      const known = node.get(nodeName);
      return known !== undefined && known.chassis !== systemId ? known : undefined;
    }, forever);
    await untilDone('cannot announce this chassis', () => annotate(parts, systemId), log);
    await node.until(() => node.get(nodeName)?.chassis === systemId || undefined, forever);
  }
}

async function readSystemId({ vsctl }: Pick<ChassisParts, 'vsctl'>): Promise<string> {
  const systemId = await externalId(vsctl, 'system-id');
  if (systemId === '') throw new Error('external_ids:system-id of Open_vSwitch is not set');
  return systemId;
}

async function annotate(
  { api, nodeName }: Pick<ChassisParts, 'api' | 'nodeName'>,
  systemId: string,
): Promise<void> {
  const patch = { metadata: { annotations: { [CHASSIS_ANNOTATION]: systemId } } };
  await api.mergePatch(objectPath(KINDS.nodes, nodeName), patch, AbortSignal.timeout(30_000));
}
