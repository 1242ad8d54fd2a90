/**
 * What the kubelet asks: `/livez` and `/readyz`, where Kube-OVN's charts have them.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** The kubelet sends a probe at once; whoever else reaches the port keeps no connection for long; ms. */
const CONNECTION_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const CONNECTIONS_MAX = 100;

/**
 * Answers until the server is closed.
 * @param isReady false until all objects are known; a controller that stands by is ready, too
 * @param lacks what it has to do without, in words; the answers have them
 * @param address where it listens; undefined for all addresses of the host
 */
export async function serveProbes(
  port: number,
  isReady: () => boolean,
  lacks: () => readonly string[] = () => [],
  address?: string,
): Promise<Server> {
  const server = createServer(CONNECTION_LIMITS, (request, response) => {
    const path = request.url?.split('?')[0];
    const isKnown = path === '/livez' || path === '/readyz' || path === '/healthz';
    const isFine = path === '/livez' || isReady();
    const answer = (status: number, text: string) => {
      const notes = path === '/livez' ? [] : lacks();
      response.writeHead(status).end(`${[text, ...notes].join('\n')}\n`);
    };
    if (!isKnown) response.writeHead(404).end('not found\n');
    else if (isFine) answer(200, 'ok');
    else answer(503, 'the objects of the cluster are not known yet');
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}
