/** Asks a program for its metrics, as Prometheus does. */
import { type ReadMetrics, readExposition } from './exposition.ts';

export async function scrape(port: number): Promise<ReadMetrics> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const body = await response.text();
  const contentType = response.headers.get('content-type');
  if (response.status !== 200 || contentType !== 'text/plain; version=0.0.4; charset=utf-8') {
    throw new Error(`${response.status} ${contentType}: ${body.slice(0, 200)}`);
  }
  return readExposition(body);
}

/** Asks again and again until what it tells is as `isWanted` wants it, or the test's time is up. */
export async function scrapeUntil(
  port: number,
  isWanted: (metrics: ReadMetrics) => boolean,
): Promise<ReadMetrics> {
  for (;;) {
    const metrics = await scrape(port);
    if (isWanted(metrics)) return metrics;
  }
}
