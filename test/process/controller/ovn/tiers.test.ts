/**
 * Databases of OVN 23.06 and newer, whose ACLs have tiers. Debian 12 has none: its schema gets the
 * column that newer ones have.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { NB_SCHEMA } from '../../../lab/ovsdb-server.ts';
import { aclOf, groupOf, NOTHING, ruleOf, switchOf } from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from './database.ts';

interface Schema {
  readonly tables: {
    readonly ACL: {
      readonly columns: Record<string, unknown> & {
        action: { type: { key: { enum: [string, string[]] } } };
      };
    };
  };
}

/** A database with tiers, and the action that needs them. */
async function startNewer(): Promise<NbDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'schema-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const schema = JSON.parse(await readFile(NB_SCHEMA, 'utf8')) as Schema;
  const { columns } = schema.tables.ACL;
  columns.tier = { type: { key: { type: 'integer', minInteger: 0, maxInteger: 3 } } };
  columns.action.type.key.enum[1].push('pass');
  const file = join(folder, 'newer.ovsschema');
  await writeFile(file, JSON.stringify(schema));
  return startDatabase(file);
}

async function tiersOf(database: NbDatabase): Promise<unknown[]> {
  // ovn-nbctl of here does not know the column.
  return [...(await database.read()).acls.values()].map(({ tier }) => tier);
}

it('ACLs of a SecurityGroup are made in its tier, and what every network needs in both', async () => {
  const database = await startNewer();
  const rules = [ruleOf(), ruleOf({ policy: 'pass', priority: 2 })];
  await database.apply((state) => planSecurityGroup(state, groupOf('web', rules)));
  const tiers = await tiersOf(database);
  const countOf = (tier: number) => tiers.filter((each) => each === tier).length;
  expect([countOf(2), countOf(3)]).toEqual([12, 10]);
  const actions = [...(await database.read()).acls.values()].map(({ action }) => action);
  expect(actions).toContain('pass');
  const second = groupOf('web', rules, { tier: 1 });
  await database.apply((state) => planSecurityGroup(state, second));
  expect((await tiersOf(database)).filter((tier) => tier === 3)).toHaveLength(12);
});

it('an ACL of another tier is another ACL', async () => {
  const database = await startNewer();
  const desired = switchOf({ acls: [aclOf('ip')] });
  await database.apply((state) => planSwitch(state, desired));
  expect(planSwitch(await database.read(), desired)).toEqual(NOTHING);
  const [acl] = (await database.read()).acls.keys();
  await database.server.transact({
    op: 'update',
    table: 'ACL',
    where: [['_uuid', '==', ['uuid', acl]]],
    row: { tier: 0 },
  });
  await database.apply((state) => planSwitch(state, desired));
  expect(await tiersOf(database)).toEqual([2]);
  expect([...(await database.read()).acls.keys()]).not.toContain(acl);
});

it('without tiers they are made all the same, where no rule needs them', async () => {
  const database = await startDatabase();
  expect((await database.read()).hasTiers).toBe(false);
  const desired = switchOf({ acls: [aclOf('ip')] });
  await database.apply((state) => planSwitch(state, desired));
  expect(planSwitch(await database.read(), desired)).toEqual(NOTHING);
});
