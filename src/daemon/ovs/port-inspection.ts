/**
 * What OVS has of an attachment: its port with its limits, and who else stands for a logical switch
 * port.
 */
import type { Attachment } from '../model/attachment.ts';
import {
  INTEGRATION_BRIDGE,
  type InterfaceRow,
  isPortOf,
  type PortIdentity,
  toInterfaceRow,
} from './port.ts';
import type { FreshLook } from './session.ts';
import type { FoundControl } from './traffic-control.ts';
import { controlOf } from './traffic-control-rows.ts';
import { failedTo } from './vsctl.ts';

/** The attachment's port and all others, as of one fresh look. */
export interface PortInspection {
  /** The attachment's; undefined where OVS has none. */
  readonly own: InspectedPort | undefined;
  /** All other interfaces. */
  readonly others: readonly PortIdentity[];
}

/** The attachment's port, with what OVS has made of it. */
export interface InspectedPort extends InterfaceRow {
  readonly isOnBridge: boolean;
  /** OpenFlow's number of the port: -1 where OVS cannot use it, null before it has tried. */
  readonly ofport: number | null;
  /** Bytes; null where OVS does not know it. */
  readonly mtu: number | null;
  /** Limits and mirroring; undefined where there is no Port row. */
  readonly control: FoundControl | undefined;
}

/**
 * @param names names that the port may have
 * @throws CniError 11 when OVS's database does not answer
 */
export async function inspectPort(
  ovs: FreshLook,
  attachment: Attachment,
  names: readonly string[],
): Promise<PortInspection> {
  const state = await ovs.fresh().catch(failedTo("read OVS's rows"));
  const rows = [...state.interfaces.values()];
  const own = rows.find((row) => isPortOf(toInterfaceRow(row), attachment, names));
  const control = own && controlOf(state, own);
  const bridge = control && state.bridgeOfPort(control.portRow);
  return {
    own: own && {
      ...toInterfaceRow(own),
      isOnBridge: bridge?.name === INTEGRATION_BRIDGE,
      ofport: own.ofport ?? null,
      mtu: own.mtu ?? null,
      control,
    },
    others: rows.filter((row) => row !== own).map(toInterfaceRow),
  };
}
