/** What the built controller tells at /metrics while it allocates. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTROLLER_QUERIES } from '../lab/kube-ovn-queries.ts';
import { scrape, scrapeUntil } from '../lab/scrape.ts';
import { ControllerFixture } from './controller-fixture.ts';

const PORT = 10_660;
const NETWORK = { provider: 'net.default.ovn', name: 'net' };

const nad = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: NETWORK.name, namespace: 'default' },
  spec: {
    config: JSON.stringify({
      cniVersion: '0.3.1',
      type: 'kube-ovn',
      server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
      provider: NETWORK.provider,
    }),
  },
};
const subnet = {
  apiVersion: 'kubeovn.io/v1',
  kind: 'Subnet',
  metadata: { name: 'net' },
  spec: { protocol: 'IPv4', cidrBlock: '10.7.0.0/24', provider: NETWORK.provider },
};
const podNamed = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/networks': NETWORK.name },
  },
  spec: { containers: [{ name: 'main', image: 'pause' }] },
});

let fixture: ControllerFixture;

beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: ['--non-primary-cni-mode=true', `--probe-port=${PORT}`],
  });
  fixture.apply(nad, subnet);
  fixture.schedule(podNamed('web-0'));
  await fixture.allocated('default/web-0', NETWORK.provider);
  await fixture.subnetStatus('net', ({ v4usingIPs }) => v4usingIPs === 1);
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

test("every query of Kube-OVN's dashboard and alerts finds a series with its labels", async () => {
  const found = await scrapeUntil(
    PORT,
    (metrics) => metrics.find('subnet_used_ip_count').length > 0,
  );
  for (const { series, labels = [], where } of CONTROLLER_QUERIES) {
    const [first] = found.find(series, where);
    expect(first, series).toBeDefined();
    expect(Object.keys(first?.labels ?? {}), series).toEqual(expect.arrayContaining([...labels]));
  }
});

test('a leader says that it leads, what it follows, and what is left of a Subnet', async () => {
  const labels = { subnet_name: 'net' };
  const found = await scrapeUntil(
    PORT,
    (metrics) => metrics.sum('subnet_used_ip_count', labels) === 1,
  );
  expect(found.sum('kube_ovn_controller_leader')).toBe(1);
  expect(found.sum('kube_ovn_watch_synced', { resource: 'subnets.kubeovn.io' })).toBe(1);
  expect(found.sum('kube_ovn_watch_objects', { resource: 'pods' })).toBe(1);
  // Of 254 one is the gateway's and one is used.
  expect(found.sum('subnet_available_ip_count', labels)).toBe(252);
  const name = 'kube_ovn_controller_subnet_addresses';
  expect(found.sum(name, { ...labels, state: 'used' })).toBe(1);
  expect(found.sum(name, { ...labels, state: 'available' })).toBe(252);
});

test('the number of series does not grow with the number of pods', async () => {
  const before = await scrape(PORT);
  for (let index = 1; index <= 20; index += 1) fixture.schedule(podNamed(`web-${index}`));
  await fixture.subnetStatus('net', ({ v4usingIPs }) => v4usingIPs === 21);
  const after = await scrapeUntil(
    PORT,
    (metrics) => metrics.sum('subnet_used_ip_count', { subnet_name: 'net' }) === 21,
  );
  expect(after.sum('kube_ovn_watch_objects', { resource: 'pods' })).toBe(21);
  const count = ({ families }: typeof after) =>
    [...families.values()].reduce((sum, { series }) => sum + series.length, 0);
  // A code or a kind that the first pods had not needed may have come.
  expect(count(after) - count(before)).toBeLessThan(60);
  const labels = [...after.families.values()].flatMap(({ series }) =>
    series.flatMap((one) => Object.values(one.labels)),
  );
  expect(labels.filter((label) => label.includes('web-'))).toEqual([]);
});
