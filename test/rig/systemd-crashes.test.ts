import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { reportedMessageSchema } from '../../src/contract/messages.ts';
import { ask, commandOf } from '../support/ask.ts';
import { command, skipOutsideSystemd, until } from './support/rig.ts';
import {
  concurrency,
  healthOf,
  openService,
  type Service,
  untilPassed,
  watchdogSeconds,
} from './support/service.ts';

/* Ends that nobody asked for: what systemd makes of them, and what is left when the daemon is back. */

const skip = skipOutsideSystemd();
const long = { seconds: 3600 };

const desire = ({ broker }: Service, version: number, config: object): void => {
  const to = ['-h', '127.0.0.1', '-p', String(broker.port), '-t', 'sightd/porch/config/desired'];
  const payload = JSON.stringify({ version, config });
  command('mosquitto_pub', ...to, '-V', '5', '-q', '1', '-r', '-m', payload);
};

/** What was said last of changes from afar in the session. */
const reportedIn = ({ subscriber }: Service, session: string) =>
  subscriber.messages
    .filter(({ topic }) => topic === 'sightd/porch/config/reported')
    .map(({ payload }) => reportedMessageSchema.parse(JSON.parse(payload)))
    .findLast((reported) => reported.session === session);

/** Whether the outbox's files have that word, which the system keeps when the process that wrote it is killed. */
function isStored({ unit }: Service, word: string): boolean {
  const folder = join(unit.stateDir, 'outbox');
  return readdirSync(folder)
    .filter((file) => /^\d+\.(log|ldb)$/.test(file))
    .some((file) => readFileSync(join(folder, file), 'latin1').includes(word));
}

/** The numbers of all that was sent through the outbox, each once, in order, by session. */
function idsOf({ subscriber }: Service): ReadonlyMap<string, readonly number[]> {
  const numbered = ['event', 'label', 'config/reported'].map((name) => `sightd/porch/${name}`);
  const found = new Map<string, readonly number[]>();
  for (const { topic, payload } of subscriber.messages) {
    if (!numbered.includes(topic)) continue;
    const { session, id } = JSON.parse(payload) as { session: string; id: number };
    const ids = new Set([...(found.get(session) ?? []), id]);
    found.set(
      session,
      [...ids].sort((one, other) => one - other),
    );
  }
  return found;
}

describe('crashes', { skip, concurrency }, () => {
  it('who is killed or crashes is back with all that it had, and says what ended it', async () => {
    await using service = await openService('crash');
    service.configure({ remoteConfig: { trialSeconds: 1 } });
    let process = await service.start();
    desire(service, 1, { publish: { topK: 2 } });
    await service.untilEvent('the change', ({ code }) => code === 'config.applied');
    const ends = [
      ['killed', 'KILL', () => service.unit.kill('SIGKILL')],
      ['crashed', 'SEGV', () => service.inject({ fault: 'inference.segv', process })],
      ['crashed', 'ABRT', () => service.inject({ fault: 'inference.abort', process })],
    ] as const;
    for (const [end, signal, make] of ends) {
      const session = service.session();
      const known = Math.max(...[...idsOf(service).values()].flat());
      make();
      const { data, id, message } = await service.untilBack(session);
      assert.deepEqual([data?.['previousEnd'], data?.['previousSignal']], [end, signal]);
      assert.match(message, new RegExp(`SIG${signal}.*blind for`));
      assert.ok(id > known, `${id} after ${known}`);
      const reported = await until('what is in force', () =>
        reportedIn(service, service.session()),
      );
      assert.deepEqual([reported.version, reported.state], [1, 'applied']);
      assert.equal((reported.config['publish'] as { topK: number }).topK, 2);
      process = service.unit.pid();
    }
    for (const ids of idsOf(service).values()) {
      const [first = 0] = ids;
      const all = ids.map((_, index) => first + index);
      assert.deepEqual(ids, all, 'a number is missing');
    }
    assert.equal(service.unit.show('NRestarts'), '3');
  });

  it('an event that the broker could not take is not lost by a crash', async () => {
    await using service = await openService('unheard');
    const process = await service.start();
    const session = service.session();
    await service.broker.stop();
    service.inject({ fault: 'camera.stall', mendedBy: 'stream', process, ...long });
    // The log says so at once; the outbox writes what comes close together in one go, a little later.
    await service.unit.explained(() =>
      until('it is in the outbox', () => isStored(service, 'recovery.done') || undefined),
    );
    service.unit.kill('SIGKILL');
    await service.unit.untilShows('NRestarts', '1');
    await service.broker.start();
    const back = await service.untilBack(session);
    const done = await service.untilEvent('what was told', ({ code }) => code === 'recovery.done');
    assert.equal(done.session, session);
    assert.ok(done.id < back.id);
  });

  it('who crashes at each start is held after five restarts, and can be reached', async () => {
    await using service = await openService('loop');
    service.configure({
      health: healthOf({ restartsPerHourMax: 5 }),
      remoteConfig: { trialSeconds: 1 },
    });
    // Whichever process it is.
    service.inject({ fault: 'inference.segv', everySeconds: 0.5 });
    command('systemctl', 'start', '--no-block', service.unit.name);
    const held = await service.untilEvent('held', ({ code }) => code === 'recovery.held');
    assert.deepEqual(
      [held.data?.['component'], held.data?.['fault']],
      ['daemon', 'daemon.crash-loop'],
    );
    await service.untilHealth(
      'failing',
      ({ state, session }) => state === 'failing' && session === held.session,
    );
    await service.unit.untilShows('ActiveState', 'active');
    assert.equal(service.unit.show('NRestarts'), '5');
    await service.unit.untilShows('StatusText', (text) =>
      text.startsWith('failing; daemon: the process has ended'),
    );
    const pid = service.unit.pid();
    const answer = await ask(service.broker, 'identify', commandOf());
    assert.ok(answer.ok);
    await untilPassed(2.5 * watchdogSeconds);
    assert.equal(service.unit.pid(), pid);
    assert.equal(service.unit.show('NRestarts'), '5');

    // A change that does not help costs one more restart, and is rolled back.
    desire(service, 1, { publish: { topK: 2 } });
    service.injectNothing();
    const back = await service.untilEvent(
      'rolled back',
      ({ code }) => code === 'config.rolled-back',
    );
    assert.notEqual(back.session, held.session);
    await service.untilHealth(
      'failing again',
      ({ state, session }) => state === 'failing' && session === back.session,
    );
    assert.equal(service.unit.show('NRestarts'), '6');
    // One that does is kept.
    desire(service, 2, { publish: { topK: 3 } });
    await service.untilEvent(
      'applied',
      ({ code, session }) => code === 'config.applied' && session === back.session,
    );
    await service.untilHealth('it is well', ({ state }) => state === 'ok');
    assert.equal(service.unit.show('NRestarts'), '6');
  });
});
