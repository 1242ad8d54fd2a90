/** Runs in a guest: does not end. */
export default async function endless(): Promise<never> {
  return await new Promise(() => setInterval(() => {}, 60_000));
}
