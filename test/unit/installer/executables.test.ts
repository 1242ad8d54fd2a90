/** What is done with a file that is in the place of one of ours. */
import { describe, expect, it } from 'vitest';
import { decide, REFERENCE_PLUGINS } from '../../../src/installer/executables.ts';
import type { FileFacts } from '../../../src/installer/file-facts.ts';

const OURS = facts({
  mark: { name: 'kube-ovn', version: '0.2.0', digest: 'ours' },
  digest: 'ours',
});

function facts(more: Partial<FileFacts>): FileFacts {
  return {
    kind: 'file',
    bytes: 100,
    digest: 'other',
    isRunnable: true,
    isExecutable: true,
    isKubeOvn: false,
    ...more,
  };
}

function ofVersion(name: string, version: string, digest = version): FileFacts {
  return facts({ mark: { name, version, digest }, digest });
}

describe('kube-ovn', () => {
  it.each([
    ['nothing', { kind: 'absent' } as const, /^kube-ovn: 0\.2\.0 is installed$/],
    ['an older one of ours', ofVersion('kube-ovn', '0.1.0'), /takes the place of 0\.1\.0$/],
    ['another build of the same version', ofVersion('kube-ovn', '0.2.0', 'x'), /of 0\.2\.0$/],
    ["Kube-OVN's own", facts({ isKubeOvn: true }), /an executable of Kube-OVN without our mark$/],
    ['ours, which nobody may run', { ...OURS, isExecutable: false }, /takes the place/],
  ])('replaces %s', (_, found, why) => {
    expect(decide('kube-ovn', OURS, found)).toEqual({
      action: 'install',
      why: expect.stringMatching(why),
    });
  });

  it.each([
    ['a newer one of ours', ofVersion('kube-ovn', '0.10.0'), ['NEWER', '0.10.0', '0.2.0']],
    ['what no kernel runs', facts({ isRunnable: false, bytes: 0 }), ['0 bytes', 'loss of power']],
  ])('replaces %s with a warning', (_, found, says) => {
    const { action, why, isWarning } = decide('kube-ovn', OURS, found);
    expect({ action, isWarning }).toEqual({ action: 'install', isWarning: true });
    for (const text of says) expect(why).toContain(text);
  });

  it('leaves itself', () => {
    expect(decide('kube-ovn', OURS, OURS)).toMatchObject({ action: 'leave' });
  });

  it.each([
    ['another program', facts({})],
    ['a program with the mark of another name', ofVersion('loopback', '0.1.0')],
    ['a folder', { kind: 'special', what: 'a folder' } as const],
  ])('refuses to overwrite %s, and says how it may go', (_, found) => {
    const { action, why } = decide('kube-ovn', OURS, found);
    expect(action).toBe('refuse');
    expect(why).toMatch(/not overwritten: move it away, or .*KUBE_OVN_REPLACE_FOREIGN=true/);
  });

  it('replaces another program when it is told to, and says which', () => {
    const decision = decide('kube-ovn', OURS, facts({ digest: 'abc' }), true);
    expect(decision).toMatchObject({ action: 'install', isWarning: true });
    expect(decision.why).toContain('abc');
  });
});

describe.each([...REFERENCE_PLUGINS])('%s', (name) => {
  const source = ofVersion(name, '0.2.0');

  it.each([
    ['nothing', { kind: 'absent' } as const],
    ['an older one of ours', ofVersion(name, '0.1.0')],
    ['an empty file', facts({ isRunnable: false, bytes: 0 })],
  ])('replaces %s', (_, found) => {
    expect(decide(name, source, found).action).toBe('install');
  });

  it.each([
    ['one of a distribution', facts({})],
    ['a newer one of ours', ofVersion(name, '0.3.0')],
    ['one of ours that was changed', { ...ofVersion(name, '0.1.0'), digest: 'changed' }],
    ['a link that leads nowhere', { kind: 'special', what: 'a link that leads nowhere' } as const],
    ['one with the mark of another name', ofVersion('kube-ovn', '0.1.0')],
  ])('leaves %s, also where foreign programs may be replaced', (_, found) => {
    const { action, why } = decide(name, source, found, true);
    expect(action).toBe('leave');
    expect(why).toContain('stays as it is');
  });
});
