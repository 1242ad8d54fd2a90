/**
 * Databases of OVN 23.06 and newer, whose ACLs have tiers. Debian 12 has none: what ovn-nbctl
 * prints there is made up of what the one here prints.
 */
import { expect, it } from 'vitest';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { type NbState, parseState, readState } from '../../../../src/controller/ovn/state.ts';
import { aclOf, groupOf, NOTHING, ruleOf, switchOf } from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from './database.ts';

/** What a newer database with the same rows says. @param tier of all ACLs */
async function newerState(database: NbDatabase, tier: number): Promise<NbState> {
  let printed = '';
  await readState(async (commands) => {
    printed = await database.nbctl(commands);
    return printed;
  });
  const lines = printed
    .trim()
    .split('\n')
    .map((line) => {
      const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
      if (!headings.includes('severity')) return line;
      const rows = data.map((row) => [...row, tier]);
      return JSON.stringify({ headings: [...headings, 'tier'], data: rows });
    });
  return parseState(lines.join('\n'));
}

it('ACLs of a SecurityGroup are made in its tier, and what every network needs in both', async () => {
  const state = await newerState(await startDatabase(), 0);
  const rules = [ruleOf(), ruleOf({ policy: 'pass', priority: 2 })];
  const words = planSecurityGroup(state, groupOf('web', rules)).transactions.flat();
  const countOf = (word: string) => words.filter((each) => each === word).length;
  expect([countOf('tier=2'), countOf('tier=3')]).toEqual([12, 10]);
  expect(words.indexOf('action=pass')).toBeGreaterThan(-1);
  const second = planSecurityGroup(state, groupOf('web', rules, { tier: 1 })).transactions.flat();
  expect(second.filter((each) => each === 'tier=3')).toHaveLength(12);
});

it('an ACL of another tier is another ACL', async () => {
  const database = await startDatabase();
  const desired = switchOf({ acls: [aclOf('ip')] });
  await database.bring((state) => planSwitch(state, desired));
  expect(planSwitch(await newerState(database, 2), desired)).toEqual(NOTHING);
  const words = planSwitch(await newerState(database, 0), desired).transactions.flat();
  expect(words).toContain('tier=2');
  expect(words).toContain('remove');
});
