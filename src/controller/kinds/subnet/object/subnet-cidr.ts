/**
 * `cidr` and `cidrBlock` of a Subnet: two names of one thing, since Kube-OVN's documentation has the
 * first in one place. `cidr` is the user's and is never written; what it means is written to
 * `cidrBlock`, by which everybody goes. Where the two differ later, the one that was edited since
 * counts: what they were before is noted on the object (subnet-marks.ts). Pure.
 */
import { cidrText, parseCidr } from '../../../../common/address.ts';
import { type Problem, say } from '../../../model/problem.ts';
import type { CidrTexts } from './subnet-marks.ts';

/** Which of the two fields is in force, and what to say about the other. */
export interface CidrChoice {
  /** What is in force; empty where neither says anything. */
  readonly text: string;
  /** Where it cannot be told which of the two is meant. */
  readonly problem?: Problem;
  /** Where `cidr` says something else, and nothing comes of it. */
  readonly note?: string;
}

/** @param seen both as they were when they were last put in force */
export function chooseCidr({ cidr, cidrBlock }: CidrTexts, seen?: CidrTexts): CidrChoice {
  if (cidr === '' || cidrBlock === '') return { text: cidrBlock || cidr };
  if (isSameNetwork(cidr, cidrBlock)) return { text: cidrBlock };
  const isCidrNew = seen === undefined || !isSameNetwork(cidr, seen.cidr);
  const isBlockNew = seen === undefined || !isSameNetwork(cidrBlock, seen.cidrBlock);
  if (isCidrNew && isBlockNew) {
    const message = say`cidr ${cidr} is another than cidrBlock ${cidrBlock}`;
    const advice = 'both name the same thing: remove one of them, or let both say the same';
    return { text: cidrBlock, problem: { message, advice } };
  }
  if (isCidrNew) return { text: cidr };
  const note = say`cidr ${cidr} gives way to cidrBlock ${cidrBlock}, which was changed after it; to put cidr in force, change it, or remove cidrBlock`;
  return { text: cidrBlock, note };
}

function isSameNetwork(one: string, other: string): boolean {
  return one === other || networksOf(one) === networksOf(other);
}

/** One of each family, and what shows that there are more. */
const PARTS_READ = 4;

/** In the order of the families; what is no CIDR stays as it is written. */
function networksOf(text: string): string {
  const parts = text.split(',', PARTS_READ).map((part) => {
    const cidr = parseCidr(part);
    return cidr === undefined ? part : cidrText(cidr);
  });
  return parts.sort().join();
}
