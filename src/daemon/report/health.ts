/**
 * What the daemon answers to the kubelet, to Prometheus and to people, on the port that Kube-OVN's
 * charts probe.
 *
 * `/livez` and `/readyz` say the same, and only that this process serves its socket: chart v2 has
 * `/readyz` for its liveness probe, and a restart of the daemon mends neither OVS nor the API server.
 * What is wrong with those stands in `/statusz`.
 */
import type { HealthSources, MetricsText, Probe } from '../../common/http/health-server.ts';
import type { Source } from '../../common/http/shared-question.ts';
import type { StatusPart, StatusReport } from '../../common/http/status-report.ts';
import type { Outage } from '../../common/outage.ts';
import type { PrimaryNetwork } from '../node/primary-network.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import type { RecordedDels } from '../verbs/recorded-dels.ts';
import { allChecks, type StatusParts } from '../verbs/status.ts';

/** The parts of the daemon whose state `/statusz` reports. */
export interface HealthParts extends StatusParts {
  readonly nodeName: string;
  readonly ipOutage: Pick<Outage, 'reason'>;
  readonly recordedDels: Pick<RecordedDels, 'counts'>;
  readonly queue: Pick<AttachmentQueue, 'addCount'>;
  readonly primary: StatusParts['primary'] & Pick<PrimaryNetwork, 'isOurs' | 'filesAtFault'>;
}

/** How the socket is tried, and who reads metrics. */
export interface DaemonHealthOptions {
  readonly socketPath: string;
  /** Tries the socket; resolves with `connected`, or with the code of the error. */
  readonly connect: (path: string) => Promise<string>;
  readonly metrics?: Source<MetricsText>;
  readonly authorize?: HealthSources['authorize'];
}

/** Questions of `/statusz` to OVS and tools; less than it may take as a whole; ms. */
const QUESTIONS_MS_MAX = 2000;

/** The daemon's answers, for `healthHandler`. */
export function healthSources(parts: HealthParts, options: DaemonHealthOptions): HealthSources {
  const serves = () => servesSocket(options);
  const { metrics, authorize } = options;
  return {
    livez: serves,
    readyz: serves,
    statusz: () => report(parts, options),
    ...(metrics === undefined ? {} : { metrics }),
    ...(authorize === undefined ? {} : { authorize }),
  };
}

async function servesSocket({ socketPath, connect }: DaemonHealthOptions): Promise<Probe> {
  const answer = await connect(socketPath);
  return answer === 'connected'
    ? { isFine: true }
    : { isFine: false, notes: [`no CNI call can be served: ${socketPath}: ${answer}`] };
}

async function report(parts: HealthParts, options: DaemonHealthOptions): Promise<StatusReport> {
  const [socket, checks] = await Promise.all([
    servesSocket(options),
    allChecks(parts, AbortSignal.timeout(QUESTIONS_MS_MAX)),
  ]);
  const said: StatusPart[] = [
    part('socket', socket.notes ?? [], `${options.socketPath} answers`),
    ...checks.map(({ name, failures, fine }) => part(name, failures, fine)),
    ...tunnelFailure(parts),
    ipObjects(parts),
    recorded(parts),
    part('ADDs', [], `${parts.queue.addCount} run or wait`),
    primaryNetwork(parts),
  ];
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  return { program: 'kube-ovn-cni', instance: parts.nodeName, startedAt, parts: said };
}

function primaryNetwork({ primary }: Pick<HealthParts, 'primary'>): StatusPart {
  const name = 'primary network';
  if (primary.isOurs) return part(name, [], 'it is the one of provider ovn');
  const files = primary.filesAtFault();
  const failures = files.map((file) => `${file} makes the runtime ask for it here: remove it`);
  return part(name, failures, "it is another plugin's (--non-primary-cni-mode)");
}

/** Tunnels that work, but are not what is asked for. */
function tunnelFailure({ tunnels }: Pick<HealthParts, 'tunnels'>): StatusPart[] {
  const { failure, isKnown } = tunnels;
  return isKnown && failure !== undefined ? [part("tunnels' end", [failure], '')] : [];
}

function ipObjects({ ipOutage }: Pick<HealthParts, 'ipOutage'>): StatusPart {
  const { reason } = ipOutage;
  const failures = reason === undefined ? [] : [`they do not learn their node: ${reason}`];
  return part('IP objects', failures, 'they are written');
}

function recorded({ recordedDels }: Pick<HealthParts, 'recordedDels'>): StatusPart {
  const { waiting, setAside } = recordedDels.counts;
  const failures = setAside === 0 ? [] : [`${setAside} were set aside: the log has why`];
  return part('recorded DELs', failures, `${waiting} wait`);
}

function part(name: string, failures: readonly string[], fine: string): StatusPart {
  const ok = failures.length === 0;
  return { name, ok, text: ok ? fine : failures.join('; ') };
}
