/**
 * A controller that does nothing but lead: while it believes that it does, it writes the time to a
 * file, again and again; ns of the clock that all processes share. Ends when it leads no more, and
 * on SIGTERM. Arguments: kubeconfig, its name, the times of the election, the file.
 */

import { openSync, writeSync } from 'node:fs';
import { loadKubeConfig } from '../../../../src/common/kubernetes/config.ts';
import { acquireLeadership } from '../../../../src/controller/leadership/acquire.ts';

/** Between two looks; ms. */
const EVERY_MS = 2;

const [, , kubeconfig, podName = '', times = '', path = ''] = process.argv;
const file = openSync(path, 'a');
const terminated = new AbortController();
process.once('SIGTERM', () => terminated.abort());
const note = (text: string) => writeSync(file, `${text}\n`);

const leadership = await acquireLeadership(
  {
    config: loadKubeConfig(kubeconfig),
    namespace: 'kube-system',
    podName,
    times: JSON.parse(times),
    log: {
      info: (fields) => 'holder' in fields && note(`holder ${fields.holder}`),
      warn: () => {},
      error: () => {},
    },
  },
  terminated.signal,
).catch(() => process.exit(1));

setInterval(() => {
  // Before the question: an answer "yes" then also holds for this time.
  const at = process.hrtime.bigint();
  try {
    leadership.throwIfLost();
  } catch {
    process.exit(1);
  }
  note(`${at}`);
}, EVERY_MS);
terminated.signal.addEventListener('abort', () => {
  void leadership.release().then(() => process.exit(0));
});
