/** Follows a database in a process of its own, and prints what that took. */
import { Followed } from './followed.ts';

/** The server needs some seconds to write what it has; ms. */
const GRACE_MS = 110_000;

const [remote = ''] = process.argv.slice(2);
/** The most rows that came without a turn for anybody else. */
let mostAtOnce = 0;
let before = 0;
const followed = new Followed(remote);
const timer = setInterval(() => {
  mostAtOnce = Math.max(mostAtOnce, followed.ports.rows.size - before);
  before = followed.ports.rows.size;
}, 1);
await followed.live(GRACE_MS);
clearInterval(timer);
const { maxRSS, userCPUTime } = process.resourceUsage();
console.log(
  JSON.stringify({
    rows: followed.ports.rows.size,
    members: [...followed.switches.rows.values()].map(({ ports }) => ports.size),
    cpuMs: Math.round(userCPUTime / 1000),
    mostAtOnce,
    peakMiB: Math.round(maxRSS / 1024),
  }),
);
await followed.session.stop();
