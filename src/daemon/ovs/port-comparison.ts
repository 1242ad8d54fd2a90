/**
 * A NIC's port as it should be against what OVS has of it. Pure.
 */

import { show } from '../../common/text.ts';
import { OwnCode } from '../call/error.ts';
import { compared, type Difference, differs } from '../model/difference.ts';
import { INTEGRATION_BRIDGE, type PortIdentity } from './port.ts';
import type { InspectedPort, PortInspection } from './port-inspection.ts';

/** What a port should be; what is undefined is not known. */
export interface ExpectedPort {
  /** The name that it has unless another attachment has that name. */
  readonly usualName: string;
  readonly ifaceId: string | undefined;
  readonly podUid: string | undefined;
  /** Bytes. */
  readonly mtu: number | undefined;
}

const CODE = OwnCode.portDiffers;

/**
 * How the port differs from what it should be: its row, its marks, its MTU, whether OVS can use it, and
 * whether another interface has its `iface-id`. None where all is right.
 */
export function comparePort(expected: ExpectedPort, { own, others }: PortInspection): Difference[] {
  const ifaceId = expected.ifaceId ?? own?.externalIds['iface-id'];
  const owner = own?.name ?? expected.usualName;
  const taken = ifaceId === undefined ? [] : compareIfaceIdOwners(ifaceId, owner, others);
  if (own === undefined) {
    return [differs(CODE, `port on ${INTEGRATION_BRIDGE}`, expected.usualName, 'none'), ...taken];
  }
  return [
    ...compareIds(expected, own),
    ...taken,
    ...compareState(own),
    ...(expected.mtu === undefined || own.mtu === null
      ? []
      : compared(CODE, `MTU of ${own.name}`, String(expected.mtu), String(own.mtu))),
  ];
}

/** OVN binds a logical switch port to one interface, and of several it may be the wrong one. */
function compareIfaceIdOwners(
  ifaceId: string,
  owner: string,
  others: readonly PortIdentity[],
): Difference[] {
  return others
    .filter(({ externalIds }) => externalIds['iface-id'] === ifaceId)
    .map(({ name }) =>
      differs(CODE, `iface-id ${show(ifaceId)}`, `only on ${owner}`, `on ${name}`),
    );
}

function compareIds(
  { ifaceId, podUid }: ExpectedPort,
  { name, externalIds }: InspectedPort,
): Difference[] {
  const compareId = (key: string, expected: string) => {
    const found = externalIds[key];
    return compared(
      CODE,
      `${key} of ${name}`,
      show(expected),
      found === undefined ? 'none' : show(found),
    );
  };
  // Rows of Kube-OVN's daemon have no key, and no UID either.
  const isOurs = externalIds.container_id !== undefined;
  return [
    ...(ifaceId === undefined ? [] : compareId('iface-id', ifaceId)),
    ...(ifaceId === undefined && externalIds['iface-id'] === undefined
      ? [differs(CODE, `iface-id of ${name}`, 'a logical switch port', 'none')]
      : []),
    ...(podUid === undefined || !isOurs ? [] : compareId('iface-id-ver', podUid)),
    ...compareId('ovn-installed', 'true'),
  ];
}

/** What OVS makes of it. */
function compareState({ name, isOnBridge, ofport, error }: InspectedPort): Difference[] {
  const isUsable = ofport !== null && ofport > 0;
  return [
    ...(isOnBridge ? [] : [differs(CODE, `port ${name}`, `on ${INTEGRATION_BRIDGE}`, 'not there')]),
    ...(isUsable
      ? []
      : [differs(CODE, `ofport of ${name}`, 'a positive number', String(ofport ?? 'none'))]),
    ...(error === null ? [] : [differs(CODE, `error of ${name}`, 'none', show(error))]),
  ];
}
