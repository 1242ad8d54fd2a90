/**
 * STATUS and CHECK tell the truth, and what nobody deletes goes: shown on pods that are mistreated.
 */
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { cni, deleteSandbox, inSandbox, type NetworkConfig } from '../../test/lab/runtime.ts';
import { endPod } from '../../test/lab/workloads.ts';
import { trustNetwork, trustPod, trustSubnet } from './manifests.ts';
import { applyAll, removeAll } from './objects.ts';
import { runPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';
import { usageOf } from './usage.ts';

/** The calls are made here, one by one, and not by the kubelet. */
export async function proveTrust(stage: Stage, report: Report): Promise<void> {
  report.section('CHECK, STATUS, GC, and what is left when nobody calls DEL');
  applyAll(stage.api, [trustNetwork, trustSubnet]);
  const add = async (number: number) => {
    const [pod] = await runPods(stage, [[trustPod(number), 'to be mistreated']], report);
    return pod as RunningPod;
  };
  const [checked, lost, killed, listed] = [await add(1), await add(2), await add(3), await add(4)];
  await proveCheck(checked, report);
  await proveStatus(stage, checked, report);
  await proveOwnCleanUp(stage, lost, report);
  await proveRecordedDel(stage, killed, report);
  await proveGc(stage, { gone: listed, alive: checked }, report);
  for (const { pod } of [checked, listed]) await stage.kubelet.end(pod);
  for (const { pod } of [lost, killed]) endPod(stage.api, pod);
  await usageOf(stage, 'trust', 0);
  report.check('all four addresses are free again', true);
  await removeAll(stage.api, 'Subnet', ['trust']);
}

/** What the runtime has of a pod's interface on the network trust. */
function attachmentOf({ interfaces }: RunningPod) {
  const found = interfaces.find(({ request }) => request.ifName === 'net1');
  if (found === undefined) throw new Error('no net1');
  const { request, result } = found;
  return { config: request.config, result };
}

async function proveCheck(pod: RunningPod, report: Report): Promise<void> {
  const { sandbox } = pod;
  const { config, result } = attachmentOf(pod);
  const check = () => cni('CHECK', sandbox, 'net1', { ...config, prevResult: result });
  const healthy = await check();
  const time = `${healthy.ms.toFixed(0)} ms ${healthy.stdout.trim()}`;
  report.check('CHECK of a healthy interface', healthy.exitCode === 0, time);
  await inSandbox(sandbox, 'ip', 'link', 'set', 'net1', 'mtu', '1300');
  await inSandbox(sandbox, 'ip', 'address', 'flush', 'dev', 'net1');
  const { result: error } = await check();
  report.check('CHECK names each difference', error?.code === 112, error?.msg);
}

async function proveStatus(stage: Stage, pod: RunningPod, report: Report): Promise<void> {
  const { config } = attachmentOf(pod);
  const status = () => cni('STATUS', pod.sandbox, 'net1', config);
  const ready = await status();
  report.check('STATUS of a node that works', ready.exitCode === 0, `${ready.ms.toFixed(0)} ms`);
  await stage.node.killPart('ovn-controller');
  const { result: error, ms } = await status();
  const reason = `${ms.toFixed(0)} ms, ${error?.msg}`;
  report.check('STATUS without ovn-controller', error?.code === 50, reason);
  await stage.node.startPart('ovn-controller');
}

/** The sandbox goes, and no DEL comes. */
async function proveOwnCleanUp(stage: Stage, { sandbox }: RunningPod, report: Report) {
  const startedMs = performance.now();
  await deleteSandbox(sandbox);
  await stage.daemon.logged('removed a port whose sandbox is gone');
  const ms = (performance.now() - startedMs).toFixed(0);
  const isGone = !(await hasPort(stage, { sandbox }));
  report.check('a sandbox vanished without a DEL: its port went by itself', isGone, `${ms} ms`);
}

async function proveRecordedDel(stage: Stage, pod: RunningPod, report: Report) {
  const { sandbox } = pod;
  const { config } = attachmentOf(pod);
  await stage.daemon.stop('SIGKILL');
  const { exitCode, stdout, ms } = await cni('DEL', sandbox, 'net1', config);
  const said = `${ms.toFixed(0)} ms ${stdout.trim()}`;
  report.check('DEL with the daemon killed succeeds', exitCode === 0, said);
  await deleteSandbox(sandbox);
  await stage.startDaemon();
  await stage.daemon.logged('DEL done that was recorded');
  report.check('the next daemon does it', !(await hasPort(stage, pod)));
}

async function proveGc(
  stage: Stage,
  { gone, alive }: { gone: RunningPod; alive: RunningPod },
  report: Report,
): Promise<void> {
  const valid = [{ containerID: alive.sandbox.containerId, ifname: 'net1' }];
  const config: NetworkConfig = {
    ...attachmentOf(alive).config,
    'cni.dev/valid-attachments': valid,
  };
  const { exitCode, stdout, ms } = await cni('GC', alive.sandbox, 'net1', config);
  const isRight = !(await hasPort(stage, gone)) && (await hasPort(stage, alive));
  const said = `${ms.toFixed(0)} ms ${stdout.trim()}`;
  report.check('GC removes what the list lacks, of this network', exitCode === 0 && isRight, said);
}

/** True where OVS has a port of the pod on the network trust. */
async function hasPort(
  { node }: Stage,
  { sandbox }: Pick<RunningPod, 'sandbox'>,
): Promise<boolean> {
  const own = `external_ids:container_id=${sandbox.containerId}`;
  const found = await node.vsctl('--bare', '--columns=name', 'find', 'Interface', own);
  return found.trim() !== '';
}
