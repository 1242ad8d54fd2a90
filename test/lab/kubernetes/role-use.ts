/**
 * What of a role is used, and what is asked for beyond it. The fake server notes each thing that an
 * account was let do, and each that it was refused; where LAB_ROLE_USE names a folder, the notes of
 * all processes of a test run are gathered there, and scripts/role-use.ts compares them with what is
 * granted.
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account, Attributes } from './rbac.ts';

const FOLDER = process.env.LAB_ROLE_USE;

/** Who did what, one line each, like `<user> patch kubeovn.io subnets/status`. */
const noted = new Set<string>();

/** Notes what an account was let do; once per process, however often. */
export function noteUse({ user }: Account, { verb, apiGroup, resource }: Attributes): void {
  note(lineOf(user, verb, apiGroup, resource));
}

/** Notes what an account was refused, since nothing grants it. */
export function noteRefusal({ user }: Account, { verb, apiGroup, resource }: Attributes): void {
  note(`${REFUSED}${lineOf(user, verb, apiGroup, resource)}`);
}

const REFUSED = 'refused: ';

function note(line: string): void {
  if (FOLDER === undefined || noted.has(line)) return;
  noted.add(line);
  // Synchronous: a test may end its process at any time.
  appendFileSync(join(FOLDER, `${process.pid}`), `${line}\n`);
}

/** All that was noted in a folder. */
export function notedUses(folder: string): ReadonlySet<string> {
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  return new Set(files.flatMap((text) => text.split('\n').filter((line) => line !== '')));
}

/** What an account is granted and nobody used, as `patch kubeovn.io subnets/status`. */
export function unusedGrants({ user, grants }: Account, uses: ReadonlySet<string>): string[] {
  return grants.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((apiGroup) =>
        resources.flatMap((resource) =>
          verbs
            .filter((verb) => !uses.has(lineOf(user, verb, apiGroup, resource)))
            .map((verb) => lineOf('', verb, apiGroup, resource).trim()),
        ),
      ),
    ),
  );
}

/** What was refused, each as `<user> patch kubeovn.io subnets/status`. */
export function refusedUses(uses: ReadonlySet<string>): string[] {
  return [...uses].flatMap((line) =>
    line.startsWith(REFUSED) ? [line.slice(REFUSED.length)] : [],
  );
}

function lineOf(user: string, verb: string, apiGroup: string, resource: string): string {
  return `${user} ${verb} ${apiGroup === '' ? 'core' : apiGroup} ${resource}`;
}
