/**
 * What an MTU may be, for the controller that checks Subnets and for the daemon that makes NICs.
 */

/** Bytes; RFC 791's least datagram. Linux takes no IPv4 address on a link with less. */
export const MTU_MIN = 68;
/** Bytes; the greatest that veth takes. */
export const MTU_MAX = 65_535;
/** Bytes; RFC 8200, section 5. Linux drops IPv6 from a link with less. */
export const IPV6_MTU_MIN = 1280;
