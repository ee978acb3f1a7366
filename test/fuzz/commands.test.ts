import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { createRandom, type Random } from '../../src/base/random.ts';
import { answerSchemas, commandNames } from '../../src/contract/commands.ts';
import { waitingMax } from '../../src/daemon/command-answers.ts';
import type { Perform } from '../../src/daemon/commands.ts';
import type { Incoming } from '../../src/mqtt/subscriptions.ts';
import { commandOf, later, openTestCommands } from '../support/commands.ts';
import { settled } from '../support/manual-clock.ts';

/*
 * A flood of FUZZ_COMMANDS commands (100,000) from FUZZ_SEED, which is printed: good ones, stale ones and
 * rubbish. Every one is answered exactly once, and the answers that wait are bounded at every instant.
 */

const total = Number(process.env['FUZZ_COMMANDS'] ?? 100_000);
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31));

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

const ids: readonly ((random: Random) => unknown)[] = [
  (random) => `id ${Math.floor(random() * 1000)}`,
  (random) => `id ${random()}`,
  (random) => 'é'.repeat(Math.floor(random() * 80)),
  () => 7,
  () => null,
  () => '\0"\\\u2028',
];
const instants: readonly ((random: Random) => unknown)[] = [
  (random) => later(random() * 86_000),
  (random) => later(random() * 100),
  (random) => later((random() - 0.5) * 400_000),
  () => 'tomorrow',
  () => 0,
];
const keys: readonly ((random: Random) => object)[] = [
  () => ({}),
  () => ({}),
  () => ({ what: 'inference' }),
  () => ({ config: { label: { enter: 0.5 } } }),
  (random) => ({ sideMax: Math.floor(random() * 5000) }),
  (random) => ({ extra: 'x'.repeat(random() * 6000) }),
];
const topics: readonly (string | undefined)[] = [
  undefined,
  'answers',
  'a/+',
  '$SYS',
  '',
  'sightd/porch/config/desired',
  'sightd/porch/response/own',
];

function payloadOf(random: Random): Uint8Array {
  const id = pick(random, ids)(random);
  const expiresAt = pick(random, instants)(random);
  const bytes = Buffer.from(JSON.stringify({ id, expiresAt, ...pick(random, keys)(random) }));
  if (random() < 0.7) return bytes;
  if (random() < 0.5) return bytes.subarray(0, 1 + random() * (bytes.length - 1));
  bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

/** The number of the command is its correlation data. */
function messageOf(random: Random, number: number): Incoming {
  const responseTopic = pick(random, topics);
  const correlationData = Buffer.from(String(number));
  return commandOf(pick(random, commandNames), payloadOf(random), {
    retained: random() < 0.05,
    properties: { correlationData, ...(responseTopic === undefined ? {} : { responseTopic }) },
  });
}

test(`every command of a flood is answered exactly once (FUZZ_SEED=${seed})`, async () => {
  const random = createRandom(seed);
  let unfinished: (() => void)[] = [];
  let obeyed = 0;
  const perform: Perform = () =>
    new Promise((resolve) => {
      obeyed += 1;
      unfinished.push(() => resolve({ ok: true, value: { what: 'inference' } }));
    });
  const { line, clock } = openTestCommands(perform);
  const finish = async (): Promise<void> => {
    const finished = unfinished;
    unfinished = [];
    for (const done of finished) done();
    await settled();
  };
  let asked = 0;
  const answers = new Map<string, number>();
  let read = 0;
  let unanswered = 0;
  const count = (): void => {
    for (const { correlationData, payload, topic } of line.published.slice(read)) {
      const number = String(correlationData);
      answers.set(number, (answers.get(number) ?? 0) + 1);
      assert.ok(!/[#+$]|config\/desired/.test(topic), topic);
      const schema = answerSchemas.restart;
      assert.ok(schema.safeParse(JSON.parse(String(payload))).success, String(payload));
    }
    read = line.published.length;
    unanswered = Math.max(unanswered, asked - read);
  };
  while (asked < total) {
    const size = Math.min(total - asked, Math.floor(random() ** 4 * 20_000) + 1);
    const batch = Array.from({ length: size }, () => {
      asked += 1;
      return messageOf(random, asked);
    });
    await line.receive(batch);
    count();
    if (random() < 0.7) await finish();
    clock.advance(Math.floor(random() * 3000));
    await settled();
    count();
  }
  await finish();
  await settled();
  count();
  assert.equal(answers.size, total);
  assert.ok([...answers.values()].every((number) => number === 1));
  assert.ok(obeyed > 0 && obeyed < total);
  // What waits, what is under way, and one at work for each name.
  assert.ok(unanswered <= waitingMax + 8 + commandNames.length, `${unanswered} unanswered`);
});
