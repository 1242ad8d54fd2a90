/** Reads of an ELF file (elf(5)) which shared libraries it needs. 64 bits, little-endian. */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/** @returns names like `libc.so.6`; none for what is no ELF file or statically linked */
export function neededLibraries(file: Buffer): string[] {
  if (file.subarray(0, 4).toString('latin1') !== '\x7fELF') return [];
  const segments = segmentsOf(file);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries: [bigint, bigint][] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push([file.readBigUInt64LE(at), file.readBigUInt64LE(at + 8)]);
  }
  const table = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0n;
  const home = segments.find(
    ({ type, address, size }) =>
      type === PT_LOAD && table >= address && table < address + BigInt(size),
  );
  if (home === undefined) return [];
  const strings = home.offset + Number(table - home.address);
  return entries
    .filter(([tag]) => tag === DT_NEEDED)
    .map(([, value]) => {
      const start = strings + Number(value);
      return file.subarray(start, file.indexOf(0, start)).toString('latin1');
    });
}

function segmentsOf(file: Buffer): Segment[] {
  const start = Number(file.readBigUInt64LE(0x20));
  const size = file.readUInt16LE(0x36);
  const count = file.readUInt16LE(0x38);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}
