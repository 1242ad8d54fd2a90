/**
 * Whether a collection can be followed, and what is in the way where it cannot.
 */
import { KubernetesError } from './error.ts';
import { type Resource, resourceOf } from './path.ts';

/**
 * - `pending`: the first list has not come. The server may be away.
 * - `synced`: it has come. The server may be away now: the last known state is shown.
 * - `missing`: the server has no such kind (404): its CustomResourceDefinition is not installed.
 * - `forbidden`: we may not list or watch it (403): the role lacks the verb.
 *
 * The last two end by themselves, when the definition or the right is there: it is tried again all
 * the time, with pauses. Objects that were known before are shown as they were.
 */
export type Availability =
  | { readonly state: 'pending' | 'synced' }
  | ({ readonly state: 'missing' } & Resource)
  | ({ readonly state: 'forbidden'; readonly verb: 'list' | 'watch' } & Resource);

/** What a failed list or watch says; undefined where it says nothing about the kind. */
export function unavailability(error: unknown): Availability | undefined {
  if (!(error instanceof KubernetesError)) return undefined;
  const { status, verb, path } = error;
  if (status === 404) return { state: 'missing', ...resourceOf(path) };
  if (status !== 403) return undefined;
  return { state: 'forbidden', verb: verb === 'watch' ? 'watch' : 'list', ...resourceOf(path) };
}

/** Whether two say the same. */
export function isSameAvailability(one: Availability, other: Availability): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
