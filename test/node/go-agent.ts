/**
 * Plays Kube-OVN's own agent (Go) on a node as far as a rollout meets it: what its init container writes,
 * what its start script does before and after, and the daemon's ADD and DEL with its rows and its names.
 */
import { once } from 'node:events';
import { chmod, copyFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { REFERENCE_PLUGINS } from '../../src/installer/executables.ts';
import { command, outcomeOf } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { DEBIAN_PLUGINS } from '../lab/image.ts';
import type { ImageRoot } from '../lab/image-root.ts';
import type { FakeApiServer } from '../lab/kubernetes/api.ts';
import type { OvnNode } from '../lab/ovn-node.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { addAsGo } from './garbage-support.ts';
import { flowsInstalled, hostName } from './observe.ts';

const LAB = resolve(import.meta.dirname, '../lab');
export const GO_EXECUTABLE = join(LAB, 'go-executable.cjs');
const CONFLIST = '01-kube-ovn.conflist';

interface GoRequest {
  readonly container_id: string;
  readonly if_name: string;
  readonly net_ns: string;
  readonly pod_name: string;
  readonly pod_namespace: string;
  readonly provider: string;
}

export class GoAgent {
  readonly #node: OvnNode;
  readonly #api: FakeApiServer;
  readonly #image: ImageRoot;
  #server: Server | undefined;

  constructor(node: OvnNode, api: FakeApiServer, image: ImageRoot) {
    this.#node = node;
    this.#api = api;
    this.#image = image;
  }

  /** Its init container install-cni: whatever is there is overwritten, but for the configuration. */
  async initialise(): Promise<void> {
    const sources = [
      ...REFERENCE_PLUGINS.map((name) => [name, join(DEBIAN_PLUGINS, name)] as const),
      ['kube-ovn', GO_EXECUTABLE] as const,
    ];
    for (const [name, source] of sources) {
      const target = join(this.#image.binDir, name);
      await copyFile(source, `${target}.tmp.7`);
      await chmod(`${target}.tmp.7`, 0o755);
      await rename(`${target}.tmp.7`, target);
    }
    const conflist = join(this.#image.confDir, CONFLIST);
    const isThere = await stat(conflist).catch(() => undefined);
    if (isThere === undefined) {
      await writeFile(conflist, await readFile(join(this.#image.root, 'kube-ovn', CONFLIST)));
    }
    await chmod(conflist, 0o600);
  }

  /** Its start script, and then the daemon. */
  async start(): Promise<void> {
    await rm(SOCKET, { force: true });
    await command('iptables', ['-P', 'FORWARD', 'ACCEPT']);
    await this.#makeMirror();
    const server = createServer(async (request, response) => {
      const body = (await json(request)) as GoRequest;
      const [status, answer] = await this.#serve(request.url ?? '', body).catch(
        (error: unknown) => [500, { error: String(error) }] as const,
      );
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    });
    server.listen(SOCKET);
    await once(server, 'listening');
    this.#server = server;
  }

  /** SIGTERM: the script's EXIT trap removes the socket. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    await once(server, 'close');
    await rm(SOCKET, { force: true });
  }

  /** The mirror of all ports that ask for it; --enable-mirror=false is about the others. */
  async #makeMirror(): Promise<void> {
    const found = await this.#node.vsctl('--bare', '--columns=name', 'find', 'Mirror', 'name=m0');
    if (found.trim() !== '') return;
    await this.#node.vsctl(
      ...['--may-exist', 'add-port', 'br-int', 'mirror0'],
      ...['--', 'set', 'interface', 'mirror0', 'type=internal', 'mtu_request=1500'],
      ...['--', '--id=@out', 'get', 'port', 'mirror0'],
      ...['--', '--id=@mirror', 'create', 'mirror', 'name=m0', 'output_port=@out'],
      ...['--', 'add', 'bridge', 'br-int', 'mirrors', '@mirror'],
    );
    await command('ip', ['link', 'set', 'mirror0', 'up']);
  }

  async #serve(url: string, body: GoRequest): Promise<readonly [number, object?]> {
    if (url === '/api/v1/add') return [200, await this.#add(body)];
    if (url !== '/api/v1/del') return [404, { error: 'Page Not Found' }];
    await this.#delete(body);
    return [204];
  }

  async #add(request: GoRequest): Promise<object> {
    const { if_name: ifName, provider } = request;
    const sandbox = sandboxOf(request);
    const { annotations = {} } = this.#api.get('Pod', keyOf(request)).metadata;
    const told = (name: string) => annotations[`${provider}.kubernetes.io/${name}`] ?? '';
    const [ip, mac, cidr] = ['ip_address', 'mac_address', 'cidr'].map(told) as [
      string,
      string,
      string,
    ];
    await addAsGo(this.#node, sandbox, { ifName, ...(provider === 'ovn' ? {} : { provider }) });
    const within = ['-n', sandbox.netnsName];
    await command('ip', [...within, 'link', 'set', ifName, 'address', mac, 'mtu', '1400', 'up']);
    const address = `${ip}/${cidr.split('/')[1]}`;
    await command('ip', [...within, 'address', 'add', address, 'dev', ifName]);
    await flowsInstalled(hostName(sandbox, ifName));
    return { ips: [{ protocol: 'IPv4', ip, cidr }], mac_address: mac, mtu: 1400, error: '' };
  }

  /** The port by its name; what limits it by the logical switch port; the link. */
  async #delete(request: GoRequest): Promise<void> {
    const { if_name: ifName, provider, pod_name: pod, pod_namespace: namespace } = request;
    const name = hostName(sandboxOf(request), ifName);
    await this.#node.vsctl('--if-exists', '--with-iface', 'del-port', 'br-int', name);
    const port = provider === 'ovn' ? `${pod}.${namespace}` : `${pod}.${namespace}.${provider}`;
    for (const table of ['qos', 'queue']) {
      const mark = `external_ids:iface-id="${port}"`;
      const found = await this.#node.vsctl('--bare', '--columns=_uuid', 'find', table, mark);
      for (const uuid of found.split('\n').filter(Boolean)) {
        await this.#node.vsctl('destroy', table, uuid);
      }
    }
    // OVS may have taken it along, or the namespace.
    await outcomeOf('ip', ['link', 'delete', name]);
  }
}

function keyOf({ pod_name, pod_namespace }: GoRequest): string {
  return `${pod_namespace}/${pod_name}`;
}

function sandboxOf(request: GoRequest): Sandbox {
  const {
    container_id: containerId,
    net_ns: netns,
    pod_name: name,
    pod_namespace: namespace,
  } = request;
  const netnsName = netns.replace('/run/netns/', '');
  return { containerId, netns, netnsName, pod: { name, namespace, uid: '' } };
}
