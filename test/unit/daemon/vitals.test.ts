import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros } from '../../../src/base/time.ts';
import { configSchema } from '../../../src/contract/config.ts';
import { emptyLedger, type Ledger } from '../../../src/contract/ledger.ts';
import { createVitals } from '../../../src/daemon/vitals.ts';
import type { LinkState } from '../../../src/mqtt/connection.ts';
import { createManualClock } from '../../support/manual-clock.ts';

/** Vitals of a pipeline that is as the test says. */
function sampled() {
  const clock = createManualClock();
  const it = {
    ledger: emptyLedger,
    heard: 0,
    streamingSince: clock.now() as ReturnType<typeof clock.now> | undefined,
    isLossless: false,
    lastFailure: undefined as ReturnType<typeof fault> | undefined,
    waiting: 0,
    acknowledged: 0,
  };
  const link: LinkState = { kind: 'online', since: micros(0), protocol: 5 };
  const vitals = createVitals({
    clock,
    pipeline: {
      phase: () => 'running',
      camera: () => ({ kind: 'opening' }),
      ledger: () => it.ledger,
      vitals: () => ({
        camera: { signs: undefined, died: undefined },
        readers: [],
        heard: { count: it.heard, at: undefined },
        lastFailure: it.lastFailure,
        streamingSince: it.streamingSince,
        isLossless: it.isLossless,
        troubles: { camera: 0, inference: 0 },
      }),
    },
    config: () => configSchema.parse({}),
    link: () => link,
    delivery: () => ({ waiting: it.waiting, acknowledged: it.acknowledged }),
    outside: () => ({
      ...{ outbox: undefined, config: undefined, disk: undefined, power: undefined },
      memory: undefined,
    }),
  });
  const grow = (more: Partial<Ledger>): void => {
    it.ledger = { ...it.ledger, ...more };
  };
  return { clock, it, grow, sample: vitals.sample };
}

test('how long no frame was captured is known of live sources only', () => {
  const { clock, it, grow, sample } = sampled();
  sample();
  clock.advance(5000);
  assert.equal(sample().camera.sinceFrame, 5000);
  assert.equal(sample().camera.hasFrame, false);
  grow({ captured: 1, inFlight: 1 });
  assert.equal(sample().camera.sinceFrame, 0);
  assert.equal(sample().camera.hasFrame, true);
  it.isLossless = true;
  clock.advance(60_000);
  assert.equal(sample().camera.sinceFrame, undefined);
  it.isLossless = false;
  it.streamingSince = undefined;
  assert.equal(sample().camera.sinceFrame, undefined, 'it has ended, or is not open');
});

test('a stream that begins anew is given its time from then on, and must give a frame', () => {
  const { clock, it, grow, sample } = sampled();
  grow({ captured: 10, classified: 10 });
  sample();
  clock.advance(30_000);
  it.streamingSince = clock.now();
  assert.deepEqual([sample().camera.sinceFrame, sample().camera.hasFrame], [0, false]);
  grow({ captured: 11, classified: 11 });
  assert.equal(sample().camera.hasFrame, true);
});

test('frames that wait without one being classified are counted from the last that was', () => {
  const { clock, grow, sample } = sampled();
  grow({ captured: 3, classified: 1, inFlight: 2 });
  sample();
  clock.advance(4000);
  assert.equal(sample().sinceClassified, 4000);
  grow({ classified: 2, inFlight: 1 });
  assert.equal(sample().sinceClassified, 0);
  grow({ classified: 3, inFlight: 0 });
  clock.advance(9000);
  assert.equal(sample().sinceClassified, undefined, 'nothing waits');
});

test('only failures, and why, until a frame is classified again', () => {
  const { clock, it, grow, sample } = sampled();
  it.lastFailure = fault('inference.failed', 'no', 'mend');
  grow({ captured: 2, classified: 1, failed: 1 });
  assert.equal(sample().failing, undefined, 'one was classified meanwhile');
  grow({ captured: 3, failed: 2 });
  sample();
  for (let more = 3; more < 8; more += 1) {
    clock.advance(4000);
    grow({ captured: more + 1, failed: more });
    sample();
  }
  assert.equal(sample().failing?.since, 20_000);
  assert.equal(sample().failing?.fault.code, 'inference.failed');
  clock.advance(6000);
  assert.equal(sample().failing, undefined, 'nothing comes any more, and so nothing fails');
  grow({ captured: 9, failed: 8 });
  sample();
  it.streamingSince = clock.now();
  assert.equal(sample().failing, undefined, 'another stream begins without a past');
  grow({ captured: 10, classified: 2 });
  assert.equal(sample().failing, undefined);
});

test('classified frames that are not heard of, and a ledger that does not add up', () => {
  const { clock, it, grow, sample } = sampled();
  grow({ captured: 1, classified: 1 });
  sample();
  clock.advance(3000);
  assert.equal(sample().unheard, 3000);
  it.heard = 1;
  assert.equal(sample().unheard, undefined);
  assert.equal(sample().unbalanced, undefined);
  grow({ captured: 5 });
  sample();
  clock.advance(2000);
  assert.equal(sample().unbalanced, 2000);
});

test('a broker that is connected must acknowledge what waits', () => {
  const { clock, it, sample } = sampled();
  it.waiting = 2;
  sample();
  clock.advance(61_000);
  assert.equal(sample().unacknowledged, 61_000);
  it.acknowledged = 1;
  assert.equal(sample().unacknowledged, 0);
  it.waiting = 0;
  assert.equal(sample().unacknowledged, undefined);
});
