/**
 * What the kubelet asks: `/livez` and `/readyz`, where Kube-OVN's charts have them.
 */
import type { Server } from 'node:http';
import { hostname } from 'node:os';
import {
  healthHandler,
  listenForHealth,
  type Metrics,
  type Probe,
} from '../common/http/health-server.ts';
import type { StatusReport } from '../common/http/status-report.ts';

/**
 * Answers until the server is closed.
 * @param isReady false until all objects are known; a controller that stands by is ready, too
 * @param lacks what it has to do without, in words; the answers have them
 * @param address where it listens; undefined for all addresses of the host
 * @param metrics for `/metrics`
 */
export function serveProbes(
  port: number,
  isReady: () => boolean,
  lacks: () => readonly string[] = () => [],
  address?: string,
  metrics?: () => Promise<Metrics>,
): Promise<Server> {
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  const readyz = (): Probe => {
    const isFine = isReady();
    return { isFine, notes: isFine ? lacks() : [UNKNOWN, ...lacks()] };
  };
  const statusz = (): StatusReport => {
    const ok = isReady();
    const cache = { name: 'API server', ok, text: ok ? 'all objects are known' : UNKNOWN };
    const lacking = lacks().map((text) => ({ name: 'lacking', ok: false, text }));
    const parts = [cache, ...lacking];
    return { program: 'kube-ovn-controller', instance: hostname(), startedAt, parts };
  };
  const handler = healthHandler({
    livez: () => ({ isFine: true }),
    readyz,
    statusz,
    ...(metrics === undefined ? {} : { metrics }),
  });
  return listenForHealth(handler, { port, ...(address === undefined ? {} : { address }) });
}

const UNKNOWN = 'the objects of the cluster are not known yet';
