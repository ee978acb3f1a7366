import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';
import { labelMessageSchema } from '../../src/contract/messages.ts';
import { skipWithout } from '../support/brokers.ts';
import { temporaryFolder } from '../support/data.ts';
import { createLabelDevice } from '../support/label-device.ts';
import {
  type Message,
  type Mosquitto,
  skipWithoutMosquitto,
  startMosquitto,
} from '../support/mosquitto.ts';
import { checkOrder, numberedOf } from '../support/numbered.ts';

const skip = skipWithoutMosquitto();
const patienceMs = 60_000;
const folder = join(packageRoot, 'deploy', 'examples');

/** A program that prints a line for each message, which can be stopped and started again. */
function createPrinter(command: string, args: readonly string[]) {
  const lines: string[] = [];
  let waiting: (() => void)[] = [];
  let child: ChildProcess | undefined;
  const start = (): void => {
    // A shell and what it has started end together.
    const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    createInterface({ input: program.stdout }).on('line', (line) => {
      lines.push(line);
      for (const resume of waiting) resume();
      waiting = [];
    });
    child = program;
  };
  /** So many lines are so. */
  const until = async (condition: (line: string) => boolean, count = 1): Promise<void> => {
    const late = AbortSignal.timeout(patienceMs);
    while (lines.filter(condition).length < count) {
      assert.ok(!late.aborted, `not among ${lines.length} lines, the last: ${lines.at(-1)}`);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    const pid = child?.pid;
    if (child === undefined || pid === undefined) return;
    const exited = new Promise<void>((resolve) => child?.once('close', () => resolve()));
    process.kill(-pid, signal);
    await exited;
  };
  start();
  const dispose = async (): Promise<void> => {
    if (child?.exitCode === null && child.signalCode === null) await stop('SIGKILL');
  };
  return { lines, start, until, stop, [Symbol.asyncDispose]: dispose };
}

const idsOf = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => {
    const id = / id=(\d+)$/.exec(line)?.[1];
    return id === undefined ? [] : [Number(id)];
  });

const startDevice = (broker: Mosquitto) =>
  createLabelDevice({
    id: 'porch',
    url: broker.url,
    changesPerSecond: 10,
    config: {},
    wrapper: [],
  });

const isStopped = ({ topic, payload }: Message): boolean =>
  topic.endsWith('/status') && payload.includes('"stopped"');

test('the subscriber prints each label and event once and in order, whatever breaks', {
  skip,
}, async (t) => {
  await using broker = await startMosquitto();
  const keeper = await broker.subscribeForGood('sightd/porch/#');
  const state = join(temporaryFolder(), 'state.json');
  const args = [join(folder, 'subscriber.mjs'), '--url', broker.url, '--state', state];
  await using printer = createPrinter(process.execPath, args);
  const device = await startDevice(broker);

  let sightd = device.start();
  await printer.until((line) => line.startsWith('porch label '));
  // The broker goes in order and keeps the sessions.
  await broker.stop();
  await sightd.untilLine('no broker; going on without');
  await broker.start();
  await printer.until((line) => line.includes('mqtt.reconnected'));
  // The subscriber is away for a while.
  await printer.stop('SIGTERM');
  const before = keeper.messages.length;
  await keeper.until((message) => keeper.messages.indexOf(message) >= before + 10);
  const meanwhile = numberedOf(keeper.messages).at(-1)?.id ?? 0;
  printer.start();
  await printer.until((line) => idsOf([line])[0] === meanwhile);
  // The daemon dies in the middle, and another one goes on.
  const countOf = (text: string): number => printer.lines.filter((line) => line === text).length;
  // The broker may have told the will once before, when it was stopped.
  const offlines = countOf('porch status offline');
  sightd.process.kill('SIGKILL');
  await sightd.exited;
  await printer.until((line) => line === 'porch status offline', offlines + 1);
  const onlines = countOf('porch status online');
  const labels = printer.lines.filter((line) => line.startsWith('porch label ')).length;
  sightd = device.start();
  await printer.until((line) => line === 'porch status online', onlines + 1);
  await printer.until((line) => line.startsWith('porch label '), labels + 1);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await keeper.until(isStopped);
  await printer.until((line) => line === 'porch status stopped');
  await printer.stop('SIGTERM');
  await keeper.close();

  const { once, duplicates } = checkOrder(numberedOf(keeper.messages));
  t.diagnostic(`${once.length} messages, ${duplicates} duplicates at another subscriber`);
  const ids = idsOf(printer.lines);
  assert.deepEqual([...new Set(ids)], ids, 'each once');
  // What the device said before the first subscription was made is not kept for anybody.
  const all = once.filter(({ payload }) => !isVerdict(payload)).map(({ id }) => id);
  assert.deepEqual(ids, all.slice(all.indexOf(ids[0] ?? 0)), 'all of them, in order');
});

test('the shell script prints each change of a label once', {
  skip: skip || skipWithout('jq'),
}, async () => {
  await using broker = await startMosquitto();
  const keeper = await broker.subscribeForGood('sightd/porch/#');
  const script = join(folder, 'labels.sh');
  await using printer = createPrinter(script, ['-h', '127.0.0.1', '-p', `${broker.port}`]);
  const device = await startDevice(broker);
  const sightd = device.start();
  await printer.until((line) => / porch balloon 0?\.?\d+ id=\d+$/.test(line));
  await keeper.until(() => printer.lines.length > 5);
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
  await keeper.until(isStopped);
  const { once } = checkOrder(numberedOf(keeper.messages));
  const said = once.filter(({ payload }) => payload.includes('"previous"'));
  await printer.until((line) => idsOf([line])[0] === said.at(-1)?.id);
  await printer.stop('SIGTERM');
  await keeper.close();
  const labels = new Map(
    said.map(({ id, payload }) => [id, labelMessageSchema.parse(JSON.parse(payload))]),
  );
  const ids = idsOf(printer.lines);
  assert.deepEqual(ids, [...labels.keys()].slice(-ids.length));
  for (const line of printer.lines) {
    const label = labels.get(idsOf([line])[0] ?? 0);
    assert.equal(
      line,
      `${label?.since} porch ${label?.label ?? '-'} ${label?.score} id=${label?.id}`,
    );
  }
});

const isVerdict = (payload: string): boolean => payload.includes('"errors":[');
