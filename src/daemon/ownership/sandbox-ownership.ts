/**
 * Order among the sandboxes of one pod. kubelet makes a new one while calls for the one before may
 * still be on their way, and both are the same logical switch port: the newer sandbox has it.
 */

import type { Deadline } from '../../common/concurrency/deadline.ts';
import { CniError, OwnCode } from '../call/error.ts';
import type { Attachment, LiveAttachment } from '../model/attachment.ts';
import { netnsBirth } from '../netns/netns.ts';

/** An ADD that runs. */
interface Claim {
  readonly containerId: string;
  readonly netns: string;
  readonly deadline: Deadline;
}

/** The ADDs that run or wait, by what they want to be: an interface of a pod on a network. */
export class SandboxOwnership {
  readonly #claims = new Map<string, Set<Claim>>();

  /**
   * Enters an ADD, and ends those of older sandboxes of the pod.
   * @returns leaves, when disposed
   * @throws CniError 102 when the ADD of a newer sandbox is there already
   */
  enter(attachment: LiveAttachment, deadline: Deadline): Disposable {
    const { containerId, netns } = attachment;
    const key = keyOf(attachment);
    const claims = this.#claims.get(key) ?? new Set();
    const others = [...claims].filter((claim) => claim.containerId !== containerId);
    const newer = others.find((claim) => isNewer(claim.netns, netns));
    if (newer !== undefined) throw superseded(attachment, newer.containerId);
    for (const older of others) older.deadline.abort(superseded(attachment, containerId));
    const own = { containerId, netns, deadline };
    this.#claims.set(key, claims.add(own));
    return {
      [Symbol.dispose]: () => {
        claims.delete(own);
        if (claims.size === 0) this.#claims.delete(key);
      },
    };
  }
}

/**
 * True where the sandbox of `netns` was certainly made after that of `other`. Where nothing tells,
 * the caller that came last counts as the newer one.
 */
export function isNewer(netns: string, other: string): boolean {
  const [birth, otherBirth] = [netnsBirth(netns), netnsBirth(other)];
  return birth !== undefined && otherBirth !== undefined && birth > otherBirth;
}

/** @param containerId the newer sandbox's; undefined where it is not known */
export function superseded({ pod }: Attachment, containerId: string | undefined): CniError {
  const which = containerId === undefined ? '' : `, ${containerId},`;
  return new CniError(
    OwnCode.superseded,
    `a newer sandbox${which} of pod ${pod.namespace}/${pod.name} has this interface`,
    'nothing is left to do for this sandbox but its DEL',
  );
}

function keyOf({ pod, provider, ifName }: Attachment): string {
  return `${pod.namespace}/${pod.name}/${provider}/${ifName}`;
}
