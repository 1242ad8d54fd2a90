/**
 * Makes the code cache of a program: runs it with `--help`, by which all its files are loaded, and keeps what
 * V8 has compiled then.
 *
 *   node <V8 flags of the program> --random-seed=1 scripts/code-cache.ts <code> <cache>
 *
 * With the seed the same code gives the same bytes; V8 does not count it among the flags that the cache is for.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cacheOf, compile, run } from '../src/start/code.ts';

const [node = '', , path = '', outfile = ''] = process.argv;
const code = readFileSync(path);
const script = compile(path, code, undefined);
process.argv = [node, path, '--help'];
process.once('exit', () => writeFileSync(outfile, cacheOf(code, script)));
run(path, script);
