/**
 * The limits of a pod's NICs: annotated, in OVS's database, and in force. Pure.
 */
import { type Asked, type AskedLimits, limitWarnings, type Rate } from '../model/limits.ts';
import {
  type FoundControl,
  isSamePolicing,
  isSameQos,
  ofType,
  type TrafficControl,
  toTrafficControl,
} from '../ovs/traffic-control.ts';
import type { Enforcement } from './enforcement.ts';
import type { FollowedPort } from './followed-port.ts';
import { bitsText, limitText } from './quantities.ts';
import { mirrorText, netemText, policingText, shapingText } from './text.ts';
import { checkNetem, checkPolicing, checkShaping, type Verdict } from './verdict.ts';

/** One NIC as it was found. */
export interface InspectedNic {
  readonly port: FollowedPort;
  readonly asked: AskedLimits;
  readonly found: TrafficControl & Pick<FoundControl, 'mirrorRow'>;
  readonly enforcement: Enforcement;
}

/** What holds for all NICs of a node. */
export interface NodeFacts {
  /** Every packet of the bridge is mirrored. */
  readonly mirrorsAll: boolean;
  /** The bridge is one of OVS's userspace datapath. */
  readonly isUserspace: boolean;
}

/** One NIC of a pod, with each of its limits. */
export interface NicReport {
  /** Empty where a port of Kube-OVN's Go daemon does not say it. */
  readonly interface: string;
  readonly provider: string;
  readonly port: string;
  readonly logicalSwitchPort: string;
  readonly limits: readonly LimitReport[];
  /** About annotations that are wrong or without effect. */
  readonly warnings: readonly string[];
}

/** One limit at the three places: as it is annotated, in OVS's database, and in force. */
export interface LimitReport {
  readonly limit: 'to the pod' | 'from the pod' | 'netem' | 'mirror';
  /** As it is written; "wrong" where there is no telling. */
  readonly annotated: string;
  readonly inOvs: string;
  readonly inForce: Verdict['inForce'];
  /** Annotations or capability that say so; empty for none. */
  readonly source: string;
  /** True where all three agree. */
  readonly isRight: boolean;
  /** What to know or to do, where there is something. */
  readonly notes: readonly string[];
}

/**
 * What the limits command prints of one NIC: what is annotated, what OVS and the kernel have, and whether
 * they agree.
 */
export function reportNic(nic: InspectedNic, node: NodeFacts): NicReport {
  const { port, asked, found } = nic;
  const wanted = toTrafficControl(asked, found, node.mirrorsAll);
  return {
    interface: port.ifName,
    provider: port.provider,
    port: port.name,
    logicalSwitchPort: port.ifaceId,
    limits: [
      reportShaping(nic, wanted),
      reportPolicing(nic, wanted, node),
      reportNetem(nic, wanted),
      reportMirror(nic, node),
    ],
    warnings: limitWarnings(asked),
  };
}

/** True where nothing needs anybody's attention. */
export function isRight({ limits, warnings }: NicReport): boolean {
  return warnings.length === 0 && limits.every((limit) => limit.isRight);
}

function reportShaping({ asked, found, enforcement }: InspectedNic, wanted: TrafficControl) {
  const [wantedHtb, foundHtb] = [ofType(wanted.qos, 'linux-htb'), ofType(found.qos, 'linux-htb')];
  const { burstBits } = asked.ingress.value ?? {};
  const ovsBurstBits = Number(foundHtb?.config.burst ?? 0);
  const isSame = isSameQos(wantedHtb, foundHtb);
  // Whatever is asked for comes out as the same number in bytes, which OVS reads as bits.
  const isOtherBurst = isSame && burstBits !== undefined && burstBits !== ovsBurstBits;
  return reportLimit({
    limit: 'to the pod',
    asked: asked.ingress,
    annotated: rateOf(asked.ingress.value),
    wanted: shapingText(wantedHtb),
    inOvs: shapingText(foundHtb),
    isSame,
    verdict: checkShaping(foundHtb, enforcement.shaping),
    notes: isOtherBurst
      ? [`the burst is one of ${bitsText(ovsBurstBits)}: OVS takes the number of bytes for bits`]
      : [],
  });
}

function reportPolicing(
  { asked, found, enforcement }: InspectedNic,
  wanted: TrafficControl,
  { isUserspace }: NodeFacts,
) {
  return reportLimit({
    limit: 'from the pod',
    asked: asked.egress,
    annotated: rateOf(asked.egress.value),
    wanted: policingText(wanted.policing),
    inOvs: policingText(found.policing),
    isSame: isSamePolicing(wanted.policing, found.policing),
    verdict: checkPolicing(found.policing, enforcement.policedBps, isUserspace),
  });
}

function reportNetem({ asked, found, enforcement }: InspectedNic, wanted: TrafficControl) {
  const [wantedNetem, foundNetem] = [
    ofType(wanted.qos, 'linux-netem'),
    ofType(found.qos, 'linux-netem'),
  ];
  const alone = toTrafficControl({ ...asked, ingress: {} }, found, false);
  // A warning says that the rate to the pod wins.
  const isBeaten = asked.netem.value !== undefined && wantedNetem === undefined;
  return reportLimit({
    limit: 'netem',
    asked: asked.netem,
    annotated: netemText(ofType(alone.qos, 'linux-netem')),
    wanted: netemText(wantedNetem),
    inOvs: netemText(foundNetem),
    isSame: isSameQos(wantedNetem, foundNetem),
    verdict: isBeaten ? { inForce: 'no' } : checkNetem(foundNetem, enforcement.netem),
  });
}

function reportMirror({ asked, found }: InspectedNic, { mirrorsAll }: NodeFacts) {
  const { isMirrored } = asked;
  const isSame = mirrorsAll || isMirrored === found.isMirrored;
  const annotated = mirrorText(isMirrored);
  const hint = found.mirrorRow === undefined ? 'the node has no mirror yet' : notTold(annotated);
  return {
    limit: 'mirror',
    annotated,
    inOvs: mirrorsAll ? 'on for all' : mirrorText(found.isMirrored),
    inForce: '-',
    source: asked.mirrorSource ?? '',
    isRight: isSame,
    notes: isSame ? [] : [hint],
  } satisfies LimitReport;
}

interface CheckedLimit {
  readonly limit: LimitReport['limit'];
  readonly asked: Asked<unknown>;
  readonly annotated: string;
  /** What OVS is to have. */
  readonly wanted: string;
  readonly inOvs: string;
  /** OVS has it. */
  readonly isSame: boolean;
  readonly verdict: Verdict;
  readonly notes?: readonly string[];
}

function reportLimit(checked: CheckedLimit): LimitReport {
  const { limit, asked, wanted, inOvs, isSame, verdict, notes = [] } = checked;
  const { inForce, note } = verdict;
  return {
    limit,
    annotated: asked.wrong === undefined ? checked.annotated : 'wrong',
    inOvs,
    inForce,
    source: asked.source ?? '',
    isRight: isSame && asked.wrong === undefined && (inForce === 'yes' || inForce === '-'),
    notes: [...(isSame ? [] : [notTold(wanted)]), ...notes, ...(note === undefined ? [] : [note])],
  };
}

function notTold(what: string): string {
  return `OVS was not told "${what}": is kube-ovn-cni running on this node, and what do its log and the events of the pod say?`;
}

function rateOf(rate: Rate | undefined): string {
  return rate === undefined ? 'no limit' : limitText(rate.bitsPerSecond, rate.burstBits);
}
