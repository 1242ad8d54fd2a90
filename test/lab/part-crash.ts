/** Crashes of OVS's and OVN's own daemons. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { OVS_DIRECTORY, type OvnNode } from './ovn-node.ts';

/**
 * Kills one part of a node and resolves when it is gone: then the kernel has closed its control
 * socket, and its locks are free.
 */
export async function crashPart(node: OvnNode, name: string): Promise<void> {
  const pid = (await readFile(`${OVS_DIRECTORY}/${name}.pid`, 'utf8')).trim();
  const control = name === 'ovsdb-server' ? name : `${name}.${pid}`;
  const socket = connect(`${OVS_DIRECTORY}/${control}.ctl`);
  await once(socket, 'connect');
  // What nobody had accepted yet ends with a reset, an error before the close.
  socket.on('error', () => {});
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  await node.killPart(name);
  await gone;
}
