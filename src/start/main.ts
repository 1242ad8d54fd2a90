/**
 * What node runs: the program whose code is in a file beside this one, from its code cache where there is one
 * (docs/adr/0010-code-cache.md). For `kube-ovn-cni.cjs` those are `kube-ovn-cni.code.js` and
 * `kube-ovn-cni.code.cache`. Nothing is written.
 */
import { readFileSync } from 'node:fs';
import { compile, run } from './code.ts';

const path = __filename.replace(/\.cjs$/, '.code.js');
const code = readFileSync(path);
run(path, compile(path, code, readCache()));

/** Undefined where there is none: the program starts without it, only later. */
function readCache(): Buffer | undefined {
  try {
    return readFileSync(path.replace(/\.js$/, '.cache'));
  } catch {
    return undefined;
  }
}
