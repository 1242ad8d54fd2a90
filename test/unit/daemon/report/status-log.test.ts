import { beforeEach, expect, it } from 'vitest';
import { CniError } from '../../../../src/daemon/call/error.ts';
import { StatusLog } from '../../../../src/daemon/report/status-log.ts';
import { CniCode } from '../../../../src/wire/cni.ts';
import { RecordingLog } from '../recording-log.ts';
import { sizeOfPrivate } from '../support.ts';

let log: RecordingLog;
let statusLog: StatusLog;
beforeEach(() => {
  log = new RecordingLog();
  statusLog = new StatusLog(log);
});

/** One answer of STATUS for a network: why not, or undefined. */
async function answer(provider: string, reason?: string): Promise<void> {
  const failure = new CniError(CniCode.notAvailable, reason ?? '', '');
  const result = reason === undefined ? Promise.resolve() : Promise.reject(failure);
  const followed = statusLog.follow({ cni_type: 'kube-ovn', provider }, result);
  await (reason === undefined ? followed : expect(followed).rejects.toBe(failure));
}

const messages = () => log.lines.map(({ level, message }) => `${level} ${message}`);

it('says a reason once, another one, and the end of it', async () => {
  for (const reason of [undefined, 'a', 'a', 'a', 'b', 'b', undefined, undefined, 'a']) {
    await answer('ovn', reason);
  }
  const back = 'info STATUS: ADDs can be served again';
  expect(messages()).toEqual(['warn STATUS: a', 'warn STATUS: b', back, 'warn STATUS: a']);
  expect(log.lines[0]?.fields).toEqual({ cniType: 'kube-ovn', provider: 'ovn', code: 50 });
});

it('keeps networks apart that are asked about in turn', async () => {
  for (const _ of [1, 2, 3]) {
    await answer('ovn', 'a');
    await answer('net.default.ovn', 'b');
    await answer('fine.default.ovn');
  }
  expect(messages()).toEqual(['warn STATUS: a', 'warn STATUS: b']);
});

it('passes a fault of ours on without a line, which the error handler writes', async () => {
  const fault = new TypeError('of ours');
  const request = { cni_type: 'kube-ovn', provider: 'ovn' };
  await expect(statusLog.follow(request, Promise.reject(fault))).rejects.toBe(fault);
  expect(log.lines).toEqual([]);
});

it('does not remember every network for ever', async () => {
  for (let number = 0; number < 1000; number += 1) await answer(`net-${number}`, 'a');
  expect(await sizeOfPrivate(statusLog, '#failures')).toBe(256);
});
