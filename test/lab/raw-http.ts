/** Requests to a unix socket that no executable of ours would send. */
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Sandbox } from './runtime.ts';

export interface RawRequest {
  readonly path: string;
  readonly body: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends one request; resolves when its last byte is with the kernel. */
export async function sendRaw(
  socketPath: string,
  { path, body, method = 'POST', headers, agent = new Agent(), signal }: RawRequest,
): Promise<{ answer: Promise<RawAnswer> }> {
  const call = request({
    ...{ socketPath, path, method, agent, signal },
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': `${Buffer.byteLength(body)}`,
      ...headers,
    },
  });
  const answer = once(call, 'response').then(async ([response]) => {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode, headers: response.headers, text };
  });
  answer.catch(() => {});
  const sent = once(call, 'finish');
  call.end(body);
  await Promise.race([sent, answer]);
  return { answer };
}

/** Sends one request and awaits its answer. */
export async function callRaw(socketPath: string, options: RawRequest): Promise<RawAnswer> {
  return (await sendRaw(socketPath, options)).answer;
}

/** The fields that a request for a Kube-OVN NIC cannot do without. */
export function requestFields(sandbox: Sandbox, provider: string): Record<string, unknown> {
  return {
    cni_type: 'kube-ovn',
    pod_name: sandbox.pod.name,
    pod_namespace: sandbox.pod.namespace,
    container_id: sandbox.containerId,
    net_ns: sandbox.netns,
    if_name: 'net1',
    provider,
  };
}
