/**
 * What the controller notes on a Subnet for itself, as annotations of the object. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';

const BOOTSTRAP = 'ovn.kubernetes.io/bootstrap';
const SEEN = 'ovn.kubernetes.io/cidr-seen';

/** On a Subnet that a new cluster began with: what it says is not a user's word. Ours. */
export const BY_BOOTSTRAP: Readonly<Record<string, string>> = { [BOOTSTRAP]: 'true' };

/** The two fields for one thing, as they are written. */
export interface CidrTexts {
  readonly cidr: string;
  readonly cidrBlock: string;
}

/** What our annotations of a Subnet say. */
export interface SubnetMarks {
  readonly isByBootstrap: boolean;
  /** What `cidr` and `cidrBlock` were when they were last put in force; shows which one was edited. */
  readonly seen?: CidrTexts;
}

/** @param raw the whole object */
export function readSubnetMarks(raw: unknown): SubnetMarks {
  const metadata = readQuietly(rawFields(raw).metadata);
  const annotations = metadata.textMap('annotations');
  const [cidr, cidrBlock, ...rest] = (annotations.get(SEEN) ?? '').split('=', 3);
  const isByBootstrap = annotations.get(BOOTSTRAP) === 'true';
  if (cidr === undefined || cidrBlock === undefined || rest.length > 0) return { isByBootstrap };
  return { isByBootstrap, seen: { cidr, cidrBlock } };
}

/** Annotations that note what is in force now; none where they say it already. */
export function seenAnnotations(
  { seen }: SubnetMarks,
  now: CidrTexts,
): Readonly<Record<string, string | null>> {
  if (now.cidr === '') return seen === undefined ? {} : { [SEEN]: null };
  const isSame = seen?.cidr === now.cidr && seen.cidrBlock === now.cidrBlock;
  return isSame ? {} : { [SEEN]: `${now.cidr}=${now.cidrBlock}` };
}
