/**
 * Makes an executable that bun compiled deaf to the variables by which bun and its JavaScript
 * engine are told to do something else: `BUN_OPTIONS=--preload FILE` runs that file, `BUN_BE_BUN=1`
 * makes it the bun command, `BUN_INSPECT` opens a debugger, `BUN_JSC_…` sets options of the engine,
 * and so on. bun has no option that switches these off for a compiled executable, and by the time
 * our own code runs they have had their effect; so their names are taken out of its constants.
 *
 * This is no defence against somebody who chooses the environment of a program that runs as root: the
 * dynamic linker has variables of its own. It keeps variables that a runtime inherited from a
 * developer's or an operator's shell from running code in each CNI call.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Where a name begins. In Rust's constants names stand one behind the other, with nothing between
 * them. After an underline stands the rest of another name, and `BUN_ENV` is a word of bun's own code,
 * too.
 */
const NAME = /(?<!_)BUN_(?!ENV)(?=[A-Z])/g;

/** Found in every build of bun so far; where one is missing, the constants are kept otherwise. */
const EXPECTED = ['BUN_OPTIONS', 'BUN_BE_BUN', 'BUN_INSPECT_PRELOAD', 'BUN_DEBUG'];

/** The C library finds no variable without a name, and of any other none has this byte in its name. */
const NOTHING = 0;

/**
 * On x86-64 the compiler has made of the look for `BUN_JSC_` a comparison of each byte with a value
 * in the instruction: this is that of the fourth with the underline, and those of the two behind it,
 * with a jump after each.
 */
const ENGINE_PREFIX = new RegExp(
  [comparison(3, '_'), comparison(4, 'J'), comparison(5, 'S')].join('(?:\\x75.|\\x0f\\x85.{4})A?'),
  'gs',
);
const UNDERLINE_AT = 3;
/** In no variable's name that a shell or a manifest can set. */
const UNPRINTABLE = 1;

/** `cmpb $letter, offset(register)`; one of the upper registers has a prefix, A, before it. */
function comparison(offset: number, letter: string): string {
  return `\\x80[\\x78-\\x7f]\\x0${offset}${letter}`;
}

/**
 * Takes these names out of an ELF file (System V ABI, "Object Files"), in place: one byte of each
 * changes.
 * @throws Error where a name that is expected is not there: bun is another one than this is made for
 */
export function removeEnvironmentNames(path: string): void {
  const file = readFileSync(path);
  const constants = sectionOf(file, '.rodata');
  // One character for each byte: positions in the text are those in the section.
  const text = constants.toString('latin1');
  const missing = EXPECTED.filter((name) => !text.includes(name));
  if (missing.length > 0) {
    throw new Error(`${path} has no ${missing.join(', ')}: look at how this bun reads variables`);
  }
  for (const { index } of text.matchAll(NAME)) constants[index] = NOTHING;
  if (file.readUInt16LE(MACHINE) === X86_64) removeEnginePrefix(sectionOf(file, '.text'));
  writeFileSync(path, file);
}

function removeEnginePrefix(code: Buffer): void {
  const found = [...code.toString('latin1').matchAll(ENGINE_PREFIX)];
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(
      `${found.length} places look for BUN_JSC_, expected one: look at this bun's code`,
    );
  }
  code[only.index + UNDERLINE_AT] = UNPRINTABLE;
}

/** Offsets in the headers of a 64-bit ELF file, and in one section's header. */
const MACHINE = 0x12;
const SECTION_HEADERS = 0x28;
const SECTION_HEADER_BYTES = 0x3a;
const SECTION_COUNT = 0x3c;
const NAMES_INDEX = 0x3e;
const OFFSET = 0x18;
const SIZE = 0x20;
const X86_64 = 62;

/** The bytes of a section, which are the file's own: what is written to them is written to it. */
function sectionOf(file: Buffer, wanted: string): Buffer {
  if (file.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') {
    throw new Error('expected an ELF file of 64 bits, the lower byte first');
  }
  const start = Number(file.readBigUInt64LE(SECTION_HEADERS));
  const bytes = file.readUInt16LE(SECTION_HEADER_BYTES);
  const section = (index: number) => {
    const header = file.subarray(start + index * bytes, start + (index + 1) * bytes);
    const offset = Number(header.readBigUInt64LE(OFFSET));
    const content = file.subarray(offset, offset + Number(header.readBigUInt64LE(SIZE)));
    return { nameAt: header.readUInt32LE(0), content };
  };
  const { content: names } = section(file.readUInt16LE(NAMES_INDEX));
  for (let index = 0; index < file.readUInt16LE(SECTION_COUNT); index += 1) {
    const { nameAt, content } = section(index);
    if (names.toString('latin1', nameAt, names.indexOf(0, nameAt)) === wanted) return content;
  }
  throw new Error(`the file has no section ${wanted}`);
}
