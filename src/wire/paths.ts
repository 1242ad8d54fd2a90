/**
 * Paths of the daemon's socket API. Pure, without imports: the executable uses them, and
 * messages.ts would drag its schema library into the bundle.
 */
export const ADD_PATH = '/api/v1/add';
/** DEL; as ADD, a path of Kube-OVN's daemon. */
export const DEL_PATH = '/api/v1/del';
/** Kube-OVN's daemon does not have these three. */
export const CHECK_PATH = '/api/v1/check';
/** GC; ours. */
export const GC_PATH = '/api/v1/gc';
/** STATUS; ours. */
export const STATUS_PATH = '/api/v1/status';

/**
 * Directory beside the socket in which the executable records the DELs that it cannot hand over,
 * one JSON body in a file for each attachment.
 */
export function deletionsOf(socketPath: string): string {
  return `${socketPath}.deletions`;
}
