/**
 * The chassis id of this node, which the controller looks for in the Node's annotation.
 */

import { untilDone } from '../../common/concurrency/retry.ts';
import type { KubernetesApi } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import { show } from '../../common/text.ts';
import type { Node } from '../model/node.ts';
import { CHASSIS_ANNOTATION } from '../model/node.ts';
import type { BridgeRow } from '../ovs/rows.ts';
import type { FreshLook } from '../ovs/session.ts';
import type { OvsTable } from '../ovs/table.ts';

/** What the announcement of the chassis uses. */
export interface ChassisParts {
  readonly api: Pick<KubernetesApi, 'mergePatch'>;
  /** This node only. */
  readonly node: Pick<WatchCache<Node>, 'get' | 'until'>;
  readonly nodeName: string;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'synced'>;
  readonly ovs: FreshLook;
  readonly log: Logger;
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

async function readSystemId({ ovs }: Pick<ChassisParts, 'ovs'>): Promise<string> {
  const { 'system-id': systemId = '' } = (await ovs.fresh()).externalIds;
  if (systemId === '') throw new Error('external_ids:system-id of Open_vSwitch is not set');
  // It goes into an annotation of the node, by which the controller finds the chassis.
  if (/^[\x21-\x7e]{1,253}$/.test(systemId)) return systemId;
  throw new Error(`external_ids:system-id of Open_vSwitch is no name: ${show(systemId)}`);
}

async function annotate(
  { api, nodeName }: Pick<ChassisParts, 'api' | 'nodeName'>,
  systemId: string,
): Promise<void> {
  const patch = { metadata: { annotations: { [CHASSIS_ANNOTATION]: systemId } } };
  await api.mergePatch(objectPath(KINDS.nodes, nodeName), patch, AbortSignal.timeout(30_000));
}
