/** One GET on a connection of its own, as the kubelet's probes are. */
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The charts' period of a readiness probe, and how many may fail. */
const PERIOD_MS = 7000;
const FAILURES = 3;

/** Asks as the kubelet does: again after a while. @throws Error of the last failure */
export async function mustProbe(url: string): Promise<string> {
  for (let failures = 1; failures < FAILURES; failures += 1) {
    try {
      return await mustGet(url);
    } catch {
      await sleep(PERIOD_MS);
    }
  }
  return await mustGet(url);
}

/** @returns the status. @throws Error for all but 200 */
function mustGet(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(`200, ${body.length} bytes`);
        else reject(new Error(`${response.statusCode}: ${body.slice(0, 500)}`));
      });
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`${url} does not answer`)));
  });
}
