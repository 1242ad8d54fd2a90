/**
 * Pods whose annotations are as large as the API server takes them, among others: the others get
 * their addresses, the controller lives and keeps its Lease, and so does the one that comes after it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout } from './controller-observe.ts';

/** Of all annotations of an object (apimachinery: TotalAnnotationSizeLimitB). */
const ANNOTATIONS_BYTES = 250 * 1024;
const PROVIDER = 'net.default.ovn';
const HONEST = 20;

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { cidrBlock: '10.1.0.0/24', provider: PROVIDER }),
    macvlanNetwork('m'),
    subnet('m', { cidrBlock: '10.3.0.0/24', provider: 'm.default' }),
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Of an annotation that names networks: longer ones are not read. */
const NETWORKS_BYTES = 60 * 1024;

function filled(text: string, bytes = ANNOTATIONS_BYTES): string {
  return Array(Math.floor(bytes / (text.length + 1)))
    .fill(text)
    .join();
}

function numbered(item: (index: number) => string): string {
  const count = Math.floor(NETWORKS_BYTES / (item(99_999).length + 1));
  return Array.from({ length: count }, (_, index) => item(index)).join();
}

const TOO_MANY = 'a pod has at most 64 networks';
const TOO_LONG = 'at most 65536 are read';

/** Networks, other annotations, and what an event says. */
const LARGE: readonly (readonly [string, Record<string, string>, string])[] = [
  [filled('m'), {}, TOO_LONG],
  [`[${filled('{"name":"m"}')}]`, {}, TOO_LONG],
  ['['.repeat(ANNOTATIONS_BYTES), {}, TOO_LONG],
  [filled('m', NETWORKS_BYTES), {}, TOO_MANY],
  [numbered((index) => `m@i${index}`), {}, TOO_MANY],
  [`[${filled('{"name":"m"}', NETWORKS_BYTES)}]`, {}, TOO_MANY],
  [','.repeat(NETWORKS_BYTES), {}, TOO_MANY],
  ['['.repeat(NETWORKS_BYTES), {}, 'is no JSON'],
  ['m', { 'm.default.kubernetes.io/ip_address': filled('10.3.0.9') }, 'more than one address'],
  ['m', { 'm.default.kubernetes.io/ip_pool': filled('10.3.0.9') }, 'more than 4096'],
  ['net', { [`${PROVIDER}.kubernetes.io/security_groups`]: filled('g') }, 'more than 64'],
];

let podCount = 0;
function createLarge(): readonly { name: string; text: string }[] {
  return LARGE.map(([networks, annotations, text]) => {
    podCount += 1;
    return { name: fixture.schedule(podOf(`large-${podCount}`, networks, annotations)).name, text };
  });
}

async function honestPodsGetAddresses(prefix: string): Promise<void> {
  const names = Array.from({ length: HONEST }, (_, index) => `${prefix}-${index}`);
  for (const name of names) fixture.schedule(podOf(name, 'net'));
  for (const name of names) await fixture.allocated(`default/${name}`, PROVIDER);
}

/** Who holds the Lease, and how often that was another one. */
function leadership(): unknown {
  const [lease] = fixture.api.list('Lease');
  const { holderIdentity, leaseTransitions } = (lease?.spec ?? {}) as Record<string, unknown>;
  return { holderIdentity, leaseTransitions };
}

test('large pods hold up no other, and are told why they get nothing', async () => {
  const before = leadership();
  const large = createLarge();
  await honestPodsGetAddresses('beside');
  for (const { name, text } of large) {
    const found = await Promise.any(
      ['PodNetworkUpdateFailed', 'ValidatePodNetworkFailed', 'AcquireAddressFailed'].map((reason) =>
        eventAbout(fixture, { kind: 'Pod', name, reason, text }),
      ),
    );
    expect(found).toContain(text);
  }
  expect(leadership()).toEqual(before);
});

test('a controller that finds them at its start serves the others at once', async () => {
  createLarge();
  await fixture.restartController();
  const before = leadership();
  await honestPodsGetAddresses('after');
  expect(leadership()).toEqual(before);
});
