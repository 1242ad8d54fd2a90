/**
 * STATUS and CHECK tell the truth, and what nobody deletes goes: shown on pods that are mistreated.
 */
import type { CniResult, NetworkConfig, Sandbox } from '../../test/lab/runtime.ts';
import { cni, createSandbox, deleteSandbox, inSandbox } from '../../test/lab/runtime.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const CONFIG: NetworkConfig = {
  cniVersion: '1.1.0',
  name: 'attachnet',
  type: 'kube-ovn',
  server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
  provider: 'attachnet.default.ovn',
};

interface VictimPod {
  readonly sandbox: Sandbox;
  readonly result: CniResult | undefined;
}

export async function proveTrust(stage: Stage, report: Report): Promise<void> {
  report.section('CHECK, STATUS, GC, and what is left when nobody calls DEL');
  const [checked, lost, killed, listed] = [
    await addVictim(stage, 1),
    await addVictim(stage, 2),
    await addVictim(stage, 3),
    await addVictim(stage, 4),
  ];
  await proveCheck(checked, report);
  await proveStatus(stage, checked, report);
  await proveOwnCleanUp(stage, lost, report);
  await proveRecordedDel(stage, killed, report);
  await proveGc(stage, { gone: listed, alive: checked }, report);
  for (const { sandbox } of [checked, listed]) {
    await cni('DEL', sandbox, 'net1', CONFIG);
    await deleteSandbox(sandbox);
  }
}

async function addVictim({ cluster, subnets }: Stage, number: number): Promise<VictimPod> {
  const pod = cluster.createPod(`victim-${number}`);
  await cluster.allocate(pod, {
    provider: 'attachnet.default.ovn',
    subnet: subnets.attachnet,
    ip: `172.17.0.8${number}`,
    mac: `00:00:00:53:6b:8${number}`,
    more: { ingress_rate: '10' },
  });
  const sandbox = await createSandbox(pod);
  return { sandbox, result: (await cni('ADD', sandbox, 'net1', CONFIG)).result };
}

async function proveCheck({ sandbox, result }: VictimPod, report: Report): Promise<void> {
  const check = () => cni('CHECK', sandbox, 'net1', { ...CONFIG, prevResult: result });
  const healthy = await check();
  const time = `${healthy.ms.toFixed(0)} ms ${healthy.stdout.trim()}`;
  report.check('CHECK of a healthy interface', healthy.exitCode === 0, time);
  await inSandbox(sandbox, 'ip', 'link', 'set', 'net1', 'mtu', '1300');
  await inSandbox(sandbox, 'ip', 'address', 'flush', 'dev', 'net1');
  const { result: error } = await check();
  report.check('CHECK names each difference', error?.code === 112, error?.msg);
}

async function proveStatus(stage: Stage, { sandbox }: VictimPod, report: Report): Promise<void> {
  const ready = await cni('STATUS', sandbox, 'net1', CONFIG);
  report.check('STATUS of a node that works', ready.exitCode === 0, `${ready.ms.toFixed(0)} ms`);
  await stage.node.killPart('ovn-controller');
  const { result: error, ms } = await cni('STATUS', sandbox, 'net1', CONFIG);
  const reason = `${ms.toFixed(0)} ms, ${error?.msg}`;
  report.check('STATUS without ovn-controller', error?.code === 50, reason);
  await stage.node.startPart('ovn-controller');
}

/** The sandbox goes, and no DEL comes. */
async function proveOwnCleanUp(stage: Stage, { sandbox }: VictimPod, report: Report) {
  const startedMs = performance.now();
  await deleteSandbox(sandbox);
  await stage.daemon.logged('removed a port whose sandbox is gone');
  const ms = (performance.now() - startedMs).toFixed(0);
  const isGone = !(await hasPort(stage, sandbox));
  report.check('a sandbox vanished without a DEL: its port went by itself', isGone, `${ms} ms`);
}

async function proveRecordedDel(stage: Stage, { sandbox }: VictimPod, report: Report) {
  await stage.daemon.stop('SIGKILL');
  const { exitCode, stdout, ms } = await cni('DEL', sandbox, 'net1', CONFIG);
  const said = `${ms.toFixed(0)} ms ${stdout.trim()}`;
  report.check('DEL with the daemon killed succeeds', exitCode === 0, said);
  await deleteSandbox(sandbox);
  await stage.startDaemon();
  await stage.daemon.logged('DEL done that was recorded');
  report.check('the next daemon does it', !(await hasPort(stage, sandbox)));
}

async function proveGc(
  stage: Stage,
  { gone, alive }: { gone: VictimPod; alive: VictimPod },
  report: Report,
): Promise<void> {
  const valid = [{ containerID: alive.sandbox.containerId, ifname: 'net1' }];
  const config = { ...CONFIG, 'cni.dev/valid-attachments': valid };
  const { exitCode, stdout, ms } = await cni('GC', alive.sandbox, 'net1', config);
  const isRight = !(await hasPort(stage, gone.sandbox)) && (await hasPort(stage, alive.sandbox));
  const said = `${ms.toFixed(0)} ms ${stdout.trim()}`;
  report.check('GC removes what the list lacks, of this network', exitCode === 0 && isRight, said);
}

async function hasPort({ node }: Stage, { containerId }: Sandbox): Promise<boolean> {
  const own = `external_ids:container_id=${containerId}`;
  const found = await node.vsctl('--bare', '--columns=name', 'find', 'Interface', own);
  return found.trim() !== '';
}
