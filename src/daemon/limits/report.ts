/**
 * The limits of a pod's NICs: annotated, in OVS's database, and in force. Pure.
 */
import { type Asked, type AskedLimits, limitWarnings } from '../nic/limits.ts';
import {
  isSamePolicing,
  isSameQos,
  type Qos,
  type TrafficControl,
  toTrafficControl,
} from '../ovs/traffic-control.ts';
import type { Enforcement, InForce } from './enforcement.ts';
import type { FollowedPort } from './followed-port.ts';
import { mirrorText, netemText, policingText, shapingText } from './text.ts';

/** One NIC as it was found. */
export interface InspectedNic {
  readonly port: FollowedPort;
  readonly asked: AskedLimits;
  readonly found: TrafficControl;
  readonly enforcement: Enforcement;
}

export interface NicReport {
  readonly interface: string;
  readonly provider: string;
  readonly port: string;
  readonly logicalSwitchPort: string;
  readonly limits: readonly LimitReport[];
  /** About annotations that are wrong or without effect. */
  readonly warnings: readonly string[];
}

export interface LimitReport {
  readonly limit: 'to the pod' | 'from the pod' | 'netem' | 'mirror';
  /** What the port is to have. */
  readonly annotated: string;
  /** Annotations or capability that say so; empty for none. */
  readonly source: string;
  readonly inOvs: string;
  /** "yes", "no", "-" where there is nothing to enforce, or why nobody could tell. */
  readonly inForce: string;
  /** True where all three agree, as far as could be told. */
  readonly isRight: boolean;
}

/** @param mirrorsAll every packet of the bridge is mirrored */
export function reportNic(nic: InspectedNic, mirrorsAll: boolean): NicReport {
  const { port, asked, found } = nic;
  return {
    interface: port.ifName,
    provider: port.provider,
    port: port.name,
    logicalSwitchPort: port.ifaceId,
    limits: reportLimits(nic, toTrafficControl(asked, found, mirrorsAll), mirrorsAll),
    warnings: limitWarnings(asked),
  };
}

function reportLimits(
  { asked, found, enforcement }: InspectedNic,
  wanted: TrafficControl,
  mirrorsAll: boolean,
): LimitReport[] {
  const { qos, policing } = enforcement;
  const [wantedHtb, foundHtb] = [only(wanted.qos, 'linux-htb'), only(found.qos, 'linux-htb')];
  const [wantedNetem, foundNetem] = [
    only(wanted.qos, 'linux-netem'),
    only(found.qos, 'linux-netem'),
  ];
  const toPod = {
    limit: 'to the pod' as const,
    annotated: shapingText(wantedHtb),
    source: sourceOf(asked.ingress),
    inOvs: shapingText(foundHtb),
    inForce: foundHtb ? inForce(qos, `linux-htb ${foundHtb.config['max-rate']}`) : '-',
  };
  const fromPod = {
    limit: 'from the pod' as const,
    annotated: policingText(wanted.policing),
    source: sourceOf(asked.egress),
    inOvs: policingText(found.policing),
    inForce: found.policing.rateKbps > 0 ? inForce(policing, 'police') : '-',
  };
  const netem = {
    limit: 'netem' as const,
    annotated: netemText(wantedNetem),
    source: sourceOf(asked.netem),
    inOvs: netemText(foundNetem),
    inForce: foundNetem ? inForce(qos, 'linux-netem') : '-',
  };
  const mirror = {
    limit: 'mirror' as const,
    annotated: mirrorsAll ? 'on for all (--enable-mirror)' : mirrorText(wanted.isMirrored),
    source: '',
    inOvs: mirrorsAll ? 'on for all (--enable-mirror)' : mirrorText(found.isMirrored),
    inForce: '-',
  };
  return [
    { ...toPod, isRight: isSameQos(wantedHtb, foundHtb) && isEnforced(toPod) },
    { ...fromPod, isRight: isSamePolicing(wanted.policing, found.policing) && isEnforced(fromPod) },
    { ...netem, isRight: isSameQos(wantedNetem, foundNetem) && isEnforced(netem) },
    { ...mirror, isRight: wanted.isMirrored === found.isMirrored },
  ];
}

function only(qos: Qos | undefined, type: Qos['type']): Qos | undefined {
  return qos?.type === type ? qos : undefined;
}

function sourceOf({ source = '', wrong }: Asked<unknown>): string {
  return wrong === undefined ? source : `${source} (wrong)`;
}

function inForce(found: InForce, expected: string): string {
  if ('unknown' in found) return `unknown: ${found.unknown}`;
  return found.says === expected ? 'yes' : `no: ${found.says}`;
}

function isEnforced({ inForce: answer }: { inForce: string }): boolean {
  return !answer.startsWith('no');
}

const HEADINGS = ['', 'annotated', 'in Open vSwitch', 'in force', 'from'];

/** The report for a terminal: a table for each NIC. */
export function formatReport(nics: readonly NicReport[]): string {
  return nics.map(formatNic).join('\n\n');
}

function formatNic({ provider, port, logicalSwitchPort, limits, warnings, ...nic }: NicReport) {
  const name = nic.interface === '' ? '' : `${nic.interface}, `;
  const rows = limits.map(({ limit, annotated, inOvs, inForce: answer, source, isRight }) => {
    return [`${isRight ? ' ' : '!'} ${limit}`, annotated, inOvs, answer, source];
  });
  return [
    `${name}network ${provider}, port ${port}, logical switch port ${logicalSwitchPort}`,
    ...formatTable([HEADINGS, ...rows]),
    ...warnings.map((warning) => `! ${warning}`),
  ].join('\n');
}

function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(...rows.map((row) => row[column]?.length ?? 0));
  });
  return rows.map((row) => {
    return row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  });
}
