import { expect, it } from 'vitest';
import { Signal } from '../../../../src/common/reconcile/signal.ts';

it('a signal is told to all who listen, in the order in which they came, until they leave', () => {
  const heard: string[] = [];
  const signal = new Signal<string>();
  const leave = signal.on((value) => heard.push(`one ${value}`));
  signal.on((value) => heard.push(`two ${value}`));
  signal.emit('a');
  leave();
  signal.emit('b');
  expect(heard).toEqual(['one a', 'two a', 'two b']);
});

it('a listener that throws keeps no other from hearing, and whoever told is told of it', () => {
  const heard: string[] = [];
  const signal = new Signal<string>();
  signal.on(() => {
    throw new Error('broken');
  });
  signal.on((value) => heard.push(value));
  expect(() => signal.emit('a')).toThrow('listeners failed: broken');
  expect(heard).toEqual(['a']);
});
