/**
 * Bounds the connections of a server that anybody in the cluster reaches, so that no caller keeps the
 * kubelet's probes or Prometheus out.
 *
 * The kubelet probes a host-networked pod from the pod's own host, so that the connection has one
 * address at both ends. No other machine and no pod can have that: the answers to its SYN would never
 * leave the host. Connections of the host and of all others are counted apart.
 */
import type { Server, Socket } from 'node:net';

/** A scrape and a person with curl at the same time, some times over. */
const PER_CALLER_MAX = 8;
const OTHERS_MAX = 64;
const OWN_HOST_MAX = 64;

/** Closes each connection of `server` that is one too many, before a byte of it is read. */
export function limitCallers(server: Server): void {
  const counts = new Map<string, number>();
  let others = 0;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '', localAddress } = socket;
    const isOwnHost = remoteAddress === localAddress;
    const count = counts.get(remoteAddress) ?? 0;
    const isTooMany = isOwnHost
      ? count >= OWN_HOST_MAX
      : count >= PER_CALLER_MAX || others >= OTHERS_MAX;
    if (isTooMany) {
      socket.destroy();
      return;
    }
    counts.set(remoteAddress, count + 1);
    if (!isOwnHost) others += 1;
    socket.once('close', () => {
      if (!isOwnHost) others -= 1;
      const left = (counts.get(remoteAddress) ?? 1) - 1;
      if (left === 0) counts.delete(remoteAddress);
      else counts.set(remoteAddress, left);
    });
  });
}
