import { describe, expect, it } from 'vitest';
import { parseRemotes } from '../../../../src/common/ovsdb/remote.ts';

describe('remotes', () => {
  it('are those of OVSDB programs, with commas between', () => {
    expect(
      parseRemotes('tcp:[10.0.0.1]:6641,ssl:[fd00::1]:6641,tcp:db.local:1,unix:/run/nb.sock'),
    ).toEqual([
      { kind: 'tcp', host: '10.0.0.1', port: 6641, text: 'tcp:[10.0.0.1]:6641' },
      { kind: 'ssl', host: 'fd00::1', port: 6641, text: 'ssl:[fd00::1]:6641' },
      { kind: 'tcp', host: 'db.local', port: 1, text: 'tcp:db.local:1' },
      { kind: 'unix', path: '/run/nb.sock', text: 'unix:/run/nb.sock' },
    ]);
  });

  it('count once where they are named twice: all of them have been tried after one round', () => {
    expect(parseRemotes('tcp:h:1, unix:/x,tcp:h:1').map(({ text }) => text)).toEqual([
      'tcp:h:1',
      'unix:/x',
    ]);
  });

  it.each([
    '',
    'tcp:10.0.0.1',
    'tcp:[10.0.0.1]:0',
    'tcp:h:65536',
    'udp:h:1',
    'unix:',
    'unix:x',
    'punix:/x',
  ])('are refused that are none: "%s"', (text) => {
    expect(() => parseRemotes(`tcp:h:1,${text}`)).toThrow('is no OVSDB remote');
  });
});
