/**
 * Rows of OVS, as its database sends them and otherwise: a row is read or refused by an Error,
 * which ends the connection that it came by, and whatever a clean-up takes up has names of their types.
 */
import * as fc from 'fast-check';
import { OvsdbError } from '../../../src/common/ovsdb/error.ts';
import { MessageFramer } from '../../../src/common/ovsdb/framer.ts';
import { readMarkedPort } from '../../../src/daemon/ovs/marked-port.ts';
import { isPortOf, toInterfaceRow } from '../../../src/daemon/ovs/port.ts';
import { findPort, unplugCommands } from '../../../src/daemon/ovs/port-removal.ts';
import { COLUMNS } from '../../../src/daemon/ovs/rows.ts';
import { OvsState } from '../../../src/daemon/ovs/state.ts';
import { interfaceOf, stateOf } from '../../unit/daemon/ovs/rows.ts';
import { isContainerId, isLinkName, must } from '../oracles/types.ts';
import { checkVsctlCommands } from '../oracles/vsctl-commands.ts';
import { target } from '../target.ts';
import { oddValue } from '../values/json.ts';
import { row, rowIds } from '../values/objects.ts';

/** UUIDs of rows of a table; also of such as are not there. */
const uuid = fc.constantFrom(1, 2, 3).map((n) => `0000000${n}-0000-4000-8000-000000000000`);
const uuids = fc.array(uuid, { maxLength: 2 });
const one = fc.option(uuid, { nil: undefined });
const queues = uuids.map((all) => Object.fromEntries(all.map((id, index) => [`${index}`, id])));

/** Rows of one table, no two of them with one UUID. */
function tableOf<T>(values: fc.Arbitrary<T>) {
  const rows = fc.uniqueArray(fc.tuple(uuid, values), { maxLength: 3, selector: ([id]) => id });
  return rows.map((all) => all.map(([id, said]) => ({ ...said, uuid: id })));
}

/** What OVS has of ports. */
const tables = fc.record({
  Interface: tableOf(row.map(({ name, external_ids }) => ({ name, external_ids }))),
  Port: tableOf(fc.tuple(row, one).map(([{ name }, qos]) => ({ name, qos }))),
  QoS: tableOf(fc.record({ external_ids: rowIds, queues })),
  Queue: tableOf(fc.record({ external_ids: rowIds })),
});

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
  cases: fc.record({ printed: row, tables, odd: oddValue }),
  check: async ({ printed, tables: said, odd }) => {
    checkOdd(odd);
    const own = interfaceOf(printed);
    const marked = readMarkedPort(toInterfaceRow(own));
    if (marked !== undefined) {
      const { containerId, ifName } = marked.attachment;
      must(isLinkName(marked.name), 'a port has a name of its type', marked);
      must(!marked.isOurs || isContainerId(containerId), 'a key is of its type', marked);
      must(!marked.isOurs || isLinkName(ifName), 'a key is of its type', marked);
    }
    const state = stateOf(said);
    const found = await findPort({ fresh: async () => state }, attachment, NAMES);
    checkVsctlCommands(unplugCommands(found.rows));
    const isOwn = isPortOf(toInterfaceRow(own), attachment, NAMES);
    return [
      marked === undefined ? 'unmarked' : 'marked',
      isOwn ? 'own' : 'foreign',
      found.rows.ports.length > 0 ? 'found' : 'not found',
    ].join(', ');
  },
  [Symbol.asyncDispose]: async () => {},
}));

/** What no database sends: the row is refused by an OvsdbError, which ends the connection. */
function checkOdd(text: string): void {
  for (const [table, columns] of Object.entries(COLUMNS)) {
    for (const name of ['', ...Object.keys(columns)]) {
      const update = name === '' ? text : `{"initial":{"${name}":${text}}}`;
      try {
        receive(`{"params":["rows",{"${table}":{"${ODD_ROW}":${update}}}]}`);
      } catch (error) {
        must(error instanceof OvsdbError, 'what is thrown is an error of the database', error);
      }
    }
  }
}

const ODD_ROW = '00000009-0000-4000-8000-000000000000';

function receive(message: string): void {
  const { replica } = new OvsState();
  const framer = new MessageFramer({
    row: (table, uuid, update) => replica.takeRow(table, uuid, update),
    message: () => replica.begin(false, ''),
  });
  framer.feed(Buffer.from(message));
}
