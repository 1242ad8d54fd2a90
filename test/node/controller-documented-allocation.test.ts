/** Which addresses pods get, and in which order: the worked example of the address rules. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone } from './controller-observe.ts';

const PROVIDER = 'example.default.ovn';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  const spec = { cidrBlock: '10.100.0.0/29', gateway: '10.100.0.1', provider: PROVIDER };
  fixture.apply(ovnNetwork('example'), subnet('example', spec));
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Makes a pod. @returns the address that it gets */
async function addressOf(name: string): Promise<string | undefined> {
  fixture.schedule(podOf(name, 'example'));
  return (await fixture.allocated(`default/${name}`, PROVIDER)).ip_address;
}

/** Makes a pod that asks for an address. @returns why it does not get it */
async function refusalOf(name: string, address: string): Promise<string> {
  fixture.schedule(podOf(name, 'example', { [`${PROVIDER}.kubernetes.io/ip_address`]: address }));
  return await eventAbout(fixture, { kind: 'Pod', name, reason: 'AcquireAddressFailed' });
}

test('the lowest address that was never used comes first, one released only when none is left', async () => {
  await fixture.subnetStatus('example', ({ v4availableIPs }) => v4availableIPs === 5);
  expect(await addressOf('a')).toBe('10.100.0.2');
  expect(await addressOf('b')).toBe('10.100.0.3');
  expect(await addressOf('c')).toBe('10.100.0.4');
  const { metadata } = fixture.api.get('Pod', 'default/a');
  await fixture.kubelet.end({ namespace: 'default', name: 'a', uid: String(metadata.uid) });
  await gone(fixture, 'IP', `a.default.${PROVIDER}`);
  expect(await addressOf('d')).toBe('10.100.0.5');
  expect(await addressOf('e')).toBe('10.100.0.6');
  expect(await addressOf('f')).toBe('10.100.0.2');
});

test('the status counts what is in use and what is not', async () => {
  const status = await fixture.subnetStatus('example', (said) => said.v4usingIPs === 5);
  expect(status).toMatchObject({
    v4availableIPs: 0,
    v4availableIPrange: '',
    v4usingIPrange: '10.100.0.2-10.100.0.6',
    v6availableIPs: 0,
    v6usingIPs: 0,
  });
});

test('an address that no pod can have is refused, with the reason', async () => {
  expect(await refusalOf('gateway', '10.100.0.1')).toContain('AddressConflict');
  expect(await refusalOf('outside', '10.100.0.9')).toContain('AddressOutOfRange');
  const taken = await refusalOf('taken', '10.100.0.3');
  expect(taken).toContain('AddressConflict');
  expect(taken).toContain('default/b');
});

test('a pod that waits for an address gets it as soon as its owner goes', async () => {
  const { metadata } = fixture.api.get('Pod', 'default/b');
  await fixture.kubelet.end({ namespace: 'default', name: 'b', uid: String(metadata.uid) });
  const { ip_address } = await fixture.allocated('default/taken', PROVIDER);
  expect(ip_address).toBe('10.100.0.3');
});
