/**
 * A frame that a pod sends as it likes, from a packet socket (packet(7)), as root in a container with
 * CAP_NET_RAW can. perl(1) sends it: it is on every Debian system, and Node.js has no such socket.
 */
import { command } from './command.ts';
import type { Sandbox } from './runtime.ts';

/** Arguments: index of the interface, the frame in hexadecimal digits. */
const SEND = `use Socket;
  my ($index, $frame) = (int $ARGV[0], pack('H*', $ARGV[1]));
  socket(my $socket, 17, SOCK_RAW, 0) or die "socket: $!";
  my $to = pack('S n i S C C a8', 17, 0, $index, 0, 0, 6, substr($frame, 0, 6));
  defined send($socket, $frame, 0, $to) or die "send: $!";`;

export async function sendFrame(sandbox: Sandbox, ifName: string, frame: Buffer): Promise<void> {
  const inPod = (...words: string[]) => command('nsenter', [`--net=${sandbox.netns}`, ...words]);
  const [link] = JSON.parse(await inPod('ip', '-j', 'link', 'show', 'dev', ifName));
  await inPod('perl', '-e', SEND, String(link.ifindex), frame.toString('hex'));
}

/**
 * A router advertisement (RFC 4861, section 4.2) that offers a default route and the prefix
 * 2001:db8:bad::/64 for addresses.
 * @param mac of the sender; its link-local address is fe80::bad
 */
export function routerAdvertisement(mac: string): Buffer {
  const source = mac.replaceAll(':', '');
  const [from, allNodes] = [`fe80${'0'.repeat(25)}bad`, `ff02${'0'.repeat(27)}1`];
  const prefix = `20010db80bad${'0'.repeat(20)}`;
  const message =
    // Type 134, no checksum yet; hop limit 64, no flags, router for 1800 s; no timers.
    '86000000' + '40000708' + '0000000000000000' +
    // The sender's MAC; then the prefix: 64 bits, on-link and autonomous, for an hour.
    `0101${source}` + `030440c0${'00000e10'.repeat(2)}00000000${prefix}`; // biome-ignore format: as it is on the wire
  const bytes = Buffer.from(message, 'hex');
  const length = bytes.length.toString(16).padStart(8, '0');
  bytes.writeUInt16BE(
    checksum(Buffer.concat([Buffer.from(`${from + allNodes + length}0000003a`, 'hex'), bytes])),
    2,
  );
  const header = `333300000001${source}86dd60000000${length.slice(4)}3aff${from}${allNodes}`;
  return Buffer.concat([Buffer.from(header, 'hex'), bytes]);
}

/** Of the Internet (RFC 1071), over an even number of bytes. */
export function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}
