/**
 * Turns TX checksum offload off on the kernel's tunnel devices, as Kube-OVN's daemon does
 * (cmd/daemon/init.go): packets in tunnels whose checksums a network card should fill in are dropped
 * by some of them. Always on Geneve's; on VXLAN's where the operator asks for it.
 *
 * OVS makes the device with its first port of that type and removes it with the last, so it comes and
 * goes with the other nodes of the cluster; what Kube-OVN's daemon does once is done here each time.
 */
import { untilDone } from '../../common/concurrency/retry.ts';
import type { Logger } from '../../common/log.ts';
import { run } from '../../common/process/run.ts';
import { ToolError } from '../../common/process/tool-error.ts';
import type { Interfaces } from '../ovs/port.ts';
import type { TunnelSettings } from './tunnel-settings.ts';

/** Kernel devices by the type of OVS's Interface; their names are those of OVS and of UDP's ports. */
const DEVICES = { geneve: 'genev_sys_6081', vxlan: 'vxlan_sys_4789' } as const;
type TunnelType = keyof typeof DEVICES;

/** Which tunnels there are, and what says that OVS has made their device. */
export interface TunnelOffloadOptions {
  readonly settings: Pick<TunnelSettings, 'networkType' | 'disablesVxlanOffload'>;
  readonly interfaces: Pick<Interfaces, 'until' | 'rows'>;
  readonly log: Logger;
}

/** Follows OVS's ports until the signal is aborted. */
export function disableTunnelOffload(options: TunnelOffloadOptions, signal: AbortSignal): void {
  const { networkType, disablesVxlanOffload } = options.settings;
  const hasVxlan = disablesVxlanOffload && networkType === 'vxlan';
  for (const type of hasVxlan ? (['geneve', 'vxlan'] as const) : (['geneve'] as const)) {
    follow(type, options, signal).catch(() => {
      // The signal: nothing else ends it.
    });
  }
}

/** Resolves never. @throws `signal.reason` when aborted */
async function follow(
  type: TunnelType,
  { interfaces, log }: TunnelOffloadOptions,
  signal: AbortSignal,
): Promise<never> {
  const device = DEVICES[type];
  const what = `cannot turn off TX checksum offload of ${device}`;
  for (;;) {
    await interfaces.until(() => hasPort(interfaces, type) || undefined, signal);
    await untilDone(what, () => disableOffload(device, log), log, signal);
    await interfaces.until(() => !hasPort(interfaces, type) || undefined, signal);
  }
}

/** True where OVS has opened one: a row without a port number has only been asked for. */
function hasPort({ rows }: Pick<Interfaces, 'rows'>, type: TunnelType): boolean {
  for (const row of rows.values()) {
    if (row.type === type && (row.ofport ?? 0) > 0) return true;
  }
  return false;
}

async function disableOffload(device: string, log: Logger): Promise<void> {
  try {
    await run('ethtool', ['-K', device, 'tx', 'off']);
    log.info({ device }, 'TX checksum offload of the tunnel device is off');
  } catch (error) {
    // OVS's datapath in userspace has no device for its tunnels.
    if (error instanceof ToolError && /No such device/i.test(error.stderr)) return;
    throw error;
  }
}
