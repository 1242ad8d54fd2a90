/**
 * Interfaces of the node and their addresses, as ip(8) shows them.
 */
import Type, { type Static } from 'typebox';
import { parseOutput } from '../../common/process/output.ts';
import { run } from '../../common/process/run.ts';

const LINKS = Type.Array(
  Type.Object({
    ifname: Type.String(),
    mtu: Type.Number(),
    /** A point-to-point address may have no local end. */
    addr_info: Type.Array(
      Type.Object({
        local: Type.Optional(Type.String()),
        scope: Type.String(),
        prefixlen: Type.Optional(Type.Number()),
        family: Type.Optional(Type.String()),
      }),
    ),
  }),
);
const ROUTES = Type.Array(Type.Object({ prefsrc: Type.Optional(Type.String()) }));

/** In the order in which the kernel has them. */
export type Link = Static<typeof LINKS>[number];

/** All links of the node, as `ip -j address show` lists them. @throws ToolError */
export async function readLinks(): Promise<Link[]> {
  return parseOutput('ip', await run('ip', ['-j', 'address', 'show']), LINKS);
}

/** Addresses that the routes over an interface send from. @param name of an interface that ip(8) showed */
export async function readRouteSources(name: string): Promise<string[]> {
  const output = await run('ip', ['-j', 'route', 'show', 'dev', name]);
  const routes = parseOutput('ip', output.trim() === '' ? '[]' : output, ROUTES);
  return routes.flatMap(({ prefsrc }) => prefsrc ?? []);
}
