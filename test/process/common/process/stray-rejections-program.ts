/** Leaves rejected promises that nobody awaits, and says at its end that it is still there. */
import { surviveStrayRejections } from '../../../../src/common/process/stray-rejections.ts';

const write = (level: string) => (fields: object, message: string) =>
  console.log(JSON.stringify({ level, ...fields, message }));

surviveStrayRejections({ info: write('info'), warn: write('warn'), error: write('error') });
for (const reason of [
  new RangeError('too deep'),
  new RangeError('too deep'),
  Object.create(null),
]) {
  void Promise.reject(reason);
}
setImmediate(() => setImmediate(() => console.log('"alive"')));
