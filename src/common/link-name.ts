/**
 * Names of network interfaces on a node. Pure.
 */

/** Linux's limit (IFNAMSIZ less the closing zero). */
export const LINK_NAME_BYTES_MAX = 15;

/**
 * True for a name that a link may have here: the kernel takes nearly everything, but in OVS's maps
 * `:` and `,` part entries, and a tool takes a name that begins with `-` for an option.
 */
export function isLinkName(text: string): boolean {
  return (
    text.length <= LINK_NAME_BYTES_MAX &&
    /^[A-Za-z0-9_.][-A-Za-z0-9_.]*$/.test(text) &&
    text !== '.' &&
    text !== '..'
  );
}
