/**
 * What the daemon's unit tests share: a well-formed call to deviate from, the error that an
 * action ends with, and texts that must never get into a checked value.
 */
import { randomUUID } from 'node:crypto';
import { type Runtime, Session } from 'node:inspector/promises';
import { expect } from 'vitest';
import { CniError } from '../../../src/daemon/call/error.ts';
import type { LiveAttachment } from '../../../src/daemon/model/attachment.ts';
import type { CniRequest } from '../../../src/wire/messages.ts';

export const CONTAINER_ID = 'c0ffee0123456789abcdef0123456789abcdef0123456789abcdef0123456789';
export const NETNS = '/run/netns/cni-5f1c';

/** What Kube-OVN's executable sends for the primary NIC of a pod. */
export function requestOf(changes: Partial<CniRequest> = {}): CniRequest {
  return {
    cni_type: 'kube-ovn',
    pod_name: 'web-0',
    pod_namespace: 'shop',
    container_id: CONTAINER_ID,
    net_ns: NETNS,
    if_name: 'eth0',
    provider: 'ovn',
    routes: null,
    dns: {},
    vf_driver: '',
    deviceID: '',
    vhost_user_socket_volume_name: '',
    vhost_user_socket_name: '',
    vhost_user_socket_consumption: '',
    ...changes,
  };
}

/** The same call, checked. */
export function attachmentOf(changes: Partial<LiveAttachment> = {}): LiveAttachment {
  return {
    containerId: CONTAINER_ID,
    ifName: 'eth0',
    pod: { namespace: 'shop', name: 'web-0' },
    provider: 'ovn',
    network: '',
    ipamOnly: false,
    netns: NETNS,
    routes: [],
    ...changes,
  };
}

/** The CniError that `action` throws; any other outcome fails the test. */
export function failureOf(action: () => unknown): CniError {
  let outcome: unknown;
  try {
    outcome = action();
  } catch (thrown) {
    if (thrown instanceof CniError) return thrown;
    throw new Error(`expected a CniError and got ${thrown}`, { cause: thrown });
  }
  throw new Error(`expected a CniError and got ${JSON.stringify(outcome)}`);
}

/** The same for a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<CniError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  return failureOf(() => {
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  });
}

/** Values that somebody might try to smuggle through an annotation or a request. */
export const HOSTILE_TEXTS: readonly string[] = [
  '"',
  "'",
  '\\',
  'a"b',
  'a b',
  'a\tb',
  'a\nb',
  'a\n',
  '\na',
  'a\r\nlink delete eth0',
  'a\0b',
  '\0',
  '--options',
  '-o',
  '--',
  '../../etc/passwd',
  '..',
  '/',
  'a/../b',
  'a,b=c',
  'a;reboot',
  '$(reboot)',
  '`reboot`',
  '@port',
  '%s%n',
  'café',
  '\u2028',
  '\ud800',
  '__proto__',
  'constructor.prototype',
  '{"a":1}',
  '[]',
  '[uuid]',
  ' '.repeat(3),
  'A'.repeat(65_536),
  '"'.repeat(65_536),
  '9'.repeat(65_536),
];

/** An error message is for people: one line, short, and without control characters. */
export function expectReadable(error: CniError): void {
  expect(error.message.length).toBeLessThan(600);
  expect(error.details.length).toBeLessThan(600);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that we look for
  expect(error.message).not.toMatch(/[\0-\x1f]/);
}

/**
 * Number of entries of a private Map or Set: what an object keeps after it is done shows in
 * nothing else.
 */
export async function sizeOfPrivate(owner: object, field: `#${string}`): Promise<number> {
  const name = `owner_${randomUUID().replaceAll('-', '')}`;
  const session = new Session();
  session.connect();
  try {
    Object.assign(globalThis, { [name]: owner });
    const { result } = await session.post('Runtime.evaluate', { expression: `globalThis.${name}` });
    const { objectId = '' } = result;
    const properties = (await session.post('Runtime.getProperties', {
      objectId,
    })) as Runtime.GetPropertiesReturnType & { privateProperties?: Runtime.PropertyDescriptor[] };
    const property = properties.privateProperties?.find((candidate) => candidate.name === field);
    const size = /^(?:Map|Set)\((\d+)\)$/.exec(property?.value?.description ?? '')?.[1];
    if (size === undefined) throw new Error(`there is no Map or Set ${field}`);
    return Number(size);
  } finally {
    Reflect.deleteProperty(globalThis, name);
    session.disconnect();
  }
}
