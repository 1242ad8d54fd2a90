/**
 * Metrics that both programs have: the process, its log, the event loop, requests to the API server,
 * commands of OVS and OVN, watches, and tools that hang. Under Kube-OVN's names where it has them.
 */

import type { RequestObserver } from '../kubernetes/request-observer.ts';
import type { CommandObserver } from '../ovs-commands.ts';
import { overdueTools } from '../process/run.ts';
import { LOG_LEVELS, type ProgramLog } from '../program-log.ts';
import { type Exposition, Metrics, MILLISECONDS, SECONDS } from './metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { urlLabel } from './url-label.ts';

/** Client-go's word for a request that had no answer. */
const NO_ANSWER = '<error>';

/** The metrics that daemon and controller begin with; each adds its own to `metrics`. */
export class ProgramMetrics {
  readonly metrics = new Metrics();
  /** Called for each command. It is written to the log at debug. */
  readonly onCommand: CommandObserver;
  /** Called, each second, with how long the event loop was held in it; ms. */
  readonly onLoopDelay: (delayMs: number) => void;
  readonly #programLog: ProgramLog;

  /** @param version of the program, for the label of `kube_ovn_build_info` */
  constructor(programLog: ProgramLog, version: string) {
    this.#programLog = programLog;
    addProcessMetrics(this.metrics);
    this.metrics.gauge(
      { name: 'kube_ovn_build_info', help: '1, the version is in the label.', labels: ['version'] },
      () => [{ labels: { version }, value: 1 }],
    );
    this.#addLog();
    this.#addTools();
    this.onLoopDelay = this.#addLoopDelay();
    this.onCommand = this.#addCommands();
  }

  expose(): Promise<Exposition> {
    return this.metrics.expose();
  }

  /**
   * Makes the families of requests to the API server.
   * @param host name and port of the server
   * @returns is to be called for each request. It is written to the log at trace.
   */
  addRequests(host: string): RequestObserver {
    const count = this.metrics.counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server, by status code ("<error>" without an answer), method and server.',
      labels: ['code', 'method', 'host'],
    });
    const latency = this.metrics.histogram(
      {
        name: 'rest_client_request_latency_seconds',
        help: 'Time until the API server begins to answer, by method and kind of object; seconds.',
        labels: ['verb', 'url'],
      },
      SECONDS,
    );
    const { log } = this.#programLog;
    return ({ method, path, status, ms }) => {
      const code = status === undefined ? NO_ANSWER : String(status);
      count.add({ code, method, host });
      latency.observe({ verb: method, url: urlLabel(path) }, ms / 1000);
      log.trace({ method, path, code, ms: Math.round(ms) }, 'request to the API server');
    };
  }

  #addCommands(): CommandObserver {
    const latency = this.metrics.histogram(
      {
        name: 'ovs_client_request_latency_milliseconds',
        help: 'Duration of transactions, by database, first command of ovs-vsctl or "transact", and 0 for success; ms.',
        labels: ['db', 'method', 'code'],
      },
      MILLISECONDS,
    );
    const { log } = this.#programLog;
    return ({ db, method, succeeded, ms }) => {
      latency.observe({ db, method, code: succeeded ? '0' : '1' }, ms);
      log.debug({ db, method, succeeded, ms: Math.round(ms) }, 'command of OVS or OVN');
    };
  }

  #addLoopDelay(): (delayMs: number) => void {
    const delay = this.metrics.histogram(
      {
        name: 'kube_ovn_event_loop_delay_seconds',
        help: 'Longest time that the event loop was held, observed each second: everything else waited so long; seconds.',
      },
      SECONDS,
    );
    return (delayMs) => delay.observe({}, delayMs / 1000);
  }

  #addLog(): void {
    const { counts } = this.#programLog;
    const read = (what: 'lines' | 'bytes') => () =>
      LOG_LEVELS.map((level) => ({ labels: { level }, value: counts[level][what] }));
    const labels = ['level'] as const;
    const lines = { name: 'klog_lines_total', help: 'Lines of the log, by level.', labels };
    this.metrics.readCounter(lines, read('lines'));
    const bytes = { name: 'klog_bytes_total', help: 'Bytes of the log, by level.', labels };
    this.metrics.readCounter(bytes, read('bytes'));
  }

  #addTools(): void {
    const family = {
      name: 'kube_ovn_tool_overdue_seconds',
      help: 'Tools (ip, ovs-vsctl) that do not come back, and since when; none where all do; seconds.',
      labels: ['tool'] as const,
    };
    this.metrics.gauge(family, () =>
      overdueTools.list().map(({ tool, since }) => {
        return { labels: { tool }, value: (Date.now() - since.getTime()) / 1000 };
      }),
    );
  }
}
