/**
 * Says at the daemon's start, in non-primary mode, which file of the node still makes the runtime or
 * Multus ask for Kube-OVN's primary network: one left over from primary times, or the one that
 * Kube-OVN's chart installs in either mode. It is not removed: it is the operator's.
 */

import type { EventRecorder } from '../../common/kubernetes/events.ts';
import type { Logger } from '../../common/log.ts';
import { PRIMARY_PROVIDER } from '../../common/names.ts';
import type { PrimaryNetwork } from './primary-network.ts';

/** Reason of the event on the Node. */
export const CONFIGURATION_REASON = 'PrimaryNetworkAskedFor';

/**
 * Writes one line and one event on the Node where there is such a file, and does nothing otherwise. Never
 * throws.
 */
export function warnOfConfigurations({
  primary,
  events,
  nodeName,
  log,
}: {
  readonly primary: Pick<PrimaryNetwork, 'failure' | 'filesAtFault'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly nodeName: string;
  readonly log: Logger;
}): void {
  if (primary.filesAtFault().length === 0) return;
  const failure = primary.failure(PRIMARY_PROVIDER);
  if (failure === undefined) return;
  const message = `${failure.message}: ${failure.advice}`;
  log.warn({}, message);
  // The kubelet's own events about its Node have the name for the UID, and kubectl looks for either.
  const node = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName };
  events.record(node, { type: 'Warning', reason: CONFIGURATION_REASON, message });
}
