/**
 * What the kubelet asks: `/livez` and `/readyz`, where Kube-OVN's charts have them.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/**
 * Answers until the server is closed.
 * @param isReady false until all objects are known; a controller that stands by is ready, too
 */
export async function serveProbes(port: number, isReady: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const isKnown = path === '/livez' || path === '/readyz' || path === '/healthz';
    const isFine = path === '/livez' || isReady();
    if (!isKnown) response.writeHead(404).end('not found\n');
    else if (isFine) response.writeHead(200).end('ok\n');
    else response.writeHead(503).end('the objects of the cluster are not known yet\n');
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}
