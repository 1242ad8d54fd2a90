/**
 * Conditions of an object's status: what each says, and since when. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { rawFields, readQuietly } from '../../common/fields.ts';

/** Whether a condition holds (Kubernetes API conventions, "Typical status properties"). */
export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** One condition as Kube-OVN's objects have it. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339: when anything of it last changed. */
  readonly lastUpdateTime: string;
  /** RFC 3339: when its status last changed. */
  readonly lastTransitionTime: string;
}

/** What a condition says, without its times. */
export type ConditionSays = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** What can come of the work on a Subnet or an IPPool; Kube-OVN's, but for `DeleteSubnetWaits`. */
export const OUTCOMES = [
  'SetNonOvnSubnetSuccess',
  'SetPrivateLogicalSwitchSuccess',
  'ResetLogicalSwitchAclSuccess',
  'ValidateLogicalSwitchFailed',
  'ValidateSubnetVlanFailed',
  'CreateLogicalSwitchFailed',
  'DeleteSubnetWaits',
  'UpdateIPAMSucceeded',
  'UpdateIPAMFailed',
] as const;

/** What came of the work on an object: with a message it failed. */
export interface Outcome {
  readonly reason: (typeof OUTCOMES)[number];
  readonly message?: string;
}

/** Makes what a condition is to say; the message is empty where there is none. */
export function says(
  type: string,
  status: ConditionStatus,
  reason: string,
  message = '',
): ConditionSays {
  return { type, status, reason, message };
}

/** What cannot be read as a condition is none. */
export function projectConditions(raw: unknown): readonly Condition[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((value: unknown) => {
    const fields = readQuietly(value);
    const status = fields.text('status');
    if (status !== 'True' && status !== 'False' && status !== 'Unknown') return [];
    return [
      {
        // Fields that others set, such as observedGeneration, stay.
        ...rawFields(value),
        type: fields.text('type'),
        status,
        reason: fields.text('reason'),
        message: fields.text('message'),
        lastUpdateTime: fields.text('lastUpdateTime'),
        lastTransitionTime: fields.text('lastTransitionTime'),
      },
    ];
  });
}

/**
 * The conditions after this, or undefined where they say it all already. The transition time
 * changes only with the status; a condition that says the same as before keeps its update time.
 */
export function updatedConditions(
  current: readonly Condition[],
  wanted: readonly ConditionSays[],
  now: Date,
): readonly Condition[] | undefined {
  const conditions = [...current];
  for (const said of wanted) {
    const index = conditions.findIndex(({ type }) => type === said.type);
    const after = conditionAfter(conditions[index], said, now);
    if (index === -1) conditions.push(after);
    else conditions[index] = after;
  }
  return isDeepStrictEqual(conditions, current) ? undefined : conditions;
}

/**
 * One condition after this, with the times as in `updatedConditions`.
 * @param before undefined where there is none yet
 */
export function conditionAfter<C extends Condition>(
  before: C | undefined,
  said: ConditionSays,
  now: Date,
): C | Condition {
  const time = timestamp(now);
  if (before === undefined) return { ...said, lastUpdateTime: time, lastTransitionTime: time };
  if (saysTheSame(before, said)) return before;
  const since = before.status === said.status ? before.lastTransitionTime : time;
  return { ...before, ...said, lastUpdateTime: time, lastTransitionTime: since };
}

/** What conditions say that are not there, since nothing is known yet. */
export function unobserved(
  types: readonly string[],
  current: readonly Condition[],
): readonly ConditionSays[] {
  return types
    .filter((type) => !current.some((condition) => condition.type === type))
    .map((type) => says(type, 'Unknown', 'Init', 'Not Observed'));
}

/** What the Error condition says of an object that had an error and has none now. */
export function errorCleared(current: readonly Condition[]): readonly ConditionSays[] {
  const isError = current.some(({ type, status }) => type === 'Error' && status === 'True');
  return isError ? [says('Error', 'False', 'NoError', 'No error seen')] : [];
}

function saysTheSame(before: Condition, { status, reason, message }: ConditionSays): boolean {
  return before.status === status && before.reason === reason && before.message === message;
}

/** As the API server writes times: without fractions of a second. */
function timestamp(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}
