/** Requests to the fake API server, as any client sends them: the administrator's. */
import { createInterface, type Interface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Agent, fetch } from 'undici';
import {
  FakeApiServer,
  type FakeApiServerOptions,
  type KubernetesObject,
} from '../../lab/kubernetes/api.ts';

export const PODS = '/api/v1/namespaces/default/pods';
export const SUBNETS = '/apis/kubeovn.io/v1/subnets';
export const MERGE_PATCH = 'application/merge-patch+json';

/** The parts of answers that tests look at; a Status, a list, or an object. */
export interface Answer {
  readonly code: number;
  readonly body: KubernetesObject & {
    readonly reason?: string;
    readonly message?: string;
    readonly code?: number;
    readonly items?: readonly KubernetesObject[];
  };
}

export class Client implements AsyncDisposable {
  readonly server: FakeApiServer;
  readonly #watches: AbortController[] = [];
  readonly #agent: Agent;

  private constructor(server: FakeApiServer) {
    this.server = server;
    this.#agent = new Agent({ connect: { ca: server.authority } });
  }

  static async start(options: FakeApiServerOptions = {}): Promise<Client> {
    return new Client(await FakeApiServer.start(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of this.#watches) watch.abort();
    await this.#agent.destroy();
    await this.server.close();
  }

  async send(
    method: string,
    path: string,
    body?: object,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const headers = { ...this.#credentials, ...more };
    const init = { method, headers, dispatcher: this.#agent };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.server.url + path, { ...init, ...content });
    const isJson = response.headers.get('content-type') === 'application/json';
    const answered: unknown = isJson ? await response.json() : { message: await response.text() };
    return { code: response.status, body: answered as Answer['body'] };
  }

  patch(path: string, body: object): Promise<Answer> {
    return this.send('PATCH', path, body, { 'Content-Type': MERGE_PATCH });
  }

  /** Opens a watch; ends with the client. */
  async watch(path: string, query: Record<string, string> = {}): Promise<WatchReader> {
    const controller = new AbortController();
    this.#watches.push(controller);
    const search = new URLSearchParams({ watch: 'true', ...query });
    const response = await fetch(`${this.server.url}${path}?${search}`, {
      signal: controller.signal,
      headers: this.#credentials,
      dispatcher: this.#agent,
    });
    return new WatchReader(Readable.fromWeb(response.body as ReadableStream));
  }

  get #credentials() {
    return { Authorization: `Bearer ${this.server.tokenOf()}` };
  }
}

interface Event {
  readonly type: string;
  readonly object: KubernetesObject & { readonly code?: number };
}

/** Events of a watch, one after the other. */
export class WatchReader {
  readonly #lines: AsyncIterator<string>;

  constructor(stream: Readable) {
    // The end of the test breaks it.
    stream.on('error', () => undefined);
    const lines: Interface = createInterface({ input: stream });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next event; undefined at the end of the watch. */
  async next(): Promise<Event | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (JSON.parse(value) as Event);
  }

  /** The next events as `TYPE name`. */
  async take(count: number): Promise<string[]> {
    const events: string[] = [];
    while (events.length < count) {
      const event = await this.next();
      events.push(event === undefined ? 'END' : `${event.type} ${event.object.metadata.name}`);
    }
    return events;
  }
}

export function pod(
  name: string,
  fields: { labels?: Record<string, string>; nodeName?: string } = {},
) {
  const { labels = {}, nodeName } = fields;
  const spec = nodeName === undefined ? {} : { nodeName };
  return { kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec };
}
