/**
 * Reads one very large object, and prints the peak of the resident set: `watch` or `list`, and the
 * size of the object in MiB.
 */
import { ListItems } from '../../../../src/common/kubernetes/list-items.ts';
import { WatchLines } from '../../../../src/common/kubernetes/watch-lines.ts';

const MIB = 1024 * 1024;
const [what, mib] = process.argv.slice(2);
const reader = what === 'list' ? new ListItems() : new WatchLines();
const [head, tail] =
  what === 'list'
    ? ['{"items":[{"metadata":{"name":"a"},"junk":"', '"}],"metadata":{}}']
    : ['{"type":"ADDED","object":{"metadata":{"name":"a"},"junk":"', '"}}\n'];
let found = 0;
function feed(bytes: Uint8Array): void {
  found += [...reader.feed(bytes)].length;
}
feed(Buffer.from(head));
for (let count = 0; count < Number(mib) * 16; count++) feed(Buffer.alloc(MIB / 16, 'x'));
feed(Buffer.from(tail));
if (found !== 1) throw new Error(`${found} objects were found`);
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
