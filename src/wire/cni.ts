/**
 * What the CNI specification fixes and both halves check: error codes and the shape of names.
 * Pure; imports nothing, so that the executable stays small.
 */

/** The codes of CNI that are used here (CNI spec 1.1, section 5, "Error"). */
export const CniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  /** An environment variable of the call is missing or wrong; the message names it. */
  invalidEnvironment: 4,
  io: 5,
  decoding: 6,
  /** The network configuration, or what it leads to, is wrong; a retry does not help. */
  invalidConfig: 7,
  /** May succeed when the runtime tries again. */
  tryAgainLater: 11,
  /** STATUS: no ADD can be served now. */
  notAvailable: 50,
  /** STATUS: no ADD can be served, since the network has no address left; what runs goes on. */
  noAddressLeft: 51,
} as const;
/** One of these codes. */
export type CniCode = (typeof CniCode)[keyof typeof CniCode];

/** IFNAMSIZ less the closing NUL: the longest name the kernel takes for an interface, in bytes. */
export const INTERFACE_NAME_BYTES_MAX = 15;

/** True for a container id as the CNI spec wants it (section 2, "CNI_CONTAINERID"). */
export function isContainerId(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text) && text.length <= 256;
}

/**
 * True for a name that both the CNI spec (section 2, "CNI_IFNAME") and the kernel
 * (`dev_valid_name`) take: at most 15 bytes, no slash, colon or white space, not `.` or `..`.
 * Narrower than both: only characters that are plain in every tool's input (a batch of ip(8)
 * knows quotes, backslash and `#`), none of `-` and `.` in front, and not the two names that mean
 * every interface in sysctl.
 */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@+~-]{0,14}$/.test(text) && text !== 'all' && text !== 'default';
}
