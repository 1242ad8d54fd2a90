/**
 * What CHECK finds, in words for people, and the error that it makes of it.
 */
import { CniError, OwnCode } from '../call/error.ts';

/** Something of a NIC that is not as it should be. */
export interface Difference {
  /** Of what kind it is: the lowest of several decides the error's. */
  readonly code: DifferenceCode;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

const HINTS = {
  [OwnCode.allocationDiffers]: 'the pod or its annotations changed after the interface was made',
  [OwnCode.portDiffers]: "look at `ovs-vsctl show` and ovn-controller's log on this node",
  [OwnCode.interfaceDiffers]: 'look for who changes links, addresses or routes in the pod',
  [OwnCode.limitsDiffer]:
    'limits follow the annotations of a running pod: look at the events of the pod and the log of the daemon',
} as const;

/** The error codes of CHECK's differences. */
export type DifferenceCode = keyof typeof HINTS;

/** The error for at least one difference: its message names them all, the weightiest first. */
export function differenceError(differences: readonly Difference[]): CniError {
  const sorted = differences.toSorted((one, other) => one.code - other.code);
  const said = sorted.map(
    ({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`,
  );
  const codes = [...new Set(sorted.map(({ code }) => code))];
  const hints = codes.map((code) => HINTS[code]);
  const count = said.length === 1 ? '' : `${said.length} differences: `;
  return new CniError(
    codes[0] ?? OwnCode.internal,
    `${count}${said.join('; ')}`,
    `${hints.join('; ')}; delete the pod to have its interface made anew`,
  );
}

/** A difference; what was expected and what was found are texts for people. */
export function differs(
  code: DifferenceCode,
  what: string,
  expected: string,
  found: string,
): Difference {
  return { code, what, expected, found };
}

/** A difference, or none where both say the same. */
export function compared(
  code: DifferenceCode,
  what: string,
  expected: string,
  found: string,
): Difference[] {
  return expected === found ? [] : [differs(code, what, expected, found)];
}

/** As many as are read in an event. */
const LISTED_MAX = 4;

/** Several values of one kind; "none" for none. */
export function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, LISTED_MAX).join(', ');
  return texts.length > LISTED_MAX ? `${shown}, …` : shown || 'none';
}
