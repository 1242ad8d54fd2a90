/**
 * Rows of OVS, as its database prints them and otherwise: a row is read or refused by an Error,
 * which ends the monitor that printed it, and whatever a clean-up takes up has names of their types.
 */
import * as fc from 'fast-check';
import { readMarkedPort } from '../../../src/daemon/ovs/marked-port.ts';
import { isPortOf, toInterfaceRow } from '../../../src/daemon/ovs/port.ts';
import { findPort, unplugCommands } from '../../../src/daemon/ovs/port-removal.ts';
import { toRow, toValue } from '../../../src/daemon/ovs/table.ts';
import { isContainerId, isLinkName, must } from '../oracles/types.ts';
import { checkVsctlCommands } from '../oracles/vsctl-commands.ts';
import { target } from '../target.ts';
import { oddValue } from '../values/json.ts';
import { row, rowIds } from '../values/objects.ts';

const uuid = fc.constantFrom(1, 2, 3).map((n) => `0000000${n}-0000-4000-8000-000000000000`);
const mapOf = (ids: object) => ['map', Object.entries(ids)];
const uuids = fc
  .array(uuid, { maxLength: 2 })
  .map((all) => ['set', all.map((one) => ['uuid', one])]);
const one = fc.oneof(
  uuid.map((id) => ['uuid', id]),
  fc.constant(['set', []]),
);
const queues = fc
  .array(uuid, { maxLength: 2 })
  .map((all) => ['map', all.map((id, index) => [index, ['uuid', id]])]);

/** Columns of the tables in the order in which findPort asks for them. */
const tables = fc.tuple(
  fc.array(
    row.map(({ name, external_ids }) => [name, mapOf(external_ids)]),
    { maxLength: 3 },
  ),
  fc.array(
    fc.tuple(uuid, row, one).map(([id, { name }, qos]) => [['uuid', id], name, qos]),
    { maxLength: 3 },
  ),
  fc.array(
    fc.tuple(uuid, row, one).map(([id, { name }, qos]) => [['uuid', id], name, qos]),
    { maxLength: 3 },
  ),
  fc.array(
    fc.tuple(uuid, rowIds, queues).map(([id, ids, all]) => [['uuid', id], mapOf(ids), all]),
    { maxLength: 3 },
  ),
  fc.array(
    fc.tuple(uuid, rowIds).map(([id, ids]) => [['uuid', id], mapOf(ids)]),
    { maxLength: 3 },
  ),
);

const HEADINGS = [
  ['name', 'external_ids'],
  ['_uuid', 'name', 'qos'],
  ['_uuid', 'name', 'qos'],
  ['_uuid', 'external_ids', 'queues'],
  ['_uuid', 'external_ids'],
];

const attachment = {
  containerId: 'c0ffee0123456789abcdef0123456789abcdef',
  ifName: 'eth0',
  pod: { namespace: 'shop', name: 'web-0' },
  provider: 'ovn',
  network: 'net',
  ipamOnly: false,
  routes: [],
};
const NAMES = ['c0ffee012345_h', 'hashed_h'];

export const rows = target('rows', 5_000, () => ({
  cases: fc.record({ printed: row, tables, odd: oddValue, set: uuids }),
  check: async ({ printed, tables: listed, odd, set }) => {
    must(!Array.isArray(toValue(set)) || String(toValue(set)) === textsOf(set), 'a set', set);
    checkOdd(odd);
    const marked = readMarkedPort(toInterfaceRow(printed));
    if (marked !== undefined) {
      const { containerId, ifName } = marked.attachment;
      must(isLinkName(marked.name), 'a port has a name of its type', marked);
      must(!marked.isOurs || isContainerId(containerId), 'a key is of its type', marked);
      must(!marked.isOurs || isLinkName(ifName), 'a key is of its type', marked);
    }
    const lines = listed.map((data, index) => JSON.stringify({ headings: HEADINGS[index], data }));
    const found = await findPort(
      async (words) => {
        checkVsctlCommands(words);
        return `${lines.join('\n')}\n`;
      },
      attachment,
      NAMES,
    );
    checkVsctlCommands(unplugCommands(found.rows));
    const isOwn = isPortOf(toInterfaceRow(printed), attachment, NAMES);
    return [
      marked === undefined ? 'unmarked' : 'marked',
      isOwn ? 'own' : 'foreign',
      found.rows.ports.length > 0 ? 'found' : 'not found',
    ].join(', ');
  },
  [Symbol.asyncDispose]: async () => {},
}));

function textsOf([, members]: readonly unknown[]): string {
  return (members as [string, string][]).map(([, id]) => id).join();
}

/** What no database prints. */
function checkOdd(text: string): void {
  const value: unknown = JSON.parse(text);
  try {
    toValue(value);
    toRow(['name'], [value]);
  } catch (error) {
    must(error instanceof Error, 'what is thrown is an Error', error);
  }
}
