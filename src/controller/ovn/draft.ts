/**
 * Commands of a transaction while they are being thought of, in the syntax of ovn-nbctl(8),
 * "Database Commands".
 *
 * Rows that are there are named by UUID, since switches and routers can share a name. Values go
 * through `text`, `texts` or `pairs`, which quote them: no name or address is ever syntax.
 */

import type { Claims } from './claims.ts';

/** What a planner has come to: nothing, one transaction, or several for very large groups. */
export interface Plan {
  /** Each is one call of ovn-nbctl; all are to be run, in this order. */
  readonly transactions: readonly (readonly string[])[];
  /** Rows that would go, were it not for what others have attached to them; for people. */
  readonly kept: readonly string[];
  /** What the plan relies on; nothing where there is nothing to do. */
  readonly claims: Claims;
}

/** Quoted values by column. */
export type Columns = Readonly<Record<string, string>>;

/**
 * Members that one transaction adds to a group: argv must not be longer than some 2 MB (execve(2)),
 * and a member takes up to four words of 40 bytes.
 */
export const MEMBERS_PER_TRANSACTION = 2000;

export interface Draft {
  /** @returns what the row is called in columns of other rows of this transaction */
  create(table: string, columns: Columns): string;
  /** A row that others are attached to; made by `done` if there is none. */
  parent(table: string, uuid: string | undefined, columns: Columns): Parent;
  /** Sets whole columns; a key of a map by `column:"key"`. */
  set(table: string, uuid: string, columns: Columns): void;
  /** Removes members of a set, or keys of a map. */
  remove(table: string, uuid: string, column: string, values: readonly string[]): void;
  add(table: string, uuid: string, column: string, values: readonly string[]): void;
  /** Adds to a row that may have been made by this very draft, in several transactions if needed. */
  addMany(table: string, name: string, column: string, values: readonly string[]): void;
  /** Comes last: ovn-nbctl aborts where a command looks for a row that an earlier one has destroyed. */
  destroy(table: string, uuid: string): void;
  keep(what: string): void;
  /** The plan is made with no other that relies on this. */
  claim(what: string): void;
  /** The plan relies on this, as others may. */
  share(what: string): void;
  done(): Plan;
}

export interface Parent {
  /** @param references UUIDs, or what `create` returned */
  attach(column: string, references: readonly string[]): void;
  /** Only what is attached to a row that is there can be detached. */
  detach(column: string, uuids: readonly string[]): void;
}

export function newDraft(): Draft {
  const commands: string[][] = [];
  const later: string[][] = [];
  const destroyed: string[] = [];
  const kept: string[] = [];
  const claims = new Map<string, 'alone' | 'shared'>();
  const unfinished: (() => void)[] = [];
  let created = 0;
  const push = (...words: string[]) => void commands.push(['--', ...words]);
  const draft: Draft = {
    create(table, columns) {
      created += 1;
      const symbol = `@row${created}`;
      push(`--id=${symbol}`, 'create', table, ...assignments(columns));
      return symbol;
    },
    parent(table, uuid, columns) {
      if (uuid !== undefined) return attached(draft, table, uuid);
      const children = new Map<string, string[]>();
      unfinished.push(() => {
        const lists = [...children].map(([column, all]) => [column, `[${all.join(',')}]`]);
        draft.create(table, { ...columns, ...Object.fromEntries(lists) });
      });
      return {
        attach: (column, references) =>
          void children.set(column, [...(children.get(column) ?? []), ...references]),
        detach: () => {},
      };
    },
    set(table, uuid, columns) {
      const words = assignments(columns);
      if (words.length > 0) push('set', table, uuid, ...words);
    },
    remove(table, uuid, column, values) {
      const words = ['--', '--if-exists', 'remove', table, uuid, column];
      const last = commands.at(-1);
      if (words.every((word, index) => last?.[index] === word)) last?.push(...values);
      else if (values.length > 0) commands.push([...words, ...values]);
    },
    add(table, uuid, column, values) {
      if (values.length > 0) push('add', table, uuid, column, ...values);
    },
    addMany(table, name, column, values) {
      unfinished.push(() => {
        draft.add(table, name, column, values.slice(0, MEMBERS_PER_TRANSACTION));
      });
      for (let part = 1; part * MEMBERS_PER_TRANSACTION < values.length; part += 1) {
        const start = part * MEMBERS_PER_TRANSACTION;
        const members = values.slice(start, start + MEMBERS_PER_TRANSACTION);
        later[part - 1] = [
          ...(later[part - 1] ?? []),
          ...['--', 'add', table, name, column, ...members],
        ];
      }
    },
    destroy: (table, uuid) => void destroyed.push('--', '--if-exists', 'destroy', table, uuid),
    keep: (what) => void kept.push(what),
    claim: (what) => void claims.set(what, 'alone'),
    share: (what) => void claims.set(what, claims.get(what) ?? 'shared'),
    done() {
      for (const finish of unfinished) finish();
      const first = [...commands.flat(), ...destroyed];
      if (first.length === 0) return { transactions: [], kept, claims: new Map() };
      return { transactions: [first, ...later], kept, claims };
    },
  };
  return draft;
}

function attached(draft: Draft, table: string, uuid: string): Parent {
  return {
    attach: (column, references) => draft.add(table, uuid, column, references),
    detach: (column, uuids) => draft.remove(table, uuid, column, uuids),
  };
}

function assignments(columns: Columns): string[] {
  return Object.entries(columns).map(([column, value]) => `${column}=${value}`);
}

/** A string, in JSON's quotes. */
export function text(value: string): string {
  return JSON.stringify(value);
}

/** A set of strings. */
export function texts(values: readonly string[]): string {
  return `[${values.map(text).join(',')}]`;
}

/** A map of strings. */
export function pairs(values: Readonly<Record<string, string>>): string {
  const all = Object.entries(values).map(([key, value]) => `${text(key)}=${text(value)}`);
  return `{${all.join(',')}}`;
}

/**
 * Brings keys of a map to their values, and takes away those that are not wanted; whatever else
 * is in the map stays.
 * @param isManaged whether a key that is not wanted is to go
 */
export function correctMap(
  draft: Draft,
  row: { readonly table: string; readonly uuid: string; readonly column: string },
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  isManaged: (key: string) => boolean = () => false,
): void {
  const { table, uuid, column } = row;
  const wrong = Object.entries(wanted).filter(([key, value]) => found[key] !== value);
  const columns = wrong.map(([key, value]) => [`${column}:${text(key)}`, text(value)]);
  draft.set(table, uuid, Object.fromEntries(columns));
  const surplus = Object.keys(found).filter((key) => !(key in wanted) && isManaged(key));
  draft.remove(table, uuid, column, surplus.map(text));
}

/** Whether two lists hold the same, each once, in whatever order. */
export function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  const members = new Set(one);
  return members.size === new Set(other).size && other.every((value) => members.has(value));
}
