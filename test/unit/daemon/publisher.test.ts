import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import {
  type Clock,
  createWallClock,
  type Micros,
  micros,
  millis,
} from '../../../src/base/time.ts';
import { configSchema } from '../../../src/contract/config.ts';
import { topicsOf } from '../../../src/contract/contract.ts';
import {
  type LabelMessage,
  labelMessageSchema,
  type ResultMessage,
  resultMessageSchema,
} from '../../../src/contract/messages.ts';
import type { Classification, ModelFile } from '../../../src/contract/threads.ts';
import { createPublisher, type Published } from '../../../src/daemon/publisher.ts';
import type { Link } from '../../../src/mqtt/link.ts';
import type { Outbox } from '../../../src/mqtt/outbox.ts';

const labels = ['empty', 'bird', 'car'];
const model: ModelFile = {
  name: 'visitors',
  version: '1.0.0',
  path: '/visitors.onnx',
  labels,
  input: {
    layout: 'nhwc',
    type: 'uint8',
    color: 'rgb',
    width: 8,
    height: 8,
    scale: 1,
    mean: 0,
    std: 1,
    resize: { rule: 'squash' },
  },
  outputKind: 'probabilities',
};

type Given = {
  readonly config?: object;
  readonly isLossless?: boolean;
};

/** A publisher whose time is set by hand and whose link keeps what it is given. */
function createBench({ config = {}, isLossless = false }: Given) {
  let now = 1_000_000_000;
  let accepts = true;
  const sent: { topic: string; payload: string }[] = [];
  const retained: { topic: string; payload: string }[] = [];
  const published: Published[] = [];
  const link: Pick<Link, 'send'> = {
    send: (topic, payload) => {
      if (accepts) sent.push({ topic, payload });
      return accepts;
    },
  };
  const outbox: Pick<Outbox, 'offer'> = {
    offer: (kind, topic, payloadOf, retain) => {
      assert.deepEqual([kind, retain], ['label', true]);
      const id = retained.length + 1;
      retained.push({ topic, payload: payloadOf(id) });
      return id;
    },
  };
  const clock: Clock = { now: (): Micros => micros(now), sleep: async () => {} };
  const publisher = createPublisher({
    config: configSchema.parse(config),
    session: 'session',
    model,
    topics: topicsOf('sightd', 'porch'),
    link,
    outbox,
    clock,
    wallClock: createWallClock(clock, () => Date.UTC(2026, 0, 1)),
    isLossless: () => isLossless,
    onPublished: (item) => published.push(item),
  });
  let sequence = 0;
  const publish = (changes: Partial<Classification> = {}): void => {
    sequence += 1;
    publisher.publish({
      sequence,
      ordinal: sequence,
      capturedAt: micros(now - 40_000),
      inference: millis(12.3456),
      top: [{ label: 'empty', index: 0, score: 0.9 }],
      watched: [],
      ...changes,
    });
  };
  return {
    publisher,
    publish,
    sent,
    retained,
    published,
    pass: (microseconds: number) => {
      now += microseconds;
    },
    breakLink: () => {
      accepts = false;
    },
    labelMessages: () => retained.map(({ payload }) => JSON.parse(payload) as LabelMessage),
    results: () => publisher.figures().results,
  };
}

type Bench = ReturnType<typeof createBench>;

/** Publishes at `fps` for so many seconds; returns how many results went out. */
function play(bench: Bench, fps: number, seconds: number): number {
  const before = bench.sent.length;
  for (let frame = 0; frame < fps * seconds; frame += 1) {
    bench.publish();
    bench.pass(1_000_000 / fps);
  }
  return bench.sent.length - before;
}

const best = (label: string, score: number) => [{ label, index: labels.indexOf(label), score }];

test('a result says what was seen, when, and how long it took', () => {
  const bench = createBench({});
  bench.publish({ top: best('bird', 0.123456789) });
  const [message] = bench.sent;
  assert.equal(message?.topic, 'sightd/porch/result');
  const result = resultMessageSchema.parse(JSON.parse(message?.payload ?? ''));
  const expected: ResultMessage = {
    session: 'session',
    sequence: 1,
    capturedAt: '2025-12-31T23:59:59.960Z',
    clockSynced: true,
    latencyMs: 40,
    inferenceMs: 12.35,
    model: { name: 'visitors', version: '1.0.0' },
    top: [{ label: 'bird', index: 1, score: 0.12346 }],
  };
  assert.deepEqual(result, expected);
});

test('thinned results meet their rate on average, whatever the rate of frames', () => {
  for (const [fps, rate] of [
    [30, 5],
    [30, 7],
    [24, 10],
    [25, 0.5],
    [200, 1],
  ] as const) {
    const bench = createBench({ config: { publish: { resultsPerSecondMax: rate } } });
    const results = play(bench, fps, 120);
    assert.ok(Math.abs(results - 120 * rate) <= 3, `${fps} fps, ${rate} a second: ${results}`);
  }
});

test('thinned results meet their rate on average when frames come unevenly', () => {
  const random = createRandom(8);
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 5 } } });
  let elapsed = 0;
  while (elapsed < 200) {
    bench.publish();
    const gap = 0.02 + random() * 0.03;
    bench.pass(gap * 1_000_000);
    elapsed += gap;
  }
  assert.ok(Math.abs(bench.sent.length - 1000) <= 10, `${bench.sent.length} results`);
});

test('no second has more results than the limit and one, the first one neither', () => {
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 5 } } });
  for (let second = 0; second < 5; second += 1) {
    const results = play(bench, 30, 1);
    assert.ok(results <= 6, `second ${second}: ${results} results`);
  }
});

test('after a pause the rate begins anew: nothing is made up for', () => {
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 5 } } });
  play(bench, 30, 2);
  bench.pass(60_000_000);
  const before = bench.sent.length;
  bench.publish();
  assert.equal(bench.sent.length, before + 1, 'the first frame after the pause is published');
  bench.pass(33_333);
  play(bench, 29, 1);
  const results = bench.sent.length - before;
  assert.ok(results <= 6, `${results} results in the second after the pause`);
});

test('frames that come more slowly than the limit are all published', () => {
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 5 } } });
  assert.equal(play(bench, 4, 50), 200);
});

test('without a limit, and in a lossless replay, no result is thinned', () => {
  const unlimited = createBench({ config: { publish: { resultsPerSecondMax: 0 } } });
  assert.equal(play(unlimited, 240, 2), 480);
  const lossless = createBench({
    config: { publish: { resultsPerSecondMax: 1 } },
    isLossless: true,
  });
  assert.equal(play(lossless, 240, 2), 480);
  assert.deepEqual(lossless.results(), { published: 480, thinned: 0, unsent: 0 });
});

test('every classification is published, thinned or unsent, and counted once', () => {
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 5 } } });
  play(bench, 30, 4);
  bench.breakLink();
  play(bench, 30, 4);
  const { published, thinned, unsent } = bench.results();
  assert.equal(published, bench.sent.length);
  assert.ok(unsent >= 19 && unsent <= 21, `${unsent} unsent`);
  assert.equal(published + thinned + unsent, 240);
});

test('results that are switched off are neither sent nor counted, but the label goes on', () => {
  const bench = createBench({ config: { publish: { results: false } } });
  play(bench, 30, 2);
  assert.deepEqual(bench.sent, []);
  assert.deepEqual(bench.results(), { published: 0, thinned: 0, unsent: 0 });
  assert.equal(bench.retained.length, 1);
});

test('the label is retained when it changes and only then', () => {
  const bench = createBench({ config: { label: { smoothing: 0, holdSeconds: 0 } } });
  for (const [label, score] of [
    ['bird', 0.5], // Not yet enough.
    ['bird', 0.8],
    ['bird', 0.9],
    ['car', 0.8],
    ['car', 0.45], // Kept: above exit.
    ['car', 0.1],
    ['car', 0.2],
  ] as const) {
    bench.publish({ top: best(label, score) });
    bench.pass(100_000);
  }
  assert.deepEqual(
    bench
      .labelMessages()
      .map(({ id, previous, label, score, sequence }) => [id, previous, label, score, sequence]),
    [
      [1, null, 'bird', 0.8, 2],
      [2, 'bird', 'car', 0.8, 4],
      [3, 'car', null, 0, 6],
    ],
  );
  for (const { topic } of bench.retained) assert.equal(topic, 'sightd/porch/label');
  for (const message of bench.labelMessages()) labelMessageSchema.parse(message);
  assert.equal(bench.labelMessages()[0]?.since, '2026-01-01T00:00:00.060Z');
});

test('the label follows every frame, thinned or unsent', () => {
  const bench = createBench({
    config: { publish: { resultsPerSecondMax: 0.001 }, label: { smoothing: 0, holdSeconds: 0 } },
  });
  bench.publish();
  bench.publish({ top: best('bird', 0.9) });
  bench.breakLink();
  bench.publish({ top: best('car', 0.9) });
  assert.deepEqual(
    bench.labelMessages().map(({ label }) => label),
    ['empty', 'bird', 'car'],
  );
});

test('a watched label counts though it is not among the best, and counts once when it is', () => {
  const config = { label: { smoothing: 0, holdSeconds: 0, thresholds: { bird: 0.1 } } };
  const bench = createBench({ config });
  bench.publish({ top: best('empty', 0.85), watched: best('bird', 0.12) });
  assert.equal(bench.labelMessages().at(-1)?.label, 'bird');
  assert.equal(bench.labelMessages().at(-1)?.score, 0.12);
  bench.publish({
    top: [...best('empty', 0.85), ...best('bird', 0.05)],
    watched: best('bird', 0.05),
  });
  assert.equal(bench.labelMessages().at(-1)?.label, 'empty');
});

test('the figures hold the durations since they were last asked for, of thinned frames too', () => {
  const bench = createBench({ config: { publish: { resultsPerSecondMax: 0.001 } } });
  bench.publish();
  bench.publish({ inference: millis(50) });
  const { latencyMs, inferenceMs } = bench.publisher.figures();
  assert.ok(Math.abs((latencyMs?.max ?? 0) - 40) < 0.1);
  assert.ok(Math.abs((inferenceMs?.max ?? 0) - 50) < 0.1);
  const again = bench.publisher.figures();
  assert.equal(again.latencyMs, undefined);
  assert.equal(again.inferenceMs, undefined);
});

test('whoever listens is told of every classification with its label', () => {
  const bench = createBench({ config: { publish: { results: false } } });
  bench.publish();
  bench.publish();
  assert.deepEqual(
    bench.published.map(({ classification, latencyMs, label }) => [
      classification.sequence,
      latencyMs,
      label,
    ]),
    [
      [1, 40, 'empty'],
      [2, 40, 'empty'],
    ],
  );
});

test('another config applies from the next frame on, and the label that was settled stays', () => {
  const bench = createBench({ config: { label: { smoothing: 0, holdSeconds: 0 } } });
  bench.publish({ top: best('bird', 0.9) });
  const config = configSchema.parse({
    label: { smoothing: 0, holdSeconds: 0, enter: 0.95, exit: 0.8 },
    publish: { results: false },
  });
  bench.publisher.configure({ config, model });
  bench.publish({ top: best('bird', 0.85) });
  bench.publish({ top: best('car', 0.9) });
  assert.equal(bench.sent.length, 1);
  assert.deepEqual(
    bench.labelMessages().map(({ label }) => label),
    ['bird', null],
  );
});
