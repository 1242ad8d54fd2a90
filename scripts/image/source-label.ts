/** Where an image's sources are, as a label of it: of package.json's `repository`, if that is there. */

export const SOURCE_LABEL = 'org.opencontainers.image.source';

/** package.json, as far as it is read here (npm's documentation of package.json, "repository"). */
export interface PackageFile {
  readonly version: string;
  readonly repository?: string | { readonly url: string };
}

/**
 * The address for people, as the label wants it (image-spec, "annotations"): npm's has `git+` before it
 * and `.git` behind it, and its short form is GitHub's owner and name.
 * @returns undefined where package.json names no repository
 */
export function sourceOf({ repository }: PackageFile): string | undefined {
  const named = typeof repository === 'string' ? repository : repository?.url;
  if (named === undefined) return undefined;
  const short = /^(?:github:)?([\w-]+\/[\w.-]+)$/.exec(named);
  const url = short === null ? named : `https://github.com/${short[1]}`;
  return url
    .replace(/^git\+/, '')
    .replace(/^git:/, 'https:')
    .replace(/\.git$/, '');
}
