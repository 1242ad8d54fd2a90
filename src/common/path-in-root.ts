/**
 * Paths below another root, like the host's seen from a container: the kernel takes the target of an
 * absolute symbolic link from this process's own root (path_resolution(7)), where it is another file or
 * none. `/etc/cni/net.d` is such a link on some distributions.
 */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** As in the kernel (path_resolution(7)). */
const LINKS_MAX = 40;

/**
 * The path by which this process reaches `path` of that root, with every link followed below it. What
 * is not there stays as it is, and so does a chain of too many links.
 * @param path absolute
 */
export function pathInRoot(root: string, path: string): string {
  const reached: string[] = [];
  const ahead = path.split('/');
  let links = 0;
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      reached.pop();
      continue;
    }
    const target = links < LINKS_MAX ? linkTarget(join(root, ...reached, name)) : undefined;
    if (target === undefined) {
      reached.push(name);
      continue;
    }
    links += 1;
    if (target.startsWith('/')) reached.length = 0;
    ahead.unshift(...target.split('/'));
  }
  return join(root, ...reached);
}

/** Undefined for what is no link, or not there. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
