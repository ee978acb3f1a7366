import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command, skipOutsideRig } from './support/rig.ts';
import { openService, rungsOf } from './support/service.ts';

/* The wall clock of the whole machine is set, as by a person, or by a battery that was empty. */

const skip = skipOutsideRig();

const yearSeconds = 365 * 86_400;
const hourSeconds = 3600;

/** Sets the clock so much ahead of what it says. */
const moveClock = (seconds: number): void => {
  command('date', '-s', `@${Math.round(Date.now() / 1000) + seconds}`);
};

test('a clock that is set back and forth ends nothing and delays nothing', { skip }, async (t) => {
  await using service = await openService('clock');
  const process = await service.start();
  t.after(() => moveClock(-(yearSeconds - hourSeconds)));
  const told = service.events().length;
  const steps = [yearSeconds, -hourSeconds];
  for (const [index, step] of steps.entries()) {
    moveClock(step);
    const isStep = ({ code }: { code: string }): boolean => code === 'clock.stepped';
    await service.untilEvent(
      'it is told of',
      (event) => isStep(event) && service.events().filter(isStep).length === index + 1,
    );
    const event = service.events().findLast(isStep);
    const seconds = Number(event?.data?.['stepSeconds']);
    assert.ok(Math.abs(seconds - step) < 30, `${seconds} s`);
    // From then on all times are those of the new clock.
    assert.ok(Math.abs(Date.parse(event?.at ?? '') - Date.now()) < 120_000, event?.at);
    const since = service.healths().length;
    await service.untilHealth(
      'it goes on',
      (health) =>
        service.healths().length > since + 3 &&
        health.state === 'ok' &&
        Math.abs(Date.parse(health.at) - Date.now()) < 120_000,
    );
  }
  assert.deepEqual(
    service
      .events()
      .slice(told)
      .map(({ code }) => code),
    ['clock.stepped', 'clock.stepped'],
  );
  for (const { latencyMs } of service.healths()) {
    assert.ok((latencyMs?.max ?? 0) < 60_000, JSON.stringify(latencyMs));
  }
  assert.deepEqual(rungsOf(service.events()), []);
  assert.equal(service.unit.pid(), process);
  assert.equal(service.unit.show('NRestarts'), '0');
});
