/**
 * `kube-ovn-cni limits <namespace>/<pod>`: prints the limits of a pod's NICs, annotated against
 * actual. It asks the API server, OVS and the kernel itself, so that it tells the same whether the
 * daemon runs or not; it changes nothing.
 */
import { isDnsName } from '../attachment.ts';
import { parseFlags } from '../flags.ts';
import { isNotFound, KubernetesApi, loadKubeConfig } from '../kubernetes/api.ts';
import { readLimits } from '../nic/limits.ts';
import { type Pod, projectPod } from '../objects/pod.ts';
import { toInterfaceRow } from '../ovs/port.ts';
import { inspectPorts, type PortsInspection } from '../ovs/port-inspection.ts';
import { createVsctl } from '../ovs/vsctl.ts';
import { readEnforcement } from './enforcement.ts';
import { portOfPod } from './followed-port.ts';
import { formatReport, type InspectedNic, reportNic } from './report.ts';

const API_TIMEOUT_MS = 10_000;
const USAGE = `usage: kube-ovn-cni limits <namespace>/<pod> [--json] [flags of the daemon]

Prints the limits of a pod's interfaces on this node: what its annotations ask for, what Open
vSwitch was told, and what is in force. Ends with 0 where these agree, with 1 where they do not.`;

/** What the command ends with. */
export interface CommandResult {
  readonly output: string;
  readonly exitCode: 0 | 1;
}

/**
 * @param args what stands behind `limits`
 * @throws Error that says what cannot be read, or how the command is used
 */
export async function limitsCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  const [name = '', ...flags] = args;
  const [namespace = '', podName = '', ...more] = name.split('/');
  if (more.length > 0 || !isDnsName(namespace) || !isDnsName(podName)) throw new Error(USAGE);
  const isJson = flags.includes('--json');
  const options = parseFlags(
    flags.filter((flag) => flag !== '--json'),
    environment,
  );
  const api = new KubernetesApi(loadKubeConfig(options.kubeconfigPath));
  const [pod, inspection] = await Promise.all([
    getPod(api, namespace, podName),
    inspectPorts(createVsctl(options.ovsDatabase)),
  ]).finally(() => api.destroy());
  const nics = await inspectNics(pod, inspection);
  if (nics.length === 0) throw new Error(`pod ${name} has no interface of Kube-OVN on this node`);
  const reports = nics.map((nic) => reportNic(nic, inspection.mirrorsAll));
  const isRight = reports.every(({ limits, warnings }) => {
    return warnings.length === 0 && limits.every((limit) => limit.isRight);
  });
  const output = isJson ? JSON.stringify(reports, undefined, 2) : formatReport(reports);
  return { output, exitCode: isRight ? 0 : 1 };
}

async function getPod(api: KubernetesApi, namespace: string, name: string): Promise<Pod> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  try {
    return projectPod(await api.get(path, {}, AbortSignal.timeout(API_TIMEOUT_MS)));
  } catch (error) {
    throw isNotFound(error) ? new Error(`pod ${namespace}/${name} does not exist`) : error;
  }
}

function inspectNics(pod: Pod, { interfaces, controlOf }: PortsInspection) {
  const nics = interfaces.map(async (row): Promise<InspectedNic | undefined> => {
    const port = portOfPod(toInterfaceRow(row), pod);
    const found = controlOf(row);
    if (!port || !found) return undefined;
    const asked = readLimits(pod.annotations, port, port.bandwidth);
    return { port, asked, found, enforcement: await readEnforcement(port.name) };
  });
  return Promise.all(nics).then((all) => all.filter((nic) => nic !== undefined));
}
