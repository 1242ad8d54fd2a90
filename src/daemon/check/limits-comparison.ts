/**
 * Annotated limits against those that OVS has on a port. Pure.
 */
import { OwnCode } from '../error.ts';
import { readFollowedPort } from '../limits/followed-port.ts';
import { mirrorText, netemText, policingText, shapingText } from '../limits/text.ts';
import { readLimits } from '../nic/limits.ts';
import type { Pod } from '../objects/pod.ts';
import type { InspectedPort } from '../ovs/port-inspection.ts';
import { toTrafficControl } from '../ovs/traffic-control.ts';
import { compared, type Difference } from './difference.ts';

const CODE = OwnCode.limitsDiffer;

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
  const differences = (what: string, expected: string, actual: string) =>
    compared(CODE, `${what} on ${name}`, expected, actual);
  return [
    ...differences('ingress_rate', shapingText(wanted.qos), shapingText(found.qos)),
    ...differences('egress_rate', policingText(wanted.policing), policingText(found.policing)),
    ...differences('netem', netemText(wanted.qos), netemText(found.qos)),
    ...differences('mirror', mirrorText(wanted.isMirrored), mirrorText(found.isMirrored)),
  ];
}
