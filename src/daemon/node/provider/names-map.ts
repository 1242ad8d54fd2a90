/**
 * Maps that OVN reads of `external_ids` of Open_vSwitch, written as `key:value,key:value`:
 * `ovn-bridge-mappings` and `ovn-chassis-mac-mappings` (ovn-controller(8)). Entries of others stay. Pure.
 */

export const BRIDGE_MAPPINGS = 'ovn-bridge-mappings';
export const MAC_MAPPINGS = 'ovn-chassis-mac-mappings';

/** Of an entry without a colon the value is empty. The first of two with one key counts. */
export function parseMap(text = ''): Map<string, string> {
  const map = new Map<string, string>();
  for (const entry of text.split(',').filter(Boolean)) {
    const at = entry.indexOf(':');
    const [key, value] = at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    if (!map.has(key)) map.set(key, value);
  }
  return map;
}

/** The map with that entry; with undefined, without it. */
export function withEntry(
  text: string | undefined,
  key: string,
  value: string | undefined,
): string {
  const map = parseMap(text);
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  return [...map].map(([each, its]) => (its === '' ? each : `${each}:${its}`)).join(',');
}
