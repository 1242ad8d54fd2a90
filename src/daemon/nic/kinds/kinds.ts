/**
 * The NIC kinds that this daemon makes, and which one a NIC is of.
 */
import { show } from '../../../common/text.ts';
import { CniCode } from '../../../wire/cni.ts';
import { CniError } from '../../call/error.ts';
import type { Nic } from '../../model/nic.ts';
import type { MarkedPort } from '../../ovs/marked-port.ts';
import type { NicKind } from './kind.ts';
import { veth } from './veth.ts';

/** The first is that of a NIC whose annotations do not say which. */
export const KINDS: readonly [NicKind, ...NicKind[]] = [veth];

/**
 * The kind that annotations ask for.
 * @throws CniError 2 for one that this daemon does not make
 */
export function kindOf({ nicTypes }: Pick<Nic, 'nicTypes'>): NicKind {
  const [kind = KINDS[0]] = nicTypes.map(({ key, text }) => {
    const asked = KINDS.find(({ nicType }) => nicType === text);
    if (asked !== undefined) return asked;
    const made = KINDS.map(({ nicType }) => `"${nicType}"`).join(' or ');
    throw new CniError(
      CniCode.unsupportedField,
      `annotation ${key} asks for NIC type ${show(text)}`,
      `this daemon makes no such interface: remove the annotation, or set it to ${made}`,
    );
  });
  return kind;
}

/**
 * Removes interfaces of the node, whichever kind they are of; one that is not there is fine.
 * @throws CniError 11 when the kernel refuses
 */
export async function removeLinks(hostInterfaces: readonly string[]): Promise<void> {
  await Promise.all(KINDS.map((kind) => kind.remove(hostInterfaces)));
}

/**
 * Those of `ports`, whose network namespace is no longer mounted, of which a kind proves that their sandbox
 * is gone.
 * @returns undefined where nothing can be proved on this node
 */
export async function abandonedPorts(
  ports: readonly MarkedPort[],
): Promise<readonly MarkedPort[] | undefined> {
  const proved = await Promise.all(KINDS.map((kind) => kind.abandoned(ports)));
  return proved.includes(undefined) ? undefined : proved.flatMap((found) => found ?? []);
}
