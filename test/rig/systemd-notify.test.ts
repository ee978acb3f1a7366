import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipOutsideSystemd, slowness } from './support/rig.ts';
import { openSpeaker } from './support/speaker-unit.ts';

/* What the notifier says, as a real systemd takes it. */

const skip = skipOutsideSystemd();

test('it has started when it says so, with a status, and is told the watchdog of the unit', {
  skip,
}, async () => {
  await using unit = openSpeaker();
  unit.start();
  assert.equal(unit.show('ActiveState'), 'active');
  assert.equal(unit.show('Type'), 'notify');
  assert.equal(unit.show('StatusText'), 'watching, at least every 30000 ms');
  unit.reload();
  await unit.untilShows('StatusText', 'reloaded');
  await unit.untilShows('ActiveState', 'active');
  const pid = unit.pid();
  unit.stop();
  assert.equal(unit.show('ActiveState'), 'inactive');
  assert.equal(unit.show('Result'), 'success');
  assert.ok(pid > 1 && unit.pid() === 0);
});

test('a slow start is waited for while more time is asked for', { skip }, async () => {
  await using unit = openSpeaker([
    `TimeoutStartSec=${2 * slowness}`,
    `Environment=SPEAKER_START_MS=${2500 * slowness}`,
  ]);
  unit.start();
  assert.equal(unit.show('ActiveState'), 'active');
  assert.equal(unit.show('NRestarts'), '0');
});
