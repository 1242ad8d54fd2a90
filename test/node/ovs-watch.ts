/**
 * Follows the rows that the daemon writes in OVS's database, by the database's own protocol
 * (RFC 7047, section 4.1.5): a test waits for them, and sees which rows came in one transaction,
 * which ovsdb-client prints one table after the other.
 */
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { OVS_DIRECTORY } from '../lab/ovn-node.ts';
import { type OvsRow, plain } from './observe.ts';

const COLUMNS = {
  Interface: ['name', 'external_ids', 'ingress_policing_rate', 'ingress_policing_burst'],
  Port: ['name', 'qos'],
  QoS: ['type', 'queues', 'other_config', 'external_ids'],
  Queue: ['other_config', 'external_ids'],
  Mirror: ['name', 'select_dst_port', 'select_all', 'output_port'],
} as const;
export type Table = keyof typeof COLUMNS;

const DEADLINE_MS = 20_000;

/** A row that came, changed or went; `old` of one that changed has what it was before. */
export interface RowChange {
  readonly table: Table;
  readonly uuid: string;
  readonly old?: Readonly<Record<string, unknown>>;
  readonly new?: Readonly<Record<string, unknown>>;
}

/** What the server says of one row. */
type RowUpdate = Readonly<Partial<Record<'old' | 'new', Readonly<Record<string, unknown>>>>>;
type TableUpdates = Readonly<Partial<Record<Table, Readonly<Record<string, RowUpdate>>>>>;

export class OvsWatch implements Disposable {
  /**
   * Since the last `clear`, one for each transaction that changed a row here; those that end at the
   * same moment may come as one.
   */
  readonly updates: RowChange[][] = [];
  readonly #rows = new Map<Table, Map<string, OvsRow>>();
  readonly #events = new EventEmitter();
  readonly #socket: Socket;
  #echoes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const next = jsonSplitter();
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      for (const message of next(chunk)) this.#receive(message as Message);
    });
  }

  /** Resolves when all rows are here. */
  static async start(): Promise<OvsWatch> {
    const socket = connect(`${OVS_DIRECTORY}/db.sock`);
    await once(socket, 'connect');
    const watch = new OvsWatch(socket);
    const tables = Object.entries(COLUMNS).map(([table, columns]) => [table, { columns }]);
    watch.#send('monitor', 'rows', ['Open_vSwitch', null, Object.fromEntries(tables)]);
    await once(watch.#events, 'rows');
    watch.clear();
    return watch;
  }

  rows(table: Table): OvsRow[] {
    return [...(this.#rows.get(table)?.values() ?? [])];
  }

  /** Changes since the last `clear`, of all transactions. */
  get changes(): RowChange[] {
    return this.updates.flat();
  }

  clear(): void {
    this.updates.length = 0;
  }

  /**
   * Evaluates now and after each transaction until there is a result.
   * @throws Error after 20 s, with what `describe` says then
   */
  async until<T>(evaluate: () => T | undefined, describe: () => string): Promise<T> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const result = evaluate();
      if (result !== undefined) return result;
      await once(this.#events, 'update', { signal }).catch((cause) => {
        throw new Error(`waited ${DEADLINE_MS / 1000} s for OVS: ${describe()}`, { cause });
      });
    }
  }

  /** Resolves when all is here that was written before: the server answers in order. */
  async caughtUp(): Promise<void> {
    this.#echoes += 1;
    const name = `echo-${this.#echoes}`;
    const answered = once(this.#events, name);
    this.#send('echo', name, []);
    await answered;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #send(method: string, id: string, params: readonly unknown[]): void {
    this.#socket.write(JSON.stringify({ method, id, params }));
  }

  #receive({ id, method, params, result }: Message): void {
    if (method === 'update') {
      this.#apply(params?.[1] ?? {});
      this.#events.emit('update');
    } else if (id !== null) {
      if (id === 'rows') this.#apply(result as TableUpdates);
      this.#events.emit(id);
    }
  }

  #apply(tables: TableUpdates): void {
    const changes: RowChange[] = [];
    for (const [name, updates] of Object.entries(tables)) {
      const table = name as Table;
      const rows = this.#rows.get(table) ?? new Map<string, OvsRow>();
      this.#rows.set(table, rows);
      for (const [uuid, update] of Object.entries(updates)) {
        const change = { table, uuid, ...read('old', update), ...read('new', update) };
        if (change.new === undefined) rows.delete(uuid);
        else rows.set(uuid, { _uuid: uuid, ...change.new } as OvsRow);
        changes.push(change);
      }
    }
    this.updates.push(changes);
  }
}

/** JSON-RPC 1.0, as the server sends it. */
interface Message {
  readonly id: string | null;
  readonly method?: string;
  readonly params?: readonly [unknown, TableUpdates];
  readonly result?: unknown;
}

function read(which: 'old' | 'new', update: RowUpdate): Pick<RowChange, 'old' | 'new'> {
  const row = update[which];
  if (row === undefined) return {};
  const values = Object.entries(row).map(([column, value]) => [column, plain(value)]);
  return { [which]: Object.fromEntries(values) };
}

/** Takes a stream of JSON objects with nothing between them, and returns those that are whole. */
function jsonSplitter(): (chunk: string) => unknown[] {
  let text = '';
  let depth = 0;
  let isString = false;
  let isEscaped = false;
  const isEnd = (character: string): boolean => {
    text += character;
    if (isEscaped) isEscaped = false;
    else if (isString && character === '\\') isEscaped = true;
    else if (character === '"') isString = !isString;
    else if (!isString && character === '{') depth += 1;
    else if (!isString && character === '}') depth -= 1;
    return depth === 0 && character === '}';
  };
  return (chunk) => {
    const objects: unknown[] = [];
    for (const character of chunk) {
      if (!isEnd(character)) continue;
      objects.push(JSON.parse(text));
      text = '';
    }
    return objects;
  };
}
