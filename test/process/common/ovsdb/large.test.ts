/** 200,000 ports: their first contents are one message of more than 60 MB. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { mapOf, setOf, uuidAtom } from '../../../../src/common/ovsdb/value.ts';
import { OvsdbServer } from '../../../lab/ovsdb-server.ts';

const PORTS = 200_000;
const PROGRAM = join(import.meta.dirname, 'large-program.ts');

const uuidOf = (number: number) =>
  `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;

function portOf(number: number): object {
  const address = [10, number >> 16, (number >> 8) & 255, number & 255].join('.');
  return {
    name: `web-${number}.shop.net.shop.ovn`,
    addresses: setOf([`02:00:00:00:01:05 ${address}`]),
    external_ids: mapOf({ vendor: 'kube-ovn', ls: 'net', pod: `shop/web-${number}` }),
  };
}

it('a database with 200,000 ports is followed in bounded memory, and leaves turns to others', async () => {
  const server = await OvsdbServer.start();
  onTestFinished(() => server[Symbol.asyncDispose]());
  await server.end();
  const numbers = Array.from({ length: PORTS }, (_, number) => number);
  const ports = setOf(numbers.map((number) => uuidAtom(uuidOf(number))));
  await server.seed({
    Logical_Switch_Port: Object.fromEntries(
      numbers.map((number) => [uuidOf(number), portOf(number)]),
    ),
    Logical_Switch: { [uuidOf(PORTS)]: { name: 'net', ports } },
  });
  await server.run();
  const program = promisify(execFile)(process.execPath, [PROGRAM, server.remote]);
  const figures = JSON.parse((await program).stdout);
  console.log('200,000 ports:', figures);
  expect(figures).toMatchObject({ rows: PORTS, members: [PORTS] });
  expect(figures.peakMiB).toBeLessThan(500);
  // The message comes in pieces of 64 kB, and others have their turn between them.
  expect(figures.mostAtOnce).toBeLessThan(PORTS / 20);
}, 300_000);
