import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import type { Fault } from '../../src/base/fault.ts';
import { millis, systemClock } from '../../src/base/time.ts';
import { openSeat } from '../../src/daemon/seat.ts';

type Command = 'hello' | 'die' | 'end';

/** A seat with a real thread in it. */
function mortalSeat() {
  const events = new EventEmitter();
  const faults: Fault[] = [];
  const seat = openSeat<Command, string>({
    name: 'mortal',
    url: new URL('../support/mortal-worker.js', import.meta.url),
    died: 'inference.died',
    clock: systemClock,
    stop: 'end',
    onSeated: (child) => child.send('hello'),
    onReport: () => events.emit('here'),
    onLeft: () => events.emit('left'),
    onDied: (reason) => faults.push(reason),
  });
  return { seat, events, faults };
}

test('a thread that dies is told of, and replaced when that is asked for', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.send('die');
  await once(events, 'left');
  assert.match(faults[0]?.message ?? '', /the mortal thread died: told to die/);
  assert.equal(faults[0]?.code, 'inference.died');
  assert.equal(seat.facts().died?.code, 'inference.died');
  assert.equal(seat.facts().signs, undefined);
  assert.ok(seat.isEmpty());
  seat.refill(millis(0));
  assert.equal(seat.facts().died, undefined, 'it is seen to');
  await once(events, 'here');
  assert.equal(seat.restarts(), 1);
  assert.ok(seat.facts().signs !== undefined);
  seat.retire();
  seat.send('end');
});

test('a thread that works is asked to leave before another takes its place', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.refill(millis(0));
  seat.refill(millis(0));
  await once(events, 'left');
  await once(events, 'here');
  assert.equal(seat.restarts(), 1);
  assert.equal(faults.length, 0, 'it left as asked');
  seat.retire();
  seat.send('end');
});

test('a thread that ends without being asked is told of too', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.send('end');
  await once(events, 'left');
  assert.match(faults[0]?.message ?? '', /ended without being asked/);
});

test('who leaves a retired seat is not replaced', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.retire();
  seat.send('die');
  await once(events, 'left');
  seat.refill(millis(0));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(seat.isEmpty());
  assert.equal(faults.length, 0);
});
