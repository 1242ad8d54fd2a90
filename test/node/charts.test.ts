/**
 * The daemon as Kube-OVN's charts start it: with their arguments, their environment and no right more
 * than their role has.
 */
import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHART_DAEMON, CHART_VARIANTS, chartEnvironment } from '../lab/charts.ts';
import { command } from '../lab/command.ts';
import { Daemon } from '../lab/daemon.ts';
import { cni, createSandbox, inSandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { failedAdd, mustAdd, mustDelete, rowsOf, sysctl } from './observe.ts';

const ADDRESS = '10.7.0.1';
const KUBECONFIG = '/run/kube/chart';
const LOG = '/var/log/kube-ovn/kube-ovn-cni.log';
/** For what takes some milliseconds, on a machine that is busy; a wait would take 110 s. */
const AT_ONCE_MS = 20_000;
const SOON = { timeout: 30_000, interval: 100 };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet(PRIMARY);
  await fixture.api.writeKubeconfig(KUBECONFIG, CHART_DAEMON);
  await command('ip', ['link', 'add', 'eth7', 'type', 'veth', 'peer', 'name', 'p-eth7']);
  await command('ip', ['link', 'set', 'eth7', 'up']);
  await command('ip', ['address', 'add', `${ADDRESS}/24`, 'dev', 'eth7']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function ask(path: string, host = ADDRESS): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${host}:10665${path}`);
  return { status: response.status, text: await response.text() };
}

function eventsOf(uid: string | undefined): string[] {
  const events = fixture.api.list('Event') as {
    involvedObject?: { uid?: string };
    reason?: string;
  }[];
  return events
    .filter((event) => event.involvedObject?.uid === uid)
    .map(({ reason = '' }) => reason);
}

const primaryConfig = () => ovnConfig({ provider: undefined, name: 'kube-ovn' });

describe.each(CHART_VARIANTS)('with chart $name', ({ args, isPrimary }) => {
  test('it starts, and says which flags it does without', async () => {
    const { node, daemon } = fixture;
    await daemon.stop();
    fixture.daemon = await Daemon.start({
      kubeconfig: KUBECONFIG,
      nodeName: node.chassis,
      flags: args,
      environment: chartEnvironment(node.chassis, ADDRESS),
      isPlain: true,
    });
    expect(fixture.daemon.logLines('without effect')).toHaveLength(1);
  });

  test('it is alive and ready where the kubelet asks, and nowhere else', async () => {
    await expect.poll(() => ask('/readyz').catch(() => undefined), SOON).toBeDefined();
    for (const path of ['/livez', '/readyz', '/healthz']) {
      expect(await ask(path)).toEqual({ status: 200, text: 'ok\n' });
    }
    await expect(ask('/readyz', '127.0.0.1')).rejects.toThrow();
  });

  test('tunnels end at the address of the node', async () => {
    const get = ['get', 'open', '.', 'external_ids:ovn-encap-ip-default'];
    await expect.poll(() => fixture.node.vsctl(...get).catch(() => ''), SOON).toContain(ADDRESS);
  });

  test('an attached network is served, and its IP object learns the node, with the charts’ role', async () => {
    const { sandbox, nic } = await fixture.pod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    const name = `${sandbox.pod.name}.${sandbox.pod.namespace}.${ATTACHNET}`;
    await fixture.api.until('IP', name, (ip) => {
      return (ip?.spec as { nodeName?: string } | undefined)?.nodeName === fixture.node.chassis;
    });
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(nic.provider).toBe(ATTACHNET);
    expect(fixture.daemon.logLines('do not learn their node')).toEqual([]);
    expect(fixture.daemon.logLines('forbidden').length).toBeLessThanOrEqual(1);
  });

  test('the primary network is served where it is this one, and else refused at once', async () => {
    const { cluster, node } = fixture;
    const { name } = fixture.next();
    const pod = cluster.createPod(name);
    const sandbox = await createSandbox(pod);
    if (!isPrimary) {
      const startedAt = performance.now();
      const refused = await failedAdd(sandbox, 'eth0', primaryConfig());
      expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS);
      expect(refused).toMatchObject({ code: 7 });
      expect(refused.msg).toContain("network ovn is another plugin's");
      expect(
        (await rowsOf(node, 'Interface')).filter(({ name: port }) =>
          String(port).startsWith(sandbox.containerId.slice(0, 8)),
        ),
      ).toEqual([]);
      const check = await cni('CHECK', sandbox, 'eth0', {
        ...primaryConfig(),
        prevResult: { cniVersion: '1.0.0', ips: [] },
      });
      expect(check.result?.code).toBe(7);
    }
    const ip = `10.16.9.${fixture.next().v4.split('.').at(-1)}`;
    await cluster.allocate(pod, { provider: 'ovn', subnet: PRIMARY, ip, mac: '00:00:00:16:09:01' });
    await mustAdd(sandbox, 'eth0', primaryConfig());
    await mustDelete(sandbox, 'eth0', primaryConfig());
    // Events of a pod are written in order: one of the refusal would be there before this one.
    await expect.poll(() => eventsOf(pod.uid), SOON).toContain('PodNetworkRemoved');
    expect(eventsOf(pod.uid)).not.toContain('PodNetworkConfigureFailed');
  });

  test('its log is in the file that is collected, too', async () => {
    expect(await readFile(LOG, 'utf8')).toContain('ready for CNI calls');
    expect((await stat(LOG)).mode & 0o777).toBe(0o640);
  });

  test('it stays ready without OVS, and /statusz says what is wrong', async () => {
    await fixture.node.killPart('ovs-vswitchd');
    await expect
      .poll(async () => (await ask('/statusz')).text, SOON)
      .toMatch(/✗ Open vSwitch, OVN +ovs-vswitchd/);
    expect(await ask('/readyz')).toMatchObject({ status: 200 });
    expect(await ask('/livez')).toMatchObject({ status: 200 });
    await fixture.node.startPart('ovs-vswitchd');
    const { ok, parts } = JSON.parse((await ask('/statusz?format=json')).text);
    expect(typeof ok).toBe('boolean');
    expect(parts.length).toBeGreaterThan(8);
  });
});

/** A container that is not privileged sees /proc/sys read-only. */
const READ_ONLY_PROC_SYS = [
  ...['unshare', '--mount', '--propagation=slave', 'sh', '-c'],
  'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"',
  'sh',
];

test('a sandbox without IPv6 gets it where /proc/sys is read-only, and nothing is said about it', async () => {
  const { node, attachnet } = fixture;
  await fixture.daemon.stop();
  fixture.daemon = await Daemon.start({
    kubeconfig: KUBECONFIG,
    nodeName: node.chassis,
    flags: CHART_VARIANTS[0]?.args ?? [],
    environment: chartEnvironment(node.chassis, ADDRESS),
    isPlain: true,
    within: READ_ONLY_PROC_SYS,
  });
  const { v6 } = fixture.next();
  const { sandbox } = await fixture.pod({
    nic: (nic) => ({ ...nic, subnet: attachnet, ip: `${nic.ip},${v6}` }),
  });
  const off = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];
  await inSandbox(sandbox, 'sysctl', '-q', '-w', ...off);
  const result = await mustAdd(sandbox, 'net1', ovnConfig());
  expect(result.ips).toHaveLength(2);
  expect(await sysctl(sandbox, 'net.ipv6.conf.net1.disable_ipv6')).toBe('0');
  expect(fixture.daemon.logLines('IPv6 parameters')).toEqual([]);
  await mustDelete(sandbox, 'net1', ovnConfig());
});
