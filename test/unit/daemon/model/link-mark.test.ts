import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDnsName } from '../../../../src/common/names.ts';
import { isNetworkName } from '../../../../src/daemon/model/attachment.ts';
import { linkMark, readLinkMark } from '../../../../src/daemon/model/link-mark.ts';
import { isContainerId, isInterfaceName } from '../../../../src/wire/cni.ts';
import { CONTAINER_ID, HOSTILE_TEXTS } from '../support.ts';

const MARK = {
  containerId: CONTAINER_ID,
  ifName: 'net1',
  provider: 'attachnet.default.ovn',
  network: 'attachnet',
};

describe('the mark of a veth pair', () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,80}$/);
  const marks = fc.record({
    containerId: word.filter(isContainerId),
    ifName: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.@+~-]{0,14}$/).filter(isInterfaceName),
    provider: fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?$/).filter(isDnsName),
    network: fc.oneof(fc.constant(''), word.filter(isNetworkName)),
  });

  it('is one plain word that the kernel takes, and reads back as what was written', async () => {
    await fc.assert(
      fc.property(marks, (mark) => {
        const alias = linkMark(mark);
        expect(alias).toMatch(/^[\w.@+~/-]*$/);
        expect(Buffer.byteLength(alias)).toBeLessThanOrEqual(255);
        const length = Object.values(mark).join('/').length + 'kube-ovn/'.length;
        expect(readLinkMark(alias)).toEqual(length <= 255 ? mark : undefined);
      }),
    );
  });

  it('names container, interface, provider and network', () => {
    expect(linkMark(MARK)).toBe(`kube-ovn/${CONTAINER_ID}/net1/attachnet.default.ovn/attachnet`);
  });

  it('may have no network', () => {
    const mark = { ...MARK, network: '' };
    expect(readLinkMark(linkMark(mark))).toEqual(mark);
  });

  it('is none where it would be longer than an alias can be', () => {
    const length = linkMark(MARK).length - MARK.network.length;
    const longest = { ...MARK, network: 'n'.repeat(255 - length) };
    expect(linkMark(longest)).toHaveLength(255);
    expect(linkMark({ ...MARK, network: `${longest.network}n` })).toBe('');
  });
});

describe('an alias that is no mark', () => {
  it.each([
    '',
    'kube-ovn',
    `kube-ovn/${CONTAINER_ID}/net1`,
    `kube-ovn/${CONTAINER_ID}/net1/ovn`,
    `kube-ovn/${CONTAINER_ID}/net1/ovn/net/more`,
    `other/${CONTAINER_ID}/net1/ovn/net`,
    `kube-ovn//net1/ovn/net`,
    `kube-ovn/${CONTAINER_ID}//ovn/net`,
    `kube-ovn/${CONTAINER_ID}/a name/ovn/net`,
    `kube-ovn/../net1/ovn/net`,
    'c0ffee01_net1_c',
    ...HOSTILE_TEXTS,
  ])('is not read as one: %j', (alias) => {
    expect(readLinkMark(alias)).toBeUndefined();
  });
});
