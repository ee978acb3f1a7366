import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/base/version.ts';
import { type EventMessage, eventMessageSchema } from '../../src/contract/messages.ts';
import { temporaryFolder } from '../support/data.ts';
import { skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { startDaemon } from '../support/sightd.ts';

/** A bug in the main thread, which a signal brings out. */
const bug = "process.on('SIGUSR2', () => { throw new Error('made up'); });";
const withBug = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` };

test('the first event of a session tells how the one before ended', {
  skip: skipWithoutMosquitto(),
}, async () => {
  await using broker = await startMosquitto();
  const subscriber = await broker.subscribeForGood('sightd/porch/#');
  const config = {
    device: { id: 'porch' },
    camera: { source: 'scene', width: 320, height: 240, fps: 10 },
    mqtt: { url: broker.url },
  };
  const folders = {
    SIGHTD_STATE_DIR: temporaryFolder(),
    RUNTIME_DIRECTORY: join(temporaryFolder(), 'run'),
  };
  /** Without what a daemon that was killed sends again. */
  const events = (): EventMessage[] => {
    const sent = subscriber.messages
      .filter(({ topic }) => topic.endsWith('/event'))
      .map(({ payload }) => eventMessageSchema.parse(JSON.parse(payload)));
    return [...new Map(sent.map((event) => [event.id, event])).values()];
  };
  const started = (): EventMessage[] => events().filter(({ code }) => code === 'daemon.started');
  const results = (): number =>
    subscriber.messages.filter(({ topic }) => topic.endsWith('/result')).length;
  /** Starts the daemon, and lets it tell of its start and see something. */
  const startAndLook = async (environment = {}) => {
    const [toldBefore, seenBefore] = [started().length, results()];
    const sightd = startDaemon(config, { ...folders, ...environment });
    await subscriber.until(() => started().length > toldBefore && results() > seenBefore);
    return sightd;
  };

  const first = await startAndLook();
  // Long enough for its record to know of a frame.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  first.process.kill('SIGKILL');
  await first.exited;
  const second = await startAndLook(withBug);
  second.process.kill('SIGUSR2');
  assert.equal((await second.exited).code, 70, second.lines.join('\n'));
  const third = await startAndLook();
  third.process.kill('SIGTERM');
  assert.equal((await third.exited).code, 0, third.lines.join('\n'));
  const fourth = await startAndLook();
  fourth.process.kill('SIGTERM');
  await fourth.exited;
  await subscriber.until(
    () => events().filter(({ code }) => code === 'daemon.stopping').length === 2,
  );
  await subscriber.close();

  const told = started();
  const plain = { version };
  assert.deepEqual(told[0]?.data, plain);
  assert.equal(told[1]?.data?.['previousEnd'], 'unknown');
  assert.match(
    told[1]?.message ?? '',
    /killed or crashed; nothing recorded why; blind for [\d.]+ s$/,
  );
  const blind = Number(told[1]?.data?.['blindSeconds']);
  assert.ok(blind > 0 && blind < 60, `${blind} s`);
  assert.deepEqual(
    [told[2]?.data?.['previousEnd'], told[2]?.data?.['previousFault']],
    ['crashed', 'daemon.internal'],
  );
  assert.match(told[2]?.message ?? '', /started after an internal error: made up/);
  assert.deepEqual(told[3]?.data, plain, 'after an end as asked');
  for (const { session, id } of told) {
    const ids = events()
      .filter((event) => event.session === session)
      .map((event) => event.id);
    assert.equal(Math.min(...ids), id, 'the first of its session');
  }
});
