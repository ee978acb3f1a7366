import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import type { Fault } from '../../src/base/fault.ts';
import { createRandom } from '../../src/base/random.ts';
import { micros } from '../../src/base/time.ts';
import { restartPolicy } from '../../src/daemon/restart-policy.ts';
import { openSeat } from '../../src/daemon/seat.ts';

type Command = 'hello' | 'die' | 'end';

/** A seat with a real thread in it; waits between restarts take no time. */
function mortalSeat() {
  const events = new EventEmitter();
  const faults: Fault[] = [];
  const seat = openSeat<Command, string>({
    name: 'mortal',
    url: new URL('../support/mortal-worker.js', import.meta.url),
    died: 'inference.died',
    clock: { now: () => micros(0), sleep: async () => {} },
    random: createRandom(1),
    isReplaceable: () => true,
    onSeated: (child) => child.send('hello'),
    onReport: () => events.emit('here'),
    onLeft: () => events.emit('left'),
    onRestart: (reason) => faults.push(reason),
    onGiveUp: (reason) => events.emit('gave-up', reason),
  });
  return { seat, events, faults };
}

test('a thread that dies is replaced, so often and no oftener, and its death is told', async () => {
  const { seat, events, faults } = mortalSeat();
  for (let death = 0; death < restartPolicy.restartsMax; death += 1) {
    await once(events, 'here');
    seat.send('die');
    await once(events, 'left');
  }
  await once(events, 'here');
  seat.send('die');
  const [reason] = (await once(events, 'gave-up')) as [Fault];
  assert.match(reason.message, /the mortal thread died: told to die/);
  assert.equal(reason.code, 'inference.died');
  assert.equal(faults.length, restartPolicy.restartsMax);
  assert.equal(seat.restarts(), restartPolicy.restartsMax);
});

test('a thread that ends without being asked is replaced too', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.send('end');
  await once(events, 'here');
  assert.match(faults[0]?.message ?? '', /ended without being asked/);
  seat.retire();
  seat.send('end');
  await once(events, 'left');
});

test('who leaves a retired seat is not replaced', async () => {
  const { seat, events, faults } = mortalSeat();
  await once(events, 'here');
  seat.retire();
  seat.send('die');
  await once(events, 'left');
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(seat.isEmpty());
  assert.equal(faults.length, 0);
});
