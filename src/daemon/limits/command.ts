/**
 * `kube-ovn-cni limits <namespace>/<pod>`: prints the limits of a pod's NICs, annotated against
 * actual. It asks the API server, OVS and the kernel itself, so that it tells the same whether the
 * daemon runs or not; it changes nothing.
 */

import { isNotFound, KubernetesApi, loadKubeConfig } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import { isDnsName } from '../../common/names.ts';
import { messageOf } from '../../common/text.ts';
import { CniError } from '../call/error.ts';
import { readLimits } from '../model/limits.ts';
import { type Pod, projectPod } from '../model/pod.ts';
import { INTEGRATION_BRIDGE, toInterfaceRow } from '../ovs/port.ts';
import { withOvs } from '../ovs/session.ts';
import { controlOf, findMirror } from '../ovs/traffic-control-rows.ts';
import { failedTo } from '../ovs/vsctl.ts';
import { readEnforcement } from './enforcement.ts';
import { portOfPod } from './followed-port.ts';
import { type InspectedNic, isRight, reportNic } from './report.ts';
import { formatReport } from './table.ts';

const API_TIMEOUT_MS = 10_000;
const USAGE = `usage: kube-ovn-cni limits <namespace>/<pod> [--json] [flags of the daemon]

Prints the limits of a pod's interfaces on this node: what is annotated, what Open vSwitch was
told, and whether it is in force. Ends with 0 where these agree, with 1 where something needs
attention ("!"), and with 2 where it cannot tell.

  --json                      the same as JSON
  --kubeconfig=FILE           of the API server; inside a pod of the cluster none is needed
  --ovs-socket=SOCKET         of Open vSwitch's database; default /run/openvswitch/db.sock`;

/** The flags of the daemon that it uses. */
export interface LimitsSettings {
  readonly kubeconfigPath?: string | undefined;
  /** An OVSDB remote. */
  readonly ovsDatabase: string;
  readonly nodeName: string;
}

/** What the command ends with. */
export interface CommandResult {
  readonly output: string;
  readonly exitCode: 0 | 1;
}

/**
 * @param args what stands behind `limits`
 * @param readFlags reads the flags among them; throws an Error that names the one which is wrong
 * @throws Error that says what cannot be read and what to do, or how the command is used
 */
export async function limitsCommand(
  args: readonly string[],
  readFlags: (flags: readonly string[]) => LimitsSettings,
): Promise<CommandResult> {
  if (args.includes('--help') || args.includes('-h')) return { output: USAGE, exitCode: 0 };
  const { namespace, name, isJson, options } = readArguments(args, readFlags);
  const [{ pod, nodeName }, { ports, mirrorsAll, isUserspace }] = await Promise.all([
    getPod(options, namespace, name),
    readOvs(options).catch(explain),
  ]);
  const nics = await inspectNics(pod, ports);
  if (nics.length === 0) throw new Error(noInterface(`${namespace}/${name}`, nodeName, options));
  const reports = nics.map((nic) => reportNic(nic, { mirrorsAll, isUserspace }));
  const output = isJson ? JSON.stringify(reports, undefined, 2) : formatReport(reports);
  return { output, exitCode: reports.every(isRight) ? 0 : 1 };
}

/** @throws Error with the usage */
function readArguments(
  args: readonly string[],
  readFlags: (flags: readonly string[]) => LimitsSettings,
) {
  const [pod = '', ...flags] = args.filter((word) => word !== '--json');
  const [namespace = '', name = '', ...more] = pod.split('/');
  if (more.length > 0 || !isDnsName(namespace) || !isDnsName(name)) throw new Error(USAGE);
  try {
    const isJson = args.includes('--json');
    return { namespace, name, isJson, options: readFlags(flags) };
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\n${USAGE}`);
  }
}

/** The pod, and the node it runs on; empty for one that is not scheduled. */
async function getPod({ kubeconfigPath }: LimitsSettings, namespace: string, name: string) {
  const path = objectPath(KINDS.pods, name, namespace);
  try {
    const api = new KubernetesApi(loadKubeConfig(kubeconfigPath));
    const signal = AbortSignal.timeout(API_TIMEOUT_MS);
    const raw = await api.get(path, {}, signal).finally(() => api.destroy());
    const { nodeName } = (raw as { spec?: { nodeName?: unknown } }).spec ?? {};
    return { pod: projectPod(raw), nodeName: typeof nodeName === 'string' ? nodeName : '' };
  } catch (error) {
    if (isNotFound(error)) {
      throw new Error(`pod ${namespace}/${name} does not exist: \`kubectl get pod -A\` lists all`);
    }
    const hint = '--kubeconfig=FILE names another API server';
    throw new Error(`cannot read the pod from the API server: ${messageOf(error)}; ${hint}`);
  }
}

async function readOvs({ ovsDatabase }: LimitsSettings) {
  return await withOvs(ovsDatabase, async (ovs) => {
    const state = await ovs.fresh().catch(failedTo("read OVS's rows"));
    return {
      ports: [...state.interfaces.values()].map((row) => ({
        row: toInterfaceRow(row),
        control: controlOf(state, row),
      })),
      /** The node's Mirror row takes every packet. */
      mirrorsAll: findMirror(state)?.select_all === true,
      isUserspace: state.bridgeNamed(INTEGRATION_BRIDGE)?.datapath_type === 'netdev',
    };
  });
}

type FoundPorts = Awaited<ReturnType<typeof readOvs>>['ports'];

function explain(error: unknown): never {
  if (!(error instanceof CniError)) throw error;
  const hint = '--ovs-socket=SOCKET names another database';
  throw new Error(`${error.message}; ${error.details}; ${hint}`, { cause: error });
}

function noInterface(pod: string, nodeName: string, options: LimitsSettings): string {
  const here = `pod ${pod} has no interface of Kube-OVN on this node (${options.nodeName})`;
  if (nodeName === '') return `${here}: it is not scheduled to any`;
  return nodeName === options.nodeName
    ? `${here}: its sandbox is not made yet, its network is another one, or its pod was replaced; \`kubectl describe pod\` tells`
    : `${here}: it runs on node ${nodeName}, and only there this command can tell`;
}

function inspectNics(pod: Pod, ports: FoundPorts) {
  const nics = ports.map(async ({ row, control: found }): Promise<InspectedNic | undefined> => {
    const port = portOfPod(row, pod);
    if (!port || !found) return undefined;
    const asked = readLimits(pod.annotations, port, port.bandwidth);
    return { port, asked, found, enforcement: await readEnforcement(port.name) };
  });
  return Promise.all(nics).then((all) => {
    const found = all.filter((nic) => nic !== undefined);
    return found.sort((one, other) => (one.port.ifName < other.port.ifName ? -1 : 1));
  });
}
