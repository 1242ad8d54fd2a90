/** The scripts by which Kube-OVN's charts start the programs. */
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentContainer } from '../lab/agent-container.ts';
import { ImageRoot } from '../lab/image-root.ts';
import { ATTACHNET, Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import { canPing, mustAdd, mustDelete } from './observe.ts';

let fixture: Fixture;
let image: ImageRoot;
beforeAll(async () => {
  fixture = await Fixture.start();
  await mkdir('/run/image');
  image = await ImageRoot.create('/run/image', '0.2.0');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const environment = { ENABLE_BIND_LOCAL_IP: 'true', POD_IP: '127.0.0.1', POD_IPS: '127.0.0.1' };

test('start-cniserver.sh starts before Open vSwitch does, after a daemon that was killed, and serves when it is there', async () => {
  // Its socket stays.
  await fixture.daemon.stop('SIGKILL');
  const parts = ['ovs-vswitchd', 'ovsdb-server'];
  for (const part of parts) await fixture.node.killPart(part);
  const flags = ['--mtu=1400', `--kubeconfig=${KUBECONFIG}`, `--node-name=${fixture.node.chassis}`];
  const agent = await AgentContainer.start(image, { flags, environment });
  try {
    for (const part of parts.reverse()) await fixture.node.startPart(part);
    const { sandbox } = await fixture.pod();
    await mustAdd(sandbox, 'net1', ovnConfig({ provider: ATTACHNET }));
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
    await mustDelete(sandbox, 'net1', ovnConfig({ provider: ATTACHNET }));
  } finally {
    await agent.stop();
  }
  expect(agent.process.exitCode).toBe(0);
});

test('start-cniserver.sh fails with the words of the daemon where a flag is not known', async () => {
  const outcome = await image.run(['bash', '/kube-ovn/start-cniserver.sh', '--no-such-flag=1']);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stdout + outcome.stderr).toContain('no-such-flag');
});

test('start-controller.sh starts the controller, which knows the variables of the charts', async () => {
  const script = '/kube-ovn/start-controller.sh';
  const version = await image.run([script, '--version']);
  expect(version).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('controller') });
  const wrong = await image.run([script], { environment: { OVN_DB_IPS: '10.0.0.1,-' } });
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stdout + wrong.stderr).toContain('OVN_DB_IPS');
});

test('env-check.sh says what it finds', async () => {
  const { exitCode, stdout } = await image.run(['bash', '/kube-ovn/env-check.sh']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^[✓✗] CNI configurations/);
  expect(stdout.trim().split('\n')).toHaveLength(6);
});
