import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Fault, fault } from '../../../src/base/fault.ts';
import { type Micros, micros, systemClock } from '../../../src/base/time.ts';
import { type CaptureEnd, captureFrames } from '../../../src/camera/capture.ts';
import { createChangeMeter } from '../../../src/camera/change.ts';
import type { FreezeMeter } from '../../../src/camera/freeze.ts';
import { createThrottle } from '../../../src/camera/throttle.ts';
import { imbalanceOf, type Ledger } from '../../../src/contract/ledger.ts';
import type { RingOrder } from '../../../src/contract/ring.ts';
import { openConsumer, type ReadableFrame } from '../../../src/ring/consumer.ts';
import { openCustodian } from '../../../src/ring/custodian.ts';
import { createRing } from '../../../src/ring/layout.ts';
import { openProducer } from '../../../src/ring/producer.ts';
import {
  createScriptedSource,
  frame,
  type ScriptOptions,
  type Step,
  scriptedBytes,
  scriptedGeometry,
} from '../../support/scripted-source.ts';

const broken: Fault = fault('camera.frame-broken', 'half a frame', 'Check the cable.');
const unplugged: Fault = fault('camera.unplugged', 'it is gone', 'Plug it in.');
const hopeless: Fault = fault('camera.replay-unreadable', 'no video', 'Use another.');

const noDrops = { superseded: 0, full: 0, driver: 0, throttled: 0, stopped: 0 };

type Setting = ScriptOptions & {
  readonly order: RingOrder;
  readonly slots: number;
  readonly freeze: FreezeMeter;
};

/** A source with its script, a real ring, and all ends of it. */
function settingOf(script: readonly Step[], part: Partial<Setting> = {}) {
  const { order = 'fifo', slots = 4, lossless = false, onDue = () => {}, freeze } = part;
  const shape = { slots, slotBytes: scriptedBytes, order, readers: 1, workspaceBytes: 64 };
  const ring = createRing(shape);
  const producer = openProducer(ring, 1);
  const source = createScriptedSource(script, { lossless, onDue });
  const stop = new AbortController();
  const failures: Fault[] = [];
  let time = 0;
  /** Each look at the clock is ten milliseconds later. */
  const tick = (): Micros => {
    time += 10_000;
    return micros(time);
  };
  const clock = { ...systemClock, now: tick };
  const throttle = createThrottle(clock);
  return {
    source,
    producer,
    throttle,
    stop,
    failures,
    consumer: openConsumer(ring, 2, 0),
    custodian: openCustodian(ring),
    capture: (): Promise<CaptureEnd> =>
      captureFrames({
        source,
        producer,
        meter: createChangeMeter(),
        freeze,
        throttle: throttle,
        onFrameFailed: (reason) => failures.push(reason),
        clock,
        signal: stop.signal,
      }),
  };
}
type Scene = ReturnType<typeof settingOf>;

function assertLedger({ custodian }: Scene, part: Partial<Ledger>): void {
  const ledger = custodian.ledger();
  assert.deepEqual(ledger, {
    captured: 0,
    classified: 0,
    gated: 0,
    failed: 0,
    inFlight: 0,
    dropped: noDrops,
    ...part,
  });
  assert.equal(imbalanceOf(ledger), 0);
}

function takeAll({ consumer }: Scene): ReadableFrame[] {
  const frames: ReadableFrame[] = [];
  for (let one = consumer.claim(); one !== undefined; one = consumer.claim()) {
    frames.push(one);
    consumer.settle(one, 'classified');
  }
  return frames;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the event loop turn until this holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    assert.ok(turn < 10_000, 'it happens at all');
    await nextTurn();
  }
}

describe('capturing', () => {
  it('brings frames to readers as the source gives them', async () => {
    const scene = settingOf([frame(10), frame(10), frame(60), { kind: 'ended' }]);
    assert.deepEqual(await scene.capture(), { kind: 'ended' });
    assertLedger(scene, { captured: 3, inFlight: 3 });
    const frames = takeAll(scene);
    assert.deepEqual(
      frames.map((one) => [one.sequence, one.driverSequence, one.capturedAt, one.changeScore]),
      [
        [1, 0, 1000, 255],
        [2, 1, 2000, 0],
        [3, 2, 3000, 50],
      ],
    );
    for (const one of frames) {
      assert.deepEqual(one.geometry, scriptedGeometry);
      assert.equal(one.bytesUsed, scriptedBytes);
    }
    assert.ok(frames[2]?.pixels.every((level) => level === 60));
  });

  it('counts what the driver lost, before the frame that came after it', async () => {
    const scene = settingOf([frame(1), frame(2, 3), { kind: 'ended' }]);
    await scene.capture();
    assertLedger(scene, { captured: 5, inFlight: 2, dropped: { ...noDrops, driver: 3 } });
    assert.deepEqual(
      takeAll(scene).map(({ sequence, ordinal }) => [sequence, ordinal]),
      [
        [1, 1],
        [5, 2],
      ],
    );
  });

  it('counts a frame that failed, tells why, and goes on with the next', async () => {
    const failed: Step = { kind: 'failed', fault: broken };
    const scene = settingOf([frame(1), failed, failed, frame(2), { kind: 'ended' }], { slots: 3 });
    assert.deepEqual(await scene.capture(), { kind: 'ended' });
    assertLedger(scene, { captured: 4, inFlight: 2, failed: 2 });
    assert.deepEqual(scene.failures, [broken, broken]);
    assert.deepEqual(
      takeAll(scene).map(({ sequence }) => sequence),
      [1, 4],
    );
  });

  it('ends where a failure cannot be mended, which is counted too', async () => {
    const scene = settingOf([frame(1), { kind: 'failed', fault: hopeless }, frame(2)]);
    assert.deepEqual(await scene.capture(), { kind: 'failed', fault: hopeless });
    assertLedger(scene, { captured: 2, inFlight: 1, failed: 1 });
    assert.equal(scene.source.taken, 2);
  });

  it('ends where the source must be opened again, which is no frame', async () => {
    const scene = settingOf([frame(1), { kind: 'broken', fault: unplugged }, frame(2)]);
    assert.deepEqual(await scene.capture(), { kind: 'broken', fault: unplugged });
    assertLedger(scene, { captured: 1, inFlight: 1 });
    assert.deepEqual(scene.failures, []);
  });

  it('gives the slot back whichever way it ends, for the next source to use', async () => {
    for (const last of [
      { kind: 'ended' },
      { kind: 'broken', fault: unplugged },
      { kind: 'failed', fault: hopeless },
    ] as const) {
      const scene = settingOf([last], { slots: 1 });
      await scene.capture();
      assert.notEqual(scene.producer.claim(), undefined, last.kind);
    }
  });
});

describe('capturing into a full ring', () => {
  it('lets frames go and counts them, without waiting for a reader', async () => {
    const script = [1, 2, 3, 4, 5].map((level) => frame(level));
    const scene = settingOf(script, { slots: 2 });
    const ended = scene.capture();
    await until(() => scene.source.taken === script.length);
    await nextTurn();
    assertLedger(scene, { captured: 5, inFlight: 2, dropped: { ...noDrops, full: 3 } });
    scene.stop.abort();
    assert.deepEqual(await ended, { kind: 'aborted' });
    assert.deepEqual(
      takeAll(scene).map(({ sequence }) => sequence),
      [1, 2],
    );
  });

  it('takes frames again as soon as there is room', async () => {
    const script = [1, 2, 3, 4].map((level) => frame(level));
    const onDue = (index: number): void => {
      if (index === 3) takeAll(scene);
    };
    const scene: Scene = settingOf([...script, { kind: 'ended' }], { slots: 2, onDue });
    await scene.capture();
    assertLedger(scene, {
      captured: 4,
      classified: 2,
      inFlight: 1,
      dropped: { ...noDrops, full: 1 },
    });
    assert.deepEqual(
      takeAll(scene).map(({ sequence }) => sequence),
      [4],
    );
  });

  it('gives up an older frame where the newest is wanted, but none when it is stopped', async () => {
    const script = [1, 2, 3, 4].map((level) => frame(level));
    const scene = settingOf(script, { slots: 2, order: 'latest' });
    const ended = scene.capture();
    await until(() => scene.source.taken === script.length);
    await nextTurn();
    const expected = { captured: 4, inFlight: 2, dropped: { ...noDrops, superseded: 2 } };
    assertLedger(scene, expected);
    scene.stop.abort();
    assert.deepEqual(await ended, { kind: 'aborted' });
    assertLedger(scene, expected);
  });

  it('counts no frame where there is none: the end shows though nothing is read from the ring', async () => {
    const scene: Scene = settingOf([frame(1), { kind: 'ended' }], { slots: 1 });
    assert.deepEqual(await scene.capture(), { kind: 'ended' });
    assertLedger(scene, { captured: 1, inFlight: 1 });
  });
});

describe('capturing fewer frames than there are', () => {
  const levels = (count: number): Step[] => Array.from({ length: count }, (_, at) => frame(at));

  it('lets the others go without a slot, and counts them', async () => {
    const scene = settingOf([...levels(40), { kind: 'ended' }], { slots: 40 });
    // Frames come every twenty milliseconds here: the clock is looked at twice for each.
    scene.throttle.limit(10);
    assert.deepEqual(await scene.capture(), { kind: 'ended' });
    const { captured, inFlight, dropped } = scene.custodian.ledger();
    assert.equal(captured, 40);
    assert.ok(inFlight >= 8 && inFlight <= 12, `${inFlight} taken`);
    assertLedger(scene, { captured, inFlight, dropped: { ...noDrops, throttled: 40 - inFlight } });
    assert.equal(dropped.throttled, 40 - inFlight);
  });

  it('costs no waiting frame for one that is let go', async () => {
    const scene = settingOf([...levels(3), { kind: 'ended' }], { slots: 1, order: 'latest' });
    scene.throttle.limit(0.1);
    await scene.capture();
    assertLedger(scene, { captured: 3, inFlight: 1, dropped: { ...noDrops, throttled: 2 } });
    assert.deepEqual(
      takeAll(scene).map(({ sequence }) => sequence),
      [1],
    );
  });

  it('sees the end though no frame is wanted, and is no reason to lose one that must not be', async () => {
    const broken = settingOf([frame(1), { kind: 'broken', fault: unplugged }]);
    broken.throttle.limit(0.1);
    assert.deepEqual(await broken.capture(), { kind: 'broken', fault: unplugged });
    const lossless = settingOf([...levels(3), { kind: 'ended' }], { lossless: true });
    lossless.throttle.limit(0.1);
    await lossless.capture();
    assertLedger(lossless, { captured: 3, inFlight: 3 });
  });
});

describe('capturing a picture that stands still', () => {
  it('ends with the frame by which it is found, which is a frame like others', async () => {
    const frozen = fault('camera.frozen', 'it stands still', 'Start it again.');
    const seen: number[] = [];
    const scene = settingOf([frame(1), frame(1), frame(1), frame(1)], {
      freeze: {
        see: (pixels, geometry, score) => {
          assert.deepEqual([pixels[0], geometry], [1, scriptedGeometry]);
          seen.push(score);
          return seen.length === 3 ? frozen : undefined;
        },
      },
    });
    assert.deepEqual(await scene.capture(), { kind: 'broken', fault: frozen });
    assert.deepEqual(seen, [255, 0, 0]);
    assertLedger(scene, { captured: 3, inFlight: 3 });
  });
});

describe('capturing from a source that must lose nothing', () => {
  it('waits for its readers, so that each frame arrives', async () => {
    const script = Array.from({ length: 40 }, (_, index) => frame(index));
    const scene = settingOf([...script, { kind: 'ended' }], { slots: 3, lossless: true });
    const ended = scene.capture().then((end) => {
      scene.producer.end();
      return end;
    });
    const levels: (number | undefined)[] = [];
    while (!scene.consumer.isDrained()) {
      const one = scene.consumer.claim();
      if (one === undefined) {
        await scene.consumer.untilReady();
        continue;
      }
      levels.push(one.pixels[0]);
      scene.consumer.settle(one, 'classified');
    }
    assert.deepEqual(await ended, { kind: 'ended' });
    assert.deepEqual(levels, [...script.keys()]);
    assertLedger(scene, { captured: 40, classified: 40 });
  });

  it('reads nothing while the ring is full', async () => {
    const scene = settingOf([frame(1), frame(2), frame(3)], { slots: 2, lossless: true });
    const ended = scene.capture();
    await until(() => scene.source.taken === 2);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    assert.equal(scene.source.taken, 2);
    assertLedger(scene, { captured: 2, inFlight: 2 });
    takeAll(scene);
    await until(() => scene.source.taken === 3);
    scene.stop.abort();
    assert.deepEqual(await ended, { kind: 'aborted' });
    assertLedger(scene, { captured: 3, classified: 2, inFlight: 1 });
  });

  it('can be stopped while it waits for a reader', async () => {
    const scene = settingOf([frame(1), frame(2)], { slots: 1, lossless: true });
    const ended = scene.capture();
    await until(() => scene.source.taken === 1);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    scene.stop.abort();
    scene.producer.wake();
    assert.deepEqual(await ended, { kind: 'aborted' });
    assertLedger(scene, { captured: 1, inFlight: 1 });
  });
});

describe('stopping', () => {
  it('ends the wait for a frame that does not come, and leaves no slot taken', async () => {
    const scene = settingOf([frame(1)], { slots: 2 });
    const ended = scene.capture();
    await until(() => scene.source.taken === 1);
    await nextTurn();
    scene.stop.abort();
    assert.deepEqual(await ended, { kind: 'aborted' });
    assertLedger(scene, { captured: 1, inFlight: 1 });
    assert.notEqual(scene.producer.claim(), undefined);
  });

  it('is no end of a source that was interrupted in the middle of a frame', async () => {
    for (const slots of [1, 2]) {
      // With one slot, which the first frame keeps, the second one is let go.
      const scene = settingOf([frame(1), { kind: 'ended' }], { slots });
      const { read } = scene.source;
      Object.assign(scene.source, {
        read: async (target: Uint8Array, signal: AbortSignal) => {
          const reading = await read(target, signal);
          if (reading.kind === 'ended') scene.stop.abort();
          return reading;
        },
      });
      assert.deepEqual(await scene.capture(), { kind: 'aborted' });
      assertLedger(scene, { captured: 1, inFlight: 1 });
    }
  });

  it('takes no frame that becomes due at that moment', async () => {
    const onDue = (index: number): void => {
      if (index === 1) scene.stop.abort();
    };
    const scene: Scene = settingOf([frame(1), frame(2)], { slots: 2, onDue });
    assert.deepEqual(await scene.capture(), { kind: 'aborted' });
    assert.equal(scene.source.taken, 1);
    assertLedger(scene, { captured: 1, inFlight: 1 });
    assert.notEqual(scene.producer.claim(), undefined);
  });

  it('before the first frame captures nothing', async () => {
    const scene = settingOf([frame(1)]);
    scene.stop.abort();
    assert.deepEqual(await scene.capture(), { kind: 'aborted' });
    assertLedger(scene, {});
  });

  it('gets through to a thread whose source is always ready', async () => {
    const script = Array.from({ length: 100_000 }, () => frame(1));
    const scene = settingOf(script, { order: 'latest', slots: 2 });
    const ended = scene.capture();
    setImmediate(() => scene.stop.abort());
    assert.deepEqual(await ended, { kind: 'aborted' });
    assert.ok(scene.source.taken < 10, `${scene.source.taken} frames`);
  });
});
