/**
 * Flags of Kube-OVN's programs that switch on what ours do not have. Where one is on, the program
 * does not start: somebody relies on what would not happen. At their defaults, which Kube-OVN's charts
 * pass, they are taken as they are.
 */
import { type GivenFlags, readBoolean } from './go-flags.ts';

/** A program, and which of Kube-OVN's flags it cannot honour. */
export interface LackingFlags {
  /** As the message names it: `daemon`. */
  readonly program: string;
  /** What does not happen, by the boolean flag that asks for it; all are off in Kube-OVN's charts. */
  readonly switches: Readonly<Record<string, string>>;
}

/** @throws Error that names the flag, what is lacking, and what to set it to */
export function refuseLacking(
  { given }: Pick<GivenFlags<string>, 'given'>,
  { program, switches }: LackingFlags,
): void {
  for (const [name, what] of Object.entries(switches)) {
    const text = given(name);
    if (text === undefined || !readBoolean(`--${name}`, text)) continue;
    throw new Error(
      `--${name}=${text}: this ${program} does not have that, so ${what}: set --${name}=false, or run Kube-OVN's own ${program}`,
    );
  }
}
