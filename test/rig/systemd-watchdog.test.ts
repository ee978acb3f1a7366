import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import { skipOutsideSystemd, until } from './support/rig.ts';
import { concurrency, healthOf, openService, rungsOf } from './support/service.ts';

/* What systemd sees of the daemon: when it has started, that it makes progress, and that it does not. */

const skip = skipOutsideSystemd();
const long = { seconds: 3600 };

describe('what systemd sees', { skip, concurrency }, () => {
  it('an event loop that stands still is ended by the watchdog', async () => {
    await using service = await openService('blocked');
    const process = await service.start();
    const session = service.session();
    service.inject({ fault: 'loop.block', process, ...long });
    const { data, message } = await service.untilBack(session);
    assert.deepEqual([data?.['previousEnd'], data?.['previousSignal']], ['watchdog', 'ABRT']);
    assert.match(message, /the watchdog of systemd had ended it/);
    assert.deepEqual(service.ends(), ['watchdog killed ABRT']);
  });

  it('so is a daemon that gets nothing done, though its event loop turns', async () => {
    await using service = await openService('deaf');
    const process = await service.start();
    const session = service.session();
    service.inject({ fault: 'supervisor.deaf', process, ...long });
    service.inject({ fault: 'inference.hang', process, ...long });
    const { data } = await service.untilBack(session);
    assert.deepEqual([data?.['previousEnd'], data?.['previousSignal']], ['watchdog', 'ABRT']);
    assert.deepEqual(service.ends(), ['watchdog killed ABRT']);
    // It went on saying how it was: its main thread was not at fault.
    assert.ok(
      service
        .healths()
        .some((health) => health.session === session && health.components.inference.fault),
    );
    assert.deepEqual(rungsOf(service.events()), []);
  });

  it('a loop that stands still for less is told of, and ends nothing', async () => {
    await using service = await openService('late', ['WatchdogSec=120']);
    const process = await service.start();
    service.inject({ fault: 'loop.block', process, seconds: 7 });
    await service.untilEvent('late', ({ code }) => code === 'daemon.blocked');
    await service.untilHealth('it is well', ({ state }) => state === 'ok');
    assert.equal(service.unit.pid(), process);
    assert.deepEqual(rungsOf(service.events()), []);
  });

  it('it has started when the first frame was classified', async () => {
    await using service = await openService('ready');
    service.unit.start();
    const isResult = ({ topic }: { topic: string }): boolean => topic === 'sightd/porch/result';
    const { payload } = await service.subscriber.until(isResult);
    const { capturedAt, latencyMs } = JSON.parse(payload) as {
      capturedAt: string;
      latencyMs: number;
    };
    const classified = Date.parse(capturedAt) + latencyMs;
    const monotonic = Number(service.unit.show('ActiveEnterTimestampMonotonic')) / 1000;
    const ready = monotonic + Date.now() - Number(process.hrtime.bigint() / 1_000_000n);
    assert.ok(ready > classified - 20, `${ready - classified} ms`);
    const status = service.unit.show('StatusText');
    assert.match(status, /frames\/s/);
    await service.unit.untilShows('StatusText', (text) =>
      /^.+ \d+ %, [\d.]+ frames\/s, ok$/.test(text),
    );
  });

  it('it has started too when it waits for a camera, and says so', async () => {
    await using service = await openService('waiting');
    service.configure({ camera: { source: 'v4l2', device: '/dev/video99' } });
    service.unit.start();
    await service.unit.untilShows('StatusText', (text) =>
      text.startsWith('degraded; camera: there is no camera at /dev/video99'),
    );
    const began = performance.now();
    service.unit.stop();
    assert.ok(performance.now() - began < 2000 || process.env['SIGHTD_RIG'] === 'machine');
    assert.equal(service.unit.show('Result'), 'success');
  });

  it('another config is taken up without another process, and no frame is unaccounted for', async () => {
    await using service = await openService('reload');
    const process = await service.start();
    const session = service.session();
    service.configure({
      camera: { source: 'scene', fps: 10, width: 640, height: 480 },
      health: healthOf({ restartsPerHourMax: 7 }),
      publish: { topK: 1 },
    });
    service.unit.reload();
    const reloaded = await service.untilHealth(
      'the other size',
      ({ camera, state }) => camera.source.includes('640×480') && state === 'ok',
    );
    const more = await service.untilHealth(
      'more frames',
      ({ ledger }) => ledger.classified > reloaded.ledger.classified + 5,
    );
    assert.ok(more.camera.reopens >= 1);
    service.unit.kill('SIGUSR2');
    const line = await service.unit.untilJournal('"msg":"diagnostics"');
    const said = JSON.parse(line) as Record<string, unknown>;
    assert.equal(said['level'], 30);
    assert.ok('ledger' in said, line);
    assert.equal(service.unit.pid(), process);
    service.unit.stop();
    await until('its last words', () =>
      service.subscriber.messages.find(({ payload }) => payload.includes('"stopped"')),
    );
    let captured = 0;
    for (const health of service.healths()) {
      assert.equal(health.session, session);
      assert.equal(imbalanceOf(health.ledger), 0, JSON.stringify(health.ledger));
      assert.ok(health.ledger.captured >= captured);
      captured = health.ledger.captured;
    }
    assert.deepEqual(rungsOf(service.events()), []);
    assert.equal(service.unit.show('NRestarts'), '0');
  });
});
