/** The built daemon as a child process. */
import { Program, type ProgramOptions, spawnBundle } from './program.ts';

export const SOCKET = '/run/openvswitch/kube-ovn-daemon.sock';

export interface DaemonOptions extends ProgramOptions {
  readonly nodeName: string;
  /** Without the lab's own flags: `flags` and the environment say all. */
  readonly isPlain?: boolean;
}

export class Daemon extends Program {
  /** Starts the daemon and waits until it takes calls. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const own = [`--node-name=${options.nodeName}`, '--mtu=1400'];
    const args = options.isPlain === true ? [] : own;
    const daemon = new Daemon('daemon', spawnBundle('kube-ovn-cni.cjs', args, options));
    await daemon.becomes('ready for CNI calls');
    return daemon;
  }
}
