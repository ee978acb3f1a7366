import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { skipOutsideSystemd, slowness } from './support/rig.ts';
import { concurrency, openService, rungsOf, watchdogSeconds } from './support/service.ts';

/* What the daemon does itself about what goes wrong, and what systemd has to do then. */

const skip = skipOutsideSystemd();
/** Longer than any test. */
const long = { seconds: 3600 };

describe('recovery', { skip, concurrency }, () => {
  it('climbs the ladder: stream, device, thread, and then the process, which says why', async () => {
    await using service = await openService('ladder');
    const process = await service.start();
    const session = service.session();
    const only = { process, ...long };

    service.inject({ fault: 'camera.stall', mendedBy: 'stream', ...only });
    const stalled = await service.untilEvent('a step', ({ code }) => code === 'recovery.step');
    assert.deepEqual(stalled.data, {
      ...{ component: 'camera', rung: 'stream', attempt: 1, fault: 'camera.stalled' },
    });
    await service.untilEvent(
      'the stream is enough',
      ({ code, data }) => code === 'recovery.done' && data?.['rung'] === 'stream',
    );
    service.inject({ fault: 'camera.freeze', mendedBy: 'device', ...only });
    await service.untilEvent(
      'the device is enough',
      ({ code, data }) => code === 'recovery.done' && data?.['rung'] === 'device',
    );
    // Again and again: another thread knows nothing of what went before.
    service.inject({ fault: 'camera.unopenable', everySeconds: 0.1, ...only });
    const { data, id } = await service.untilBack(session);
    assert.equal(data?.['previousEnd'], 'planned');
    assert.equal(data?.['previousFault'], 'camera.broken');
    assert.ok(Number(data?.['blindSeconds']) > 0, JSON.stringify(data));
    const before = service.events().filter((event) => event.session === session);
    assert.deepEqual(
      rungsOf(before),
      ['stream 1', 'device 1', 'device 2', 'device 3', 'worker 1', 'process 1'],
      JSON.stringify(before),
    );
    assert.ok(before.every((event) => event.id < id));
    assert.deepEqual(service.ends(), ['exit-code exited 75']);
    assert.equal(service.unit.show('NRestarts'), '1');
  });

  it('a model that hangs ends the process at once, and another one classifies', async (t) => {
    await using service = await openService('hang');
    const process = await service.start();
    const session = service.session();
    const since = performance.now();
    service.inject({ fault: 'inference.hang', process, ...long });
    const { data } = await service.untilBack(session);
    const took = (performance.now() - since) / 1000;
    t.diagnostic(`${took.toFixed(1)} s; blind for ${data?.['blindSeconds']} s`);
    if (slowness === 1) assert.ok(took < watchdogSeconds + 3, `${took} s`);
    assert.equal(data?.['previousEnd'], 'planned');
    assert.equal(data?.['previousFault'], 'inference.hung');
    assert.deepEqual(service.ends(), ['signal killed KILL']);
    assert.ok(!service.unit.journal().some((line) => line.includes('the outbox has trouble')));
    assert.deepEqual(rungsOf(service.events().filter((event) => event.session === session)), [
      'process 1',
    ]);
  });

  it('who takes too much memory is started again in order', async () => {
    await using service = await openService('memory');
    const process = await service.start();
    const session = service.session();
    service.inject({ fault: 'memory', megabytes: 5000, process, ...long });
    const { data } = await service.untilBack(session);
    assert.equal(data?.['previousEnd'], 'planned');
    assert.equal(data?.['previousFault'], 'daemon.memory');
    assert.deepEqual(service.ends(), ['exit-code exited 75']);
    // In order: its last words were heard.
    const stopped = service.subscriber.messages.find(
      ({ topic, payload }) =>
        topic === 'sightd/porch/status' &&
        payload.includes('"stopped"') &&
        payload.includes(session),
    );
    assert.ok(stopped !== undefined);
  });
});
