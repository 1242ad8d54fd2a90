/**
 * What the controller answers to the kubelet, to Prometheus and to people, on the port that Kube-OVN's
 * charts probe.
 *
 * `/livez` and `/readyz` say the same, and only that this process runs: chart v2 has `/readyz` for its
 * liveness probe, and a restart does not bring a leader sooner to know all objects. Whether it does, and
 * what it has to do without, stands in the answer to `/readyz` and in `/statusz`.
 */
import type { RequestListener } from 'node:http';
import { hostname } from 'node:os';
import { AccessReview } from '../common/http/access-review.ts';
import { healthHandler, type MetricsText, type Probe } from '../common/http/health-server.ts';
import { HealthServers } from '../common/http/health-servers.ts';
import type { HealthSettings } from '../common/http/health-settings.ts';
import type { Source } from '../common/http/shared-question.ts';
import type { StatusReport } from '../common/http/status-report.ts';
import type { KubernetesApi } from '../common/kubernetes/api.ts';
import type { Logger } from '../common/log.ts';

const PROGRAM = 'kube-ovn-controller';

/** What the answers are made of. */
export interface ProbeOptions {
  /** False until all objects are known; a controller that stands by is ready, too. */
  readonly isReady: () => boolean;
  /** What it has to do without, in words. */
  readonly lacks: () => readonly string[];
  readonly metrics?: Source<MetricsText>;
  /** Asked who may read metrics over HTTPS. */
  readonly api: Pick<KubernetesApi, 'create'>;
  readonly log: Logger;
}

/** Answers until the servers are stopped; undefined where the settings want none. */
export function serveProbes(
  settings: HealthSettings,
  options: ProbeOptions,
): HealthServers | undefined {
  const { port, addresses, tls } = settings;
  const { log } = options;
  if (port === 0) return undefined;
  const more = tls === undefined ? {} : { tls };
  const handler = probeHandler(settings, options);
  return new HealthServers(handler, { port, addresses, commonName: PROGRAM, log, ...more });
}

/**
 * Answers to all paths, for any server. With TLS, `/metrics` wants a bearer token that the API server lets
 * read it.
 */
export function probeHandler(
  { hasMetrics, tls }: Pick<HealthSettings, 'hasMetrics' | 'tls'>,
  { isReady, lacks, metrics, api, log }: ProbeOptions,
): RequestListener {
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  const readyz = (): Probe => ({
    isFine: true,
    notes: [...(isReady() ? [] : [UNKNOWN]), ...lacks()],
  });
  const statusz = (): StatusReport => {
    const ok = isReady();
    const cache = { name: 'API server', ok, text: ok ? 'all objects are known' : UNKNOWN };
    const lacking = lacks().map((text) => ({ name: 'lacking', ok: false, text }));
    return { program: PROGRAM, instance: hostname(), startedAt, parts: [cache, ...lacking] };
  };
  const review = tls === undefined ? undefined : new AccessReview(api, log);
  return healthHandler({
    livez: () => ({ isFine: true }),
    readyz,
    statusz,
    ...(metrics === undefined || !hasMetrics ? {} : { metrics }),
    ...(review && { authorize: (request, signal) => review.decide(request, signal) }),
  });
}

const UNKNOWN = 'the objects of the cluster are not known yet';
