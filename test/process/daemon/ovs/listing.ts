/** What ovs-vsctl prints for `list` with `--format=json`, as objects. */

/** Sets of one as the value, empty sets as null, maps as objects. */
export type Printed = Readonly<Record<string, unknown>>;

/** The rows of each table: a table per line. */
export function parseListings(output: string): Printed[][] {
  const lines = output.trimEnd().split('\n');
  return lines.map((line) => {
    const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
    return data.map((values) =>
      Object.fromEntries(headings.map((heading, index) => [heading, plain(values[index])])),
    );
  });
}

function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [kind, content] = value as [string, unknown[]];
  if (kind === 'uuid') return content;
  if (kind === 'map') {
    return Object.fromEntries(
      (content as [string, unknown][]).map(([key, each]) => [key, plain(each)]),
    );
  }
  return content.length === 0 ? null : content.map(plain);
}
