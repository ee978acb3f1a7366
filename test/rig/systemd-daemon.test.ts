import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { skipOutsideSystemd, slowness, until } from './support/rig.ts';
import { openUnit, speaksWithSystemd } from './support/unit.ts';

/* The daemon in its unit as it is: what it tells systemd, and what systemd makes of it. */

const skip =
  skipOutsideSystemd() || (!speaksWithSystemd() && 'the daemon does not speak with systemd yet');

/** Time enough to speak within half of it, also where everything is slow. */
const watchdogSeconds = slowness === 1 ? 6 : 40;

const configOf = (broker: Mosquitto, more: object = {}): object => ({
  device: { id: 'rig' },
  camera: { source: 'scene', fps: 5, width: 320, height: 240 },
  mqtt: { url: broker.url },
  health: { intervalSeconds: 1, frameDeadlineSeconds: 30 },
  ...more,
});

test('it has started when it says so, and its status is one line about what it does', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using unit = openUnit();
  unit.configure(configOf(broker));
  unit.start();
  assert.equal(unit.show('ActiveState'), 'active');
  assert.equal(unit.show('Type'), 'notify');
  const status = await unit.untilShows('StatusText', (text) => text !== '');
  assert.ok(!status.includes('\n') && status.length <= 250, status);
});

test('it has started without a broker and without a camera', { skip }, async () => {
  await using unit = openUnit();
  unit.configure({
    device: { id: 'rig' },
    camera: { source: 'v4l2', device: '/dev/video99' },
    mqtt: { url: 'mqtt://127.0.0.1:1' },
  });
  unit.start();
  assert.equal(unit.show('ActiveState'), 'active');
});

test('it is kept alive by its watchdog, and killed and started again when it hangs', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  await using unit = openUnit();
  unit.configure(configOf(broker));
  unit.override('watchdog', ['[Service]', `WatchdogSec=${watchdogSeconds}`]);
  unit.start();
  const pid = unit.pid();
  const since = performance.now();
  await until('twice the watchdog and more', () =>
    performance.now() - since > 2500 * watchdogSeconds ? true : undefined,
  );
  assert.equal(unit.pid(), pid);
  assert.equal(unit.show('NRestarts'), '0');
  // A process that is stopped cannot say that it is alive.
  unit.kill('SIGSTOP');
  await unit.untilShows('NRestarts', '1');
  await unit.untilShows('ActiveState', 'active');
  // It has read the line that systemd left, and taken it away.
  await unit.untilJournal(/"previous":{"end":"watchdog","signal":"ABRT"/);
});

test('a reload is over when the new config is in force', { skip }, async () => {
  await using broker = await startMosquitto();
  await using subscriber = await broker.subscribe('sightd/rig/result');
  await using unit = openUnit();
  unit.configure(configOf(broker));
  unit.start();
  await subscriber.until(() => true);
  const pid = unit.pid();
  unit.configure(configOf(broker, { publish: { results: false } }));
  unit.reload();
  await unit.untilShows('ActiveState', 'active');
  assert.equal(unit.pid(), pid);
});

test('a stop is clean and takes less than two seconds', { skip }, async (t) => {
  await using broker = await startMosquitto();
  await using subscriber = await broker.subscribe('sightd/rig/#');
  await using unit = openUnit();
  unit.configure(configOf(broker));
  unit.start();
  await subscriber.until(({ topic }) => topic === 'sightd/rig/result');
  const start = performance.now();
  unit.stop();
  const took = performance.now() - start;
  t.diagnostic(`${took.toFixed(0)} ms`);
  // The virtual machine is emulated: there only the order is to be seen.
  if (process.env['SIGHTD_RIG'] === 'namespaces') assert.ok(took < 2000, `${took} ms`);
  assert.equal(unit.show('Result'), 'success');
  assert.equal(unit.show('ExecMainStatus'), '0');
  await subscriber.until(
    ({ topic, payload }) => topic === 'sightd/rig/status' && payload.includes('"stopped"'),
  );
});
