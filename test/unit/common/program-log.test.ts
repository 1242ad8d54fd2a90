import { describe, expect, it } from 'vitest';
import {
  createProgramLog,
  levelOfVerbosity,
  readVerbosity,
  turnOutput,
} from '../../../src/common/program-log.ts';

function createLog() {
  const lines: string[] = [];
  const { log, counts } = createProgramLog({ write: (line) => void lines.push(line) });
  return { log, counts, lines };
}

describe('the log of a program', () => {
  it('counts its lines and their bytes by level, those of children, too', () => {
    const { log, counts, lines } = createLog();
    log.info({ pod: 'shop/wéb' }, 'ADD done');
    log.child({ operation: 'a1' }).warn({}, 'ADD failed');
    log.error({}, 'broken');
    log.fatal({}, 'ends');
    log.debug({}, 'not told');
    expect(lines).toHaveLength(4);
    expect(counts.INFO).toEqual({ lines: 1, bytes: Buffer.byteLength(lines[0] ?? '') });
    expect(counts.WARN).toEqual({ lines: 1, bytes: Buffer.byteLength(lines[1] ?? '') });
    expect(counts.ERROR.lines).toBe(2);
    expect(lines[1]).toContain('"operation":"a1"');
  });

  it.each([
    [-1, 'info'],
    [0, 'info'],
    [3, 'info'],
    [4, 'debug'],
    [5, 'trace'],
    [10, 'trace'],
  ])('at verbosity %i tells what is %s', (verbosity, level) => {
    expect(levelOfVerbosity(verbosity)).toBe(level);
  });

  it.each(['', 'info', '3.5', '0x3', '1e3'])('has no verbosity %j', (text) => {
    expect(readVerbosity(text)).toBeUndefined();
  });

  it('has a verbosity that is a whole number', () => {
    expect(readVerbosity('3')).toBe(3);
    expect(readVerbosity('-1')).toBe(-1);
  });
});

describe('lines of one turn of the event loop', () => {
  const outputOf = () => {
    const pieces: string[] = [];
    return { pieces, output: turnOutput({ write: (piece) => void pieces.push(piece) }) };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const line = (level: number, msg: string) => `${JSON.stringify({ level, msg })}\n`;

  it('are written as one piece at its end', async () => {
    const { pieces, output } = outputOf();
    output.write(line(30, 'one'));
    output.write(line(40, 'two'));
    expect(pieces).toEqual([]);
    await turn();
    expect(pieces).toEqual([line(30, 'one') + line(40, 'two')]);
    output.write(line(30, 'three'));
    await turn();
    expect(pieces.slice(1)).toEqual([line(30, 'three')]);
  });

  it('are written at once when one of them is an error, and none of them twice', async () => {
    const { pieces, output } = outputOf();
    output.write(line(30, 'one'));
    output.write(line(60, 'the end'));
    expect(pieces).toEqual([line(30, 'one') + line(60, 'the end')]);
    await turn();
    expect(pieces).toHaveLength(1);
  });
});
