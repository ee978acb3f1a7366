import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, fault, success } from '../../../src/base/fault.ts';
import { createWallClock, micros } from '../../../src/base/time.ts';
import { snapshotResultSchema } from '../../../src/contract/commands.ts';
import { configSchema } from '../../../src/contract/config.ts';
import type { FramePicture, PictureRequest } from '../../../src/contract/threads.ts';
import { createSnapshots, type SnapshotsOptions } from '../../../src/daemon/snapshots.ts';
import type { Delivered, Publication } from '../../../src/mqtt/outgoing.ts';
import { silentLog, topics, wall } from '../../support/commands.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const never = new AbortController().signal;
const any = { sideMax: undefined, quality: undefined };

function open(config: object = {}, more: Partial<SnapshotsOptions> = {}) {
  const clock = createManualClock();
  const asked: PictureRequest[] = [];
  const encoded: number[] = [];
  const published: Publication[] = [];
  let outcome: Delivered = 'acknowledged';
  const snapshots = createSnapshots({
    topic: topics.snapshot,
    session: 'session',
    link: {
      publish: async (message) => {
        published.push(message);
        return outcome;
      },
    },
    clock,
    wallClock: createWallClock(clock, () => wall),
    log: silentLog,
    config: () => configSchema.parse(config),
    camera: () => ({ kind: 'opening' }),
    photograph: (request) => asked.push(request),
    encode: async (pixels, _width, _height, quality) => {
      encoded.push(quality);
      return success(pixels.subarray(0, 5));
    },
    ...more,
  });
  /** An inference worker answers the newest request. */
  const answer = async (part: Partial<FramePicture> = {}): Promise<void> => {
    snapshots.onPicture({
      id: asked.at(-1)?.id ?? -1,
      width: 4,
      height: 2,
      pixels: new Uint8Array(24),
      sequence: 12,
      capturedAt: micros(1_000_000),
      top: [{ label: 'bird', index: 1, score: 0.123456789 }],
      ...part,
    });
    await settled();
  };
  const deliver = (next: Delivered): void => {
    outcome = next;
  };
  return { snapshots, clock, asked, encoded, published, answer, deliver };
}

test('a picture is published with what is known of it, and answered', async () => {
  const { snapshots, asked, encoded, published, answer } = open({
    camera: { rotate: 90 },
    snapshot: { sideMax: 800, quality: 70 },
  });
  snapshots.onLabel('bird');
  const taken = snapshots.take(any, never);
  await settled();
  assert.deepEqual(asked, [{ id: 1, sideMax: 800, rotate: 90 }]);
  await answer();
  const outcome = await taken;
  assert.ok(outcome.ok);
  assert.deepEqual(snapshotResultSchema.parse(outcome.value), {
    topic: 'sightd/porch/snapshot',
    bytes: 5,
    width: 4,
    height: 2,
    sequence: 12,
    capturedAt: '2026-05-04T14:17:00.000Z',
    label: 'bird',
    score: 0.12346,
    settled: 'bird',
  });
  assert.deepEqual(encoded, [70]);
  const [message] = published;
  assert.deepEqual([message?.qos, message?.retain, message?.payload.length], [0, false, 5]);
  assert.deepEqual(message?.userProperties, {
    session: 'session',
    sequence: '12',
    capturedAt: '2026-05-04T14:17:00.000Z',
    label: 'bird',
    score: '0.12346',
    settled: 'bird',
  });
});

test('who asks may want less than the config allows, and not more', async () => {
  const { snapshots, asked, encoded, answer } = open({ snapshot: { sideMax: 800, quality: 70 } });
  for (const [sideMax, quality] of [
    [320, 40],
    [3840, 100],
  ]) {
    const taken = snapshots.take({ sideMax, quality }, never);
    await settled();
    await answer();
    assert.ok((await taken).ok);
  }
  assert.deepEqual(
    asked.map(({ sideMax }) => sideMax),
    [320, 800],
  );
  assert.deepEqual(encoded, [40, 70]);
});

test('without a frame it ends by itself, and a late picture is of no use', async () => {
  const { snapshots, clock, published, answer } = open({ camera: { fps: 10 } });
  const taken = snapshots.take(any, never);
  await settled();
  clock.advance(3200);
  const outcome = await taken;
  assert.ok(!outcome.ok);
  assert.equal(outcome.fault.code, 'snapshot.no-frame');
  await answer();
  assert.equal(published.length, 0);
});

test('a slow camera is waited for', async () => {
  const { snapshots, clock, answer } = open({ camera: { fps: 0.1 } });
  const taken = snapshots.take(any, never);
  await settled();
  clock.advance(20_000);
  await settled();
  await answer();
  assert.ok((await taken).ok);
});

test('a camera that is waited for is said at once', async () => {
  const reason = fault('camera.unplugged', 'it was unplugged', 'Plug it in.');
  const { snapshots, asked } = open({}, { camera: () => ({ kind: 'waiting', fault: reason }) });
  const outcome = await snapshots.take(any, never);
  assert.ok(!outcome.ok && outcome.fault.code === 'snapshot.no-frame');
  assert.match(outcome.fault.message, /it was unplugged/);
  assert.equal(outcome.fault.mend, 'Plug it in.');
  assert.equal(asked.length, 0);
});

test('a picture that the broker does not take, or that cannot be encoded, is a fault', async () => {
  const codes: string[] = [];
  for (const delivered of ['refused', 'lost'] as const) {
    const { snapshots, answer, deliver } = open();
    deliver(delivered);
    const taken = snapshots.take(any, never);
    await settled();
    await answer();
    const outcome = await taken;
    codes.push(outcome.ok ? 'ok' : outcome.fault.code);
  }
  const broken = failure(fault('camera.picture', 'no', 'no'));
  const { snapshots, answer } = open({}, { encode: async () => broken });
  const taken = snapshots.take(any, never);
  await settled();
  await answer();
  assert.equal(await taken, broken);
  assert.deepEqual(codes, ['mqtt.message-too-large', 'snapshot.unsent']);
});

test('a stop ends the wait for a frame', async () => {
  const { snapshots } = open();
  const stop = new AbortController();
  const taken = snapshots.take(any, stop.signal);
  await settled();
  stop.abort();
  const outcome = await taken;
  assert.ok(!outcome.ok && outcome.fault.code === 'command.interrupted');
});

test('two who ask get a picture each, one after the other', async () => {
  const { snapshots, asked, answer } = open();
  const both = [snapshots.take(any, never), snapshots.take(any, never)];
  await settled();
  assert.equal(asked.length, 1);
  await answer();
  assert.equal(asked.length, 2);
  await answer();
  assert.deepEqual(
    (await Promise.all(both)).map(({ ok }) => ok),
    [true, true],
  );
});

test('a settled label that changes is shown where asked for, once a second at the most', async () => {
  const { snapshots, clock, published, answer } = open({ publish: { snapshot: 'label' } });
  const see = async (label: string | undefined): Promise<void> => {
    snapshots.onLabel(label);
    await settled();
  };
  await see(undefined);
  await see('bird');
  await see('bird');
  await answer();
  assert.equal(published.length, 1);
  await see('cat');
  await see('dog');
  await answer();
  assert.equal(published.length, 1, 'not within the same second');
  clock.advance(1000);
  await settled();
  await answer();
  assert.equal(published.length, 2);
  assert.equal(published[1]?.userProperties['settled'], 'dog');
  clock.advance(1000);
  await settled();
  await see(undefined);
  await answer();
  assert.equal(published[2]?.userProperties['settled'], '');
  snapshots.stop();
});

test('by itself nothing is published', async () => {
  const { snapshots, asked } = open();
  snapshots.onLabel('bird');
  await settled();
  assert.equal(asked.length, 0);
});
