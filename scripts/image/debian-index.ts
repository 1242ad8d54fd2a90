/**
 * Debian's package indices (deb-control(5), Packages files) and what follows from them: which packages
 * a list of packages needs, by `Depends` and `Pre-Depends`.
 */

/** One package of one architecture, as its archive has it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** `debian` or `debian-security`: the archive. */
  readonly repository: string;
  /** Below the archive's folder. */
  readonly path: string;
  readonly sha256: string;
  /** Groups of alternatives, in the order of the package: names without versions. */
  readonly depends: readonly (readonly string[])[];
  readonly provides: readonly string[];
}

/** @param text of a Packages file */
export function parseIndex(text: string, repository: string): DebianPackage[] {
  return text
    .split('\n\n')
    .filter((stanza) => stanza.startsWith('Package: ') || stanza.includes('\nPackage: '))
    .map((stanza) => {
      const fields = fieldsOf(stanza);
      const field = (name: string) => fields.get(name) ?? '';
      return {
        name: field('Package'),
        version: field('Version'),
        repository,
        path: field('Filename'),
        sha256: field('SHA256'),
        depends: [field('Pre-Depends'), field('Depends')].flatMap(dependencies),
        provides: dependencies(field('Provides')).flat(),
      };
    });
}

/** Fields of a stanza; those that go on in a second line are not read by us. */
function fieldsOf(stanza: string): Map<string, string> {
  const lines = stanza.split('\n').filter((line) => /^[A-Za-z0-9-]+:/.test(line));
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

/** `a (>= 1) | b:any, c` is [[a, b], [c]]. */
export function dependencies(text: string): string[][] {
  return text
    .split(',')
    .map((group) => group.split('|').map((name) => name.trim().replace(/[\s(:].*$/s, '')))
    .filter(([first]) => first !== '' && first !== undefined);
}

export interface ClosureOptions {
  /** Says whether the first version is newer than the second. */
  readonly isNewer: (a: string, b: string) => boolean;
  /** Names that are wanted. */
  readonly wanted: readonly string[];
  /** Names at which the search ends. */
  readonly without: readonly string[];
}

/**
 * All packages that are wanted and all that these need, sorted by name; of each the newest version.
 * Of alternatives, and of packages that provide a name, the one that is wanted anyway is taken, or else
 * the first that there is.
 * @throws Error that names a package which no index has
 */
export function closure(
  packages: readonly DebianPackage[],
  { wanted, without, isNewer }: ClosureOptions,
): DebianPackage[] {
  const byName = Map.groupBy(packages, ({ name }) => name);
  const providers = providersOf(packages);
  const excluded = new Set(without);
  const found = new Map<string, DebianPackage>();
  const pending = [...wanted];
  const isChosen = (name: string) => found.has(name) || wanted.includes(name);
  const choose = (group: readonly string[]): string | undefined => {
    const real = group.filter((name) => byName.has(name));
    const all = [...real, ...group.flatMap((name) => providers.get(name) ?? [])];
    return all.find(isChosen) ?? all[0];
  };
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (found.has(name)) continue;
    const one = newestOf(byName.get(name) ?? [], isNewer);
    if (one === undefined) throw new Error(`no index of Debian's packages has ${name}`);
    found.set(name, one);
    for (const group of one.depends) {
      if (group.some((alternative) => excluded.has(alternative))) continue;
      const next = choose(group);
      if (next === undefined) throw new Error(`${name} needs ${group.join(' or ')}: there is none`);
      pending.push(next);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Names that stand for packages, to those. */
function providersOf(packages: readonly DebianPackage[]): Map<string, string[]> {
  const providers = new Map<string, string[]>();
  for (const one of packages) {
    for (const name of one.provides) {
      providers.set(name, [...(providers.get(name) ?? []), one.name]);
    }
  }
  return providers;
}

function newestOf(
  versions: readonly DebianPackage[],
  isNewer: ClosureOptions['isNewer'],
): DebianPackage | undefined {
  return versions.reduce<DebianPackage | undefined>(
    (newest, one) => (newest === undefined || isNewer(one.version, newest.version) ? one : newest),
    undefined,
  );
}
