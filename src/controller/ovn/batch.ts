/**
 * Plans that share a transaction. What they assert comes first, so that no plan's changes are in the
 * way of another's; what several assert, or change of one row, is said once.
 */
import type { Mutation, Operation } from '../../common/ovsdb/operation.ts';
import { setOf } from '../../common/ovsdb/value.ts';
import type { Plan } from './transaction-builder.ts';

/** An operation with those who want it. */
interface Shared<Member> {
  operation: Operation;
  readonly members: Set<Member>;
}

/**
 * One transaction that is put together from the plans of several members, and which of them an operation of it
 * is from.
 */
export class Batch<Member> {
  readonly #members = new Map<Member, Plan>();
  readonly #waits = new Map<string, Shared<Member>>();
  readonly #changes: Shared<Member>[] = [];
  /** Of these, mutations of one row each, by that. */
  readonly #mutates = new Map<string, Shared<Member>>();

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get size(): number {
    return this.#members.size;
  }

  get members(): Iterable<readonly [Member, Plan]> {
    return this.#members;
  }

  add(member: Member, plan: Plan): void {
    this.#members.set(member, plan);
    for (const operation of plan.waits) {
      const key = JSON.stringify(operation);
      const known = this.#waits.get(key);
      if (known === undefined) this.#waits.set(key, { operation, members: new Set([member]) });
      else known.members.add(member);
    }
    for (const operation of plan.operations) this.#addChange(member, operation);
  }

  get operations(): readonly Operation[] {
    return [...this.#waits.values(), ...this.#changes].map(({ operation }) => operation);
  }

  /**
   * Those whose operation has failed.
   * @param index in `operations`
   * @returns `nobody` where it is none of them: one of several breaks a constraint
   */
  blamed(index: number): ReadonlySet<Member> | 'nobody' {
    const failed = [...this.#waits.values(), ...this.#changes][index];
    if (failed !== undefined) return failed.members;
    return this.size === 1 ? new Set(this.#members.keys()) : 'nobody';
  }

  #addChange(member: Member, operation: Operation): void {
    const key = operation.op === 'mutate' ? JSON.stringify(operation.where) : undefined;
    const known = key === undefined ? undefined : this.#mutates.get(key);
    if (operation.op === 'mutate' && known?.operation.op === 'mutate') {
      const mutations = merged(known.operation.mutations, operation.mutations);
      known.operation = { ...operation, mutations };
      known.members.add(member);
      return;
    }
    const shared = { operation, members: new Set([member]) };
    this.#changes.push(shared);
    if (key !== undefined) this.#mutates.set(key, shared);
  }
}

/** Mutations one after another: members that go into one set, or come out of it, in one. */
function merged(before: readonly Mutation[], more: readonly Mutation[]): readonly Mutation[] {
  const result = [...before];
  for (const mutation of more) {
    const last = result.at(-1);
    const members = last === undefined ? undefined : union(last, mutation);
    if (last === undefined || members === undefined) result.push(mutation);
    else result[result.length - 1] = [last[0], last[1], setOf(members)];
  }
  return result;
}

function union([column, mutator, value]: Mutation, [other, otherMutator, added]: Mutation) {
  if (column !== other || mutator !== otherMutator) return undefined;
  const [one, two] = [membersOf(value), membersOf(added)];
  return one && two && [...one, ...two];
}

function membersOf(value: Mutation[2]) {
  return Array.isArray(value) && value[0] === 'set' ? value[1] : undefined;
}
