/**
 * The kernel settings of a node whose primary network is Kube-OVN's: it forwards packets for
 * its pods, and takes IPv4 packets that come back another way than they went. As in Kube-OVN.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Family, parseAddress } from '../common/address.ts';
import { messageOf, show } from '../common/text.ts';

interface Setting {
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
}

const SETTINGS: Readonly<Record<Family, readonly Setting[]>> = {
  IPv4: [
    { path: 'net/ipv4/ip_forward', value: '1' },
    { path: 'net/ipv4/conf/all/rp_filter', value: '0' },
  ],
  IPv6: [{ path: 'net/ipv6/conf/all/forwarding', value: '1' }],
};

/** The families of a comma list of addresses, as `status.podIPs` gives it. @throws Error for others */
export function familiesOf(addresses: string): Family[] {
  const texts = addresses.split(',').filter((text) => text.trim() !== '');
  const families = texts.map((text) => {
    const address = parseAddress(text.trim());
    if (address === undefined) {
      throw new Error(`POD_IPS: expected IP addresses with commas between, found ${show(text)}`);
    }
    return address.family;
  });
  return [...new Set(families)];
}

/**
 * Makes the settings of these families; one that is right is not written.
 * @returns what was changed, as `name = value`
 * @throws Error that names the setting and what the container needs
 */
export async function applySysctls(families: readonly Family[]): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, value } of families.flatMap((family) => SETTINGS[family])) {
    const file = join('/proc/sys', path);
    const name = path.replaceAll('/', '.');
    try {
      if ((await readFile(file, 'utf8')).trim() === value) continue;
      await writeFile(file, value);
    } catch (error) {
      throw new Error(
        `cannot set ${name}=${value}: ${messageOf(error)}; the container must be privileged, or the node be set up so before`,
      );
    }
    changed.push(`${name} = ${value}`);
  }
  return changed;
}
