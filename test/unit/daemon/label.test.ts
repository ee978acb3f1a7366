import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/base/random.ts';
import { micros } from '../../../src/base/time.ts';
import { configSchema, type LabelConfig } from '../../../src/contract/config.ts';
import { type LabelState, stepLabel, unsettled } from '../../../src/daemon/label.ts';

/** No smoothing and no hold, unless a test says otherwise: each score counts as it is. */
function settings(changes: Partial<LabelConfig>): LabelConfig {
  const plain = { smoothing: 0, holdSeconds: 0, enter: 0.6, exit: 0.4, thresholds: {} };
  return configSchema.parse({ label: { ...plain, ...changes } }).label;
}

type Scores = Readonly<Record<string, number>>;

const step = (state: LabelState, scores: Scores, second: number, config: LabelConfig): LabelState =>
  stepLabel(
    state,
    Object.entries(scores).map(([label, score]) => ({ label, score })),
    micros(second * 1_000_000),
    config,
  );

/** The labels after each of `frames`, a second apart. */
function labelsOf(frames: readonly Scores[], config: LabelConfig): (string | undefined)[] {
  let state = unsettled;
  return frames.map((scores, second) => {
    state = step(state, scores, second, config);
    return state.settled?.label;
  });
}

const none = undefined;
const rows: readonly {
  readonly what: string;
  readonly config: Partial<LabelConfig>;
  readonly frames: readonly Scores[];
  readonly labels: readonly (string | undefined)[];
}[] = [
  {
    what: 'a label is taken up exactly from enter on',
    config: {},
    frames: [{ cat: 0.59 }, { cat: 0.6 }],
    labels: [none, 'cat'],
  },
  {
    what: 'a label is kept down to exit and given up below it',
    config: {},
    frames: [{ cat: 0.7 }, { cat: 0.5 }, { cat: 0.4 }, { cat: 0.39 }, { cat: 0.5 }],
    labels: ['cat', 'cat', 'cat', none, none],
  },
  {
    what: 'a label that is seen no more is given up',
    config: {},
    frames: [{ cat: 0.9 }, {}],
    labels: ['cat', none],
  },
  {
    what: 'a better label takes over only once it may be taken up itself',
    config: {},
    frames: [{ cat: 0.7 }, { cat: 0.45, dog: 0.55 }, { cat: 0.4, dog: 0.6 }],
    labels: ['cat', 'cat', 'dog'],
  },
  {
    what: 'of two equal labels the settled one stays',
    config: { enter: 0.4, exit: 0.3 },
    frames: [{ dog: 0.5 }, { cat: 0.5, dog: 0.5 }, { cat: 0.51, dog: 0.49 }],
    labels: ['dog', 'dog', 'cat'],
  },
  {
    what: 'of two equal labels the first named is taken up',
    config: { enter: 0.4, exit: 0.3 },
    frames: [{ cat: 0.5, dog: 0.5 }],
    labels: ['cat'],
  },
  {
    what: 'a label stays for its hold, though another is better or it is gone',
    config: { holdSeconds: 3 },
    frames: [{ cat: 0.9 }, { dog: 0.9 }, {}, { dog: 0.9 }],
    labels: ['cat', 'cat', 'cat', 'dog'],
  },
  {
    what: 'the hold begins anew with every label',
    config: { holdSeconds: 2 },
    frames: [{ cat: 0.9 }, { dog: 0.9 }, { dog: 0.9 }, { cat: 0.9 }, { cat: 0.9 }],
    labels: ['cat', 'cat', 'dog', 'dog', 'cat'],
  },
  {
    what: 'a label with a threshold of its own is taken up from that, before a better one',
    config: { thresholds: { bird: 0.2 } },
    frames: [
      { cat: 0.79, bird: 0.19 },
      { cat: 0.79, bird: 0.2 },
    ],
    labels: ['cat', 'bird'],
  },
  {
    what: 'the exit of such a label keeps the proportion of exit to enter',
    // 0.3 · 0.4 / 0.8 = 0.15.
    config: { enter: 0.8, exit: 0.4, thresholds: { bird: 0.3 } },
    frames: [{ bird: 0.3 }, { bird: 0.16 }, { bird: 0.14 }],
    labels: ['bird', 'bird', none],
  },
  {
    what: 'a label with a threshold of its own is not replaced by one without',
    config: { thresholds: { bird: 0.2 } },
    frames: [{ bird: 0.3 }, { bird: 0.15, cat: 0.85 }, { bird: 0.13, cat: 0.87 }],
    labels: ['bird', 'bird', 'cat'],
  },
  {
    what: 'of two labels with thresholds the one further above its own goes first',
    config: { thresholds: { bird: 0.2, car: 0.5 } },
    frames: [{ car: 0.6, bird: 0.3 }],
    labels: ['bird'],
  },
  {
    what: 'a threshold above enter makes a label harder to take up',
    config: { thresholds: { cat: 0.9 } },
    frames: [{ cat: 0.85 }, { cat: 0.9 }],
    labels: [none, 'cat'],
  },
  {
    what: 'a label named like a part of every object has no threshold of its own',
    config: {},
    frames: [{ constructor: 0.5 }, { constructor: 0.9 }, { cat: 0.95, constructor: 0.05 }],
    labels: [none, 'constructor', 'cat'],
  },
];

for (const { what, config, frames, labels } of rows) {
  test(what, () => assert.deepEqual(labelsOf(frames, settings(config)), labels));
}

test('the first frame counts whole: no past that was never seen holds it back', () => {
  const state = step(unsettled, { cat: 0.9 }, 0, settings({ smoothing: 0.9 }));
  assert.equal(state.settled?.label, 'cat');
  assert.ok(Math.abs((state.settled?.score ?? 0) - 0.9) < 1e-12);
});

test('smoothing weighs the past: one odd frame changes nothing, several do', () => {
  const steady = { cat: 0.9, dog: 0.1 };
  const odd = { cat: 0.1, dog: 0.9 };
  const config = settings({ smoothing: 0.8 });
  assert.deepEqual(labelsOf([steady, steady, odd, steady], config), ['cat', 'cat', 'cat', 'cat']);
  assert.deepEqual(labelsOf([steady, ...new Array<Scores>(8).fill(odd)], config).at(-1), 'dog');
});

test('a smoothed score is the exponential average, an absent label counting as 0', () => {
  const config = settings({ smoothing: 0.5 });
  let state = step(unsettled, { cat: 0.8 }, 0, config);
  state = step(state, { cat: 0.4 }, 1, config);
  assert.ok(Math.abs((state.smoothed.get('cat') ?? 0) - 0.6) < 1e-12);
  state = step(state, { dog: 1 }, 2, config);
  assert.ok(Math.abs((state.smoothed.get('cat') ?? 0) - 0.3) < 1e-12);
  assert.ok(Math.abs((state.smoothed.get('dog') ?? 0) - 0.5) < 1e-12);
});

test('labels long unseen are forgotten, so that what is kept stays small', () => {
  const config = settings({ smoothing: 0.5 });
  let state = unsettled;
  for (let frame = 0; frame < 1000; frame += 1) {
    state = step(state, { [`label ${frame}`]: 1 }, frame, config);
    assert.ok(state.smoothed.size <= 11, `${state.smoothed.size} labels are kept`);
  }
  assert.ok(!state.smoothed.has('label 0'));
});

test('a held label that is gone shows the score it has, and since stays when it was taken up', () => {
  const config = settings({ holdSeconds: 10 });
  let state = step(unsettled, { cat: 0.9 }, 3, config);
  state = step(state, { dog: 0.9 }, 4, config);
  assert.deepEqual(state.settled, { label: 'cat', score: 0, since: micros(3_000_000) });
});

test('a step leaves the state before it as it was', () => {
  const config = settings({ smoothing: 0.5 });
  const before = step(unsettled, { cat: 0.9 }, 0, config);
  const copy = structuredClone(before);
  step(before, { dog: 0.9 }, 1, config);
  assert.deepEqual(before, copy);
  assert.equal(unsettled.smoothed.size, 0);
});

test('whatever the scores, a label is taken up from its enter and never leaves within its hold', () => {
  const config = settings({ smoothing: 0.6, holdSeconds: 2, thresholds: { bird: 0.3 } });
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = createRandom(seed);
    let state = unsettled;
    for (let frame = 0; frame < 200; frame += 1) {
      const scores = { cat: random(), dog: random(), bird: random() * 0.5 };
      const next = step(state, scores, frame / 4, config);
      const text = `seed ${seed}, frame ${frame}`;
      const { settled } = next;
      if (settled !== undefined && settled.label !== state.settled?.label) {
        const enter = settled.label === 'bird' ? 0.3 : 0.6;
        assert.ok(settled.score >= enter, text);
      }
      if (state.settled !== undefined && settled?.label !== state.settled.label) {
        assert.ok(frame / 4 - state.settled.since / 1e6 >= 2, text);
      }
      for (const score of next.smoothed.values()) assert.ok(score >= 0 && score <= 1, text);
      state = next;
    }
  }
});
