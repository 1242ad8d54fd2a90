/** The agent's pod: init containers, daemon, calls by the installed executable, `kubectl ko`'s tools. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ChartPod } from '../../test/lab/chart-pods.ts';
import { outcomeOf } from '../../test/lab/command.ts';
import { SOCKET } from '../../test/lab/daemon.ts';
import {
  cniEnvironment,
  cniInput,
  createSandbox,
  deleteSandbox,
  inSandbox,
  type Sandbox,
} from '../../test/lab/runtime.ts';
import type { RunningContainer } from './containerd.ts';
import { mustProbe } from './http-get.ts';
import { checkKubectlKo } from './kubectl-ko.ts';
import { type PodSurroundings, specOf } from './pods.ts';
import type { Lab } from './run.ts';

const CNI_BIN = '/opt/cni/bin';
const CNI_CONF = '/etc/cni/net.d';
const PROBES = 'http://10.0.0.1:10665';
/** kubelet kills what takes longer. */
const ENDS_WITHIN_MS = 30_000;

/** What people run by hand in the daemon's container, and its scripts. */
const TOOLS = [
  'iptables -V', 'ip6tables -V', 'netstat -us', 'sysctl -n net.ipv4.ip_forward', 'bash -c true',
  'ovs-vsctl --no-wait show', 'ovs-appctl -t ovs-vswitchd version', 'ovs-ofctl --version',
  'ovn-nbctl --version', 'ovn-sbctl --version', 'kube-ovn-cni --version', 'awk BEGIN{} /dev/null', 'ethtool --version',
]; // biome-ignore format: a table

let podCount = 0;

export async function checkDaemon(lab: Lab, pod: ChartPod, around: PodSurroundings): Promise<void> {
  const { containerd, image, outcomes } = lab;
  for (const init of pod.init) {
    await outcomes.check(`init container ${init.name}`, async () => {
      const { exitCode, stdout, stderr } = await containerd.run(image, specOf(pod, init, around));
      if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
      return undefined;
    });
  }
  await outcomes.check('what install-cni left on the node', async () => installed(around));
  const [server] = pod.containers;
  if (server === undefined) throw new Error('the pod has no container');
  const daemon = await containerd.start(image, specOf(pod, server, around));
  const isReady = await outcomes.check('the daemon takes calls', async () => {
    await daemon.logged('ready for CNI calls');
    return undefined;
  });
  if (!isReady) return;
  for (const path of ['/livez', '/readyz', '/healthz', '/metrics', '/statusz']) {
    await outcomes.check(`GET ${path} on 10665`, () => mustProbe(`${PROBES}${path}`));
  }
  await checkCalls(lab, daemon, around);
  await outcomes.check('SIGTERM', async () => {
    const { code, ms } = await daemon.terminate();
    if (code !== 0 || ms > ENDS_WITHIN_MS) {
      throw new Error(`ended with ${code} after ${ms} ms:\n${daemon.log.slice(-5).join('\n')}`);
    }
    if (existsSync(SOCKET)) throw new Error(`it left ${SOCKET}`);
    return `0 after ${Math.round(ms)} ms`;
  });
}

function installed({ hostFolder }: PodSurroundings): string {
  const files = [CNI_BIN, CNI_CONF].flatMap((folder) => {
    const path = join(hostFolder, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path).map((name) => {
      const mode = (statSync(join(path, name)).mode & 0o777).toString(8);
      return `${name} ${mode}`;
    });
  });
  if (!files.includes('kube-ovn 755')) throw new Error(`no executable: ${files.join(', ')}`);
  const strange = files.filter((file) => file.startsWith('.') || file.includes('tmp'));
  if (strange.length > 0) throw new Error(`left over: ${strange.join(', ')}`);
  return files.join(', ');
}

async function checkCalls(
  lab: Lab,
  daemon: RunningContainer,
  around: PodSurroundings,
): Promise<void> {
  const { cluster, attachnet, outcomes } = lab;
  podCount += 1;
  const address = `172.17.1.${podCount}`;
  const nic = {
    provider: attachnet.provider,
    subnet: attachnet,
    ip: `${address},fd00:172:17::1:${podCount}`,
    mac: `00:00:00:00:01:${podCount.toString(16).padStart(2, '0')}`,
  };
  const pod = cluster.createPod(`checked-${podCount}`);
  await cluster.allocate(pod, nic);
  const sandbox = await createSandbox(pod);
  const call = (verb: string, more: object = {}) =>
    callInstalled(verb, sandbox, around, { provider: nic.provider, ...more });
  let prevResult: unknown;
  await outcomes.check('ADD of two addresses', async () => {
    prevResult = JSON.parse(await call('ADD'));
    return await inSandbox(sandbox, 'ping', '-c1', '-W5', '172.17.0.1').then(
      () => 'gateway answers',
    );
  });
  await outcomes.check('CHECK', async () => void (await call('CHECK', { prevResult })));
  await outcomes.check('STATUS', async () => void (await call('STATUS')));
  for (const tool of TOOLS) {
    await outcomes.check(`exec ${tool}`, async () => {
      await daemon.exec(tool.split(' '));
      return undefined;
    });
  }
  const gateways = ['172.17.0.1', 'fd00:172:17::1'] as const;
  await checkKubectlKo({ daemon, outcomes, sandbox, gateways, probes: PROBES });
  await outcomes.check('DEL', async () => void (await call('DEL')));
  await deleteSandbox(sandbox);
  await cluster.deletePod(pod, [nic]);
}

/** Runs the executable that the init container has put onto the node. */
async function callInstalled(
  verb: string,
  sandbox: Sandbox,
  { hostFolder }: PodSurroundings,
  config: object,
): Promise<string> {
  const executable = join(hostFolder, CNI_BIN, 'kube-ovn');
  const network = { cniVersion: '1.1.0', type: 'kube-ovn', server_socket: SOCKET, ...config };
  const env = cniEnvironment(verb, sandbox, 'eth0');
  const options = { env, input: cniInput(network), timeoutMs: 120_000 };
  const { exitCode, stdout, stderr } = await outcomeOf(executable, [], options);
  if (exitCode !== 0) throw new Error(`${verb} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}
