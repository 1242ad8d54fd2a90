/**
 * The small HTTP server of a program of ours: what the kubelet, Prometheus and people ask.
 *
 * - `/livez`, `/readyz` and `/healthz` (which is `/readyz`): 200 or 503, and why.
 * - `/statusz`: the truth about what the program needs; always 200, so that `kubectl get --raw` shows
 *   it. As JSON where `Accept` asks for it, or with `?format=json`.
 * - `/metrics`: where there are any.
 *
 * Everybody in the cluster reaches it: questions that are asked at once share one answer
 * (shared-question.ts), none may take long, and no connection is kept.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { abortable, startDeadline } from '../concurrency/deadline.ts';
import { messageOf } from '../text.ts';
import { limitCallers } from './callers.ts';
import { type Source, shared } from './shared-question.ts';
import { reportJson, reportText, type StatusReport } from './status-report.ts';

/** An answer to a probe. */
export interface Probe {
  readonly isFine: boolean;
  /** Lines behind it: why it is not, or what the program does without. */
  readonly notes?: readonly string[];
}

/** The body of an answer to `/metrics`: text for Prometheus, and the content type that names its version. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** Where the answers come from, one source for each path; without `metrics`, `/metrics` is answered with 404. */
export interface HealthSources {
  /** A process that fails here for long is restarted. */
  readonly livez: Source<Probe>;
  /** Chart v2 of Kube-OVN restarts a process that fails here, too. */
  readonly readyz: Source<Probe>;
  readonly statusz: Source<StatusReport>;
  readonly metrics?: Source<MetricsText>;
  /**
   * Who may read `/metrics`; everybody without it. The rest has no secrets, and the kubelet has no
   * token.
   */
  readonly authorize?: (request: IncomingMessage, signal: AbortSignal) => Promise<Access>;
}

/** Whether a caller gets what it asks for: 200, or what it is answered instead. */
export interface Access {
  readonly status: 200 | 401 | 403 | 503;
  readonly reason: string;
}

/** Where one server listens, and by which protocol. */
export interface ListenOptions {
  readonly port: number;
  /** All addresses of the host without it. */
  readonly address?: string;
  /** HTTPS with it. */
  readonly tls?: SecureContextOptions;
  /** Called where a connection could not be taken; the server goes on. */
  readonly onError?: (error: Error) => void;
}

/** The kubelet gives a probe 1 to 5 s; ms. */
const PROBE_MS_MAX = 2000;
const STATUS_MS_MAX = 3000;
/** Prometheus gives up after 10 s; ms. */
const METRICS_MS_MAX = 9000;
/** A caller sends at once; whoever does not keeps no connection for long; ms. */
const CONNECTION_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16_384,
};
const TLS_HANDSHAKE_MS_MAX = 5000;
/** Most that a caller who does not read keeps a connection for; ms. */
const SOCKET_IDLE_MS_MAX = 15_000;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}
type Route = (request: IncomingMessage) => Promise<Answer>;

/** Answers the routes above; for one or more servers. */
export function healthHandler(sources: HealthSources): RequestListener {
  const routes = routesOf(sources);
  return (request, response) => {
    void answer(request, routes).then((reply) => send(request, response, reply));
  };
}

/**
 * Listens.
 * @throws Error with a `code` where the address or the port cannot be had
 */
export async function listenForHealth(
  handler: RequestListener,
  { port, address, tls, onError }: ListenOptions,
): Promise<Server> {
  const server =
    tls === undefined
      ? createServer(CONNECTION_LIMITS, handler)
      : createTlsServer(
          { ...CONNECTION_LIMITS, ...tls, handshakeTimeout: TLS_HANDSHAKE_MS_MAX },
          handler,
        );
  server.setTimeout(SOCKET_IDLE_MS_MAX);
  limitCallers(server);
  server.listen(port, address);
  await once(server, 'listening');
  // Without a listener it would end the process.
  server.on('error', (error) => onError?.(error));
  return server;
}

/** Ends at once: no question is worth waiting for. */
export async function closeHealth(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function routesOf({ livez, readyz, statusz, metrics, authorize }: HealthSources) {
  const ready = probeRoute(readyz);
  const report = shared(statusz, { limitMs: STATUS_MS_MAX, isCostly: true });
  const routes = new Map<string, Route>([
    ['/livez', probeRoute(livez)],
    ['/readyz', ready],
    ['/healthz', ready],
    ['/statusz', async (request) => statusAnswer(request, await report())],
  ]);
  if (metrics !== undefined) {
    const read = shared(metrics, { limitMs: METRICS_MS_MAX, isCostly: true });
    routes.set('/metrics', async (request) => {
      const access = await accessOf(request, authorize);
      if (access.status !== 200) return { status: access.status, body: `${access.reason}\n` };
      return { status: 200, ...(await read()) };
    });
  }
  return routes;
}

function probeRoute(probe: Source<Probe>): Route {
  const ask = shared(probe, { limitMs: PROBE_MS_MAX });
  return async () => {
    const { isFine, notes = [] } = await ask();
    const lines = isFine ? ['ok', ...notes] : notes;
    return { status: isFine ? 200 : 503, body: `${lines.join('\n') || 'not ok'}\n` };
  };
}

function statusAnswer({ url = '', headers }: IncomingMessage, report: StatusReport): Answer {
  const isJson =
    /[?&]format=json(&|$)/.test(url) || /\bapplication\/json\b/.test(headers.accept ?? '');
  return isJson
    ? { status: 200, body: reportJson(report), contentType: 'application/json' }
    : { status: 200, body: reportText(report) };
}

async function accessOf(
  request: IncomingMessage,
  authorize: HealthSources['authorize'],
): Promise<Access> {
  if (authorize === undefined) return { status: 200, reason: '' };
  using deadline = startDeadline(METRICS_MS_MAX);
  // Whoever asks and goes away, again and again, must not make a line for the others.
  const gone = () => deadline.abort(new Error('the caller went away'));
  const { socket } = request;
  if (socket.destroyed) gone();
  socket.once('close', gone);
  try {
    return await abortable(authorize(request, deadline.signal), deadline.signal);
  } finally {
    socket.off('close', gone);
  }
}

async function answer(
  request: IncomingMessage,
  routes: ReadonlyMap<string, Route>,
): Promise<Answer> {
  const path = request.url?.split('?', 1)[0] ?? '';
  const route = routes.get(path);
  if (route === undefined) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: 'only GET and HEAD\n' };
  }
  try {
    return await route(request);
  } catch (error) {
    return { status: 503, body: `${messageOf(error)}\n` };
  }
}

function send(request: IncomingMessage, response: ServerResponse, reply: Answer): void {
  const { status, body, contentType = 'text/plain; charset=utf-8' } = reply;
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
