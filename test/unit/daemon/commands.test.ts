import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, fault, type Outcome, success } from '../../../src/base/fault.ts';
import {
  answerSchemas,
  type Command,
  type CommandResult,
  commandNames,
} from '../../../src/contract/commands.ts';
import { waitingMax } from '../../../src/daemon/command-answers.ts';
import type { WorkContext } from '../../../src/daemon/commands.ts';
import { commandOf, later, openTestCommands } from '../../support/commands.ts';
import { settled } from '../../support/manual-clock.ts';

type Work = {
  readonly command: Command;
  readonly context: WorkContext;
  readonly finish: (outcome: Outcome<CommandResult>) => void;
};

/** Commands whose work is done by the test. */
function open() {
  const works: Work[] = [];
  const opened = openTestCommands(
    (command, context) =>
      new Promise((finish) => {
        works.push({ command, context, finish });
      }),
  );
  return { ...opened, works };
}

const good = (id: string) => ({ id, expiresAt: later(60) });
const restarted: Outcome<CommandResult> = success({ what: 'process' });

test('all commands are subscribed to by their exact topics', () => {
  const { line } = open();
  assert.deepEqual(
    [...line.listeners.keys()],
    commandNames.map((name) => `sightd/porch/command/${name}`),
  );
});

test('a command is answered when it is done, on its own topic', async () => {
  const { line, works } = open();
  await line.receive([commandOf('restart', { ...good('a'), what: 'process' })]);
  assert.equal(line.published.length, 0);
  works[0]?.finish(restarted);
  await settled();
  const [answer] = line.published;
  assert.equal(line.published.length, 1);
  assert.ok(answer !== undefined);
  const { topic, qos, retain, correlationData } = answer;
  assert.deepEqual(
    { topic, qos, retain, correlationData },
    { topic: 'sightd/porch/response/restart', qos: 1, retain: false, correlationData: undefined },
  );
  const payload = answerSchemas.restart.parse(JSON.parse(String(answer.payload)));
  assert.deepEqual(payload, {
    session: 'session',
    at: '2026-05-04T14:17:00.000Z',
    clockSynced: true,
    id: 'a',
    ok: true,
    result: { what: 'process' },
  });
});

test('a response topic and correlation data are honoured', async () => {
  const { line, works } = open();
  const properties = { responseTopic: 'my/answers', correlationData: Buffer.from([7]) };
  await line.receive([commandOf('identify', good('a'), { properties })]);
  works[0]?.finish(failure(fault('camera.none', 'there is none', 'Plug one in.')));
  await settled();
  const [answer] = line.published;
  assert.equal(answer?.topic, 'my/answers');
  assert.deepEqual(answer?.correlationData, Buffer.from([7]));
  const payload = answerSchemas.identify.parse(line.payloads()[0]);
  assert.ok(!payload.ok);
  assert.deepEqual(payload.error, {
    code: 'camera.none',
    message: 'there is none',
    mend: 'Plug one in.',
  });
});

test('a command with a response topic that is not allowed is not done', async () => {
  const { line, works } = open();
  const properties = { responseTopic: 'sightd/porch/config/desired' };
  await line.receive([commandOf('identify', good('a'), { properties })]);
  assert.equal(works.length, 0);
  assert.equal(line.published[0]?.topic, 'sightd/porch/response/identify');
  const payload = answerSchemas.identify.parse(line.payloads()[0]);
  assert.ok(!payload.ok && payload.error.code === 'command.response-topic' && payload.id === 'a');
  await line.receive([commandOf('identify', good('a'))]);
  assert.equal(works.length, 1, 'its id may be used again');
});

test('the second of a name hears that the first is not done, and may come when it is', async () => {
  const { line, works } = open();
  await line.receive([commandOf('doctor', good('a')), commandOf('doctor', good('b'))]);
  assert.equal(works.length, 1);
  assert.match(JSON.stringify(line.payloads()[0]), /"id":"b".*command.busy/);
  works[0]?.finish(restarted);
  await settled();
  await line.receive([commandOf('doctor', good('b'))]);
  assert.equal(works.length, 2);
});

test('work hears when its answer has arrived, and not before', async () => {
  const { line, works } = open();
  let answered = 0;
  const count = (): void => {
    answered += 1;
  };
  await line.receive([commandOf('restart', { ...good('a'), what: 'process' })]);
  void works[0]?.context.answered.then(count);
  works[0]?.finish(restarted);
  await settled();
  assert.equal(answered, 1);
  line.answer('lost');
  await line.receive([commandOf('restart', { ...good('b'), what: 'process' })]);
  void works[1]?.context.answered.then(count);
  works[1]?.finish(restarted);
  await settled();
  assert.equal(answered, 1);
});

test('an answer that was lost is sent again on the next connection, within a minute', async () => {
  const { line, clock } = open();
  line.answer('lost');
  await line.receive([commandOf('identify', 7)]);
  await settled();
  assert.equal(line.published.length, 1);
  clock.advance(100);
  await settled();
  assert.equal(line.published.length, 1, 'not before there is a connection');
  line.connect();
  await settled();
  assert.equal(line.published.length, 2);
  clock.advance(60_001);
  await settled();
  line.connect();
  await settled();
  clock.advance(100);
  line.connect();
  await settled();
  assert.equal(line.published.length, 3);
  clock.advance(1000);
  line.connect();
  await settled();
  assert.equal(line.published.length, 3, 'given up');
});

test('an answer that the broker refuses is not sent again', async () => {
  const { line, clock } = open();
  line.answer('refused');
  await line.receive([commandOf('identify', 7)]);
  await settled();
  clock.advance(1000);
  line.connect();
  await settled();
  assert.equal(line.published.length, 1);
});

test('once it stops, work is interrupted and what comes is refused; all of it is answered', async () => {
  const { line, works, commands } = open();
  await line.receive([commandOf('doctor', good('a'))]);
  commands.stop();
  assert.ok(works[0]?.context.signal.aborted);
  await line.receive([commandOf('identify', good('b'))]);
  assert.match(JSON.stringify(line.payloads()[0]), /"id":"b".*command.stopping/);
  works[0]?.finish(failure(fault('command.interrupted', 'it stops', 'Later.')));
  await settled();
  await commands.close(new AbortController().signal);
  assert.equal(line.published.length, 2);
});

test('a flood is answered to the last command, and held back where answers pile up', async () => {
  const { line } = open();
  const flood = Array.from({ length: waitingMax + 1000 }, (_, at) => commandOf('identify', at));
  await line.receive(flood);
  await settled();
  assert.equal(line.published.length, flood.length);
  const unhurried = line.published.filter(({ qos }) => qos === 1);
  assert.ok(unhurried.length >= waitingMax && unhurried.length < flood.length);
});
