/**
 * Annotated limits against those that OVS has on a port. Pure.
 */
import { OwnCode } from '../call/error.ts';
import { type Difference, differs } from '../model/difference.ts';
import { readLimits } from '../model/limits.ts';
import type { Pod } from '../model/pod.ts';
import type { InspectedPort } from '../ovs/port-inspection.ts';
import {
  isSamePolicing,
  isSameQos,
  ofType,
  type TrafficControl,
  toTrafficControl,
} from '../ovs/traffic-control.ts';
import { readFollowedPort } from './followed-port.ts';
import { mirrorText, netemText, policingText, shapingText } from './text.ts';

/** One of the limits: how it is compared, and how it is said. */
interface Limit {
  readonly what: string;
  readonly isSame: (one: TrafficControl, other: TrafficControl) => boolean;
  readonly say: (control: TrafficControl) => string;
}

const LIMITS: readonly Limit[] = [
  {
    what: 'ingress_rate',
    isSame: (one, other) => isSameQos(ofType(one.qos, 'linux-htb'), ofType(other.qos, 'linux-htb')),
    say: ({ qos }) => shapingText(qos),
  },
  {
    what: 'egress_rate',
    isSame: (one, other) => isSamePolicing(one.policing, other.policing),
    say: ({ policing }) => policingText(policing),
  },
  {
    what: 'netem',
    isSame: (one, other) =>
      isSameQos(ofType(one.qos, 'linux-netem'), ofType(other.qos, 'linux-netem')),
    say: ({ qos }) => netemText(qos),
  },
  {
    what: 'mirror',
    isSame: (one, other) => one.isMirrored === other.isMirrored,
    say: ({ isMirrored }) => mirrorText(isMirrored),
  },
];

/**
 * An annotation that is wrong is no difference: the limit stays as it was, and an event said so.
 * @param mirrorsAll every packet of the bridge is mirrored
 */
export function compareLimits(pod: Pod, own: InspectedPort, mirrorsAll: boolean): Difference[] {
  const port = readFollowedPort(own);
  const { name, control: found } = own;
  if (port === undefined || found === undefined) return [];
  const asked = readLimits(pod.annotations, port, port.bandwidth);
  const wanted = toTrafficControl(asked, found, mirrorsAll);
  return LIMITS.filter(({ isSame }) => !isSame(wanted, found)).map(({ what, say }) =>
    differs(OwnCode.limitsDiffer, `${what} on ${name}`, say(wanted), say(found)),
  );
}
