/**
 * What the API server refuses in the spec of a Lease: the other kinds of the fake are taken as
 * they come.
 */
import type { Kind } from './kinds.ts';
import { isRecord, type KubernetesObject } from './object.ts';
import { ApiRefusal, invalid } from './status.ts';

/** Six digits behind the point, no fewer and no more. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/** @throws ApiRefusal 400 for what is no Lease, 422 for one with values that none may have */
export function checkLease(kind: Kind, { metadata, spec = {} }: KubernetesObject): void {
  if (kind.kind !== 'Lease') return;
  if (!isRecord(spec)) throw unreadable('spec is no object');
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = spec;
  if (typeof (holderIdentity ?? '') !== 'string') throw unreadable('holderIdentity is no string');
  for (const name of ['acquireTime', 'renewTime']) {
    const time = spec[name] ?? undefined;
    if (time !== undefined && !MICRO_TIME.test(String(time))) {
      throw unreadable(`parsing time "${time}" as "2006-01-02T15:04:05.000000Z07:00"`);
    }
  }
  atLeast('leaseDurationSeconds', leaseDurationSeconds, 1);
  atLeast('leaseTransitions', leaseTransitions, 0);

  function atLeast(name: string, value: unknown, min: number): void {
    if (value === undefined || value === null) return;
    if (!Number.isInteger(value)) throw unreadable(`${name} is no integer`);
    if (Number(value) < min) {
      const why = `Invalid value: ${value}: must be greater than or equal to ${min}`;
      throw invalid(kind, metadata.name, `spec.${name}: ${why}`);
    }
  }
}

function unreadable(why: string): ApiRefusal {
  return new ApiRefusal(
    400,
    `Lease in version "v1" cannot be handled as a Lease: json: cannot unmarshal: ${why}`,
  );
}
