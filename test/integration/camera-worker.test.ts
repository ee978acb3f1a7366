import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Millis, millis, seconds, systemClock } from '../../src/base/time.ts';
import { configSchema } from '../../src/contract/config.ts';
import { type FrameSize, frameBytesOf } from '../../src/contract/frame.ts';
import { imbalanceOf, type Ledger } from '../../src/contract/ledger.ts';
import type { RingHandle } from '../../src/contract/ring.ts';
import type {
  CameraCommand,
  CameraInjection,
  CameraReport,
  SourceDescription,
  WorkerBirth,
} from '../../src/contract/threads.ts';
import { ledgerOf } from '../../src/ring/custodian.ts';
import { createRing } from '../../src/ring/layout.ts';
import { createPulse, signsOf } from '../../src/ring/pulse.ts';

/*
 * The camera's thread, with the built-in scene, and with the troubles that it can be given: what it
 * says of them, and what it does when it is told.
 */

const small = { width: 320, height: 240 };
const large = { width: 640, height: 480 };

const ringOf = ({ width, height }: FrameSize): RingHandle =>
  createRing({
    slots: 4,
    slotBytes: frameBytesOf({ format: 'YUYV', width, height, stride: width * 2, color: 'bt601' }),
    order: 'latest',
    readers: 1,
    workspaceBytes: 64,
  });

type Asked = FrameSize & { readonly frozenAfter?: Millis; readonly pace?: 'fast' };

function openWorker() {
  const workerData: WorkerBirth = { pulse: createPulse(systemClock) };
  const url = new URL('../../src/camera/worker.js', import.meta.url);
  const worker = new Worker(url, { workerData });
  const reports: CameraReport[] = [];
  worker.on('message', (report: CameraReport) => reports.push(report));
  const send = (command: CameraCommand): void => worker.postMessage(command);
  const openings = (): readonly SourceDescription[] =>
    reports.flatMap((report) => (report.kind === 'opened' ? [report.source] : []));
  /** What it said of this kind, `nth` from 0, once it did. */
  const said = async <Kind extends CameraReport['kind']>(
    kind: Kind,
    nth = 0,
  ): Promise<Extract<CameraReport, { kind: Kind }>> => {
    const find = () => reports.filter((report) => report.kind === kind)[nth];
    await until(() => find() !== undefined, `${kind} ${nth}, of ${JSON.stringify(reports)}`);
    return find() as Extract<CameraReport, { kind: Kind }>;
  };
  const ask = ({ frozenAfter, pace, ...size }: Asked): void => {
    const camera = { source: 'scene', ...size, fps: 100, ...(pace === undefined ? {} : { pace }) };
    const request = {
      config: configSchema.parse({ camera }).camera,
      need: size,
      frameDeadline: millis(300),
      frozenAfter,
    };
    send({ kind: 'open', request });
  };
  const start = (opening: number, ring: RingHandle): void =>
    send({ kind: 'start', opening, ring, owner: 1 });
  return {
    worker,
    pulse: workerData.pulse,
    reports,
    said,
    kinds: () => reports.map(({ kind }) => kind),
    /** What it is stuck with or waits for, in their order. */
    faults: () =>
      reports.flatMap((report) =>
        report.kind === 'stuck' || report.kind === 'waiting' ? [report.fault.code] : [],
      ),
    start,
    ask,
    recover: (by: 'stream' | 'device') => send({ kind: 'recover', by }),
    limit: (fps: number | undefined) => send({ kind: 'limit', fps }),
    inject: (
      what: CameraInjection['what'],
      mendedBy: CameraInjection['mendedBy'],
      length = 3600,
    ): void => send({ kind: 'inject', injection: { what, seconds: length, mendedBy } }),
    /** Opens the scene at a size; resolves once it is open. */
    open: async (size: Asked): Promise<void> => {
      const before = openings().length;
      ask(size);
      await said('opened', before);
    },
    /** Opens the scene and has it captured into a ring. */
    capture: async (asked: Asked = small): Promise<RingHandle> => {
      ask(asked);
      const ring = ringOf(asked);
      start((await said('opened')).opening, ring);
      await flows(ring);
      return ring;
    },
    openings,
    stop: async (): Promise<void> => {
      send({ kind: 'stop' });
      await once(worker, 'exit');
      assert.deepEqual(reports.at(-1), { kind: 'stopped' });
    },
  };
}
type CameraWorker = ReturnType<typeof openWorker>;

async function until(condition: () => boolean, what = `${condition}`): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const captured = (ring: RingHandle): number => ledgerOf(ring).captured;

/** Waits for frames. */
async function flows(ring: RingHandle): Promise<void> {
  const before = captured(ring);
  await until(() => captured(ring) > before + 3, 'frames come');
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('the answer to an earlier opening does not count, whatever its ring', async () => {
  for (const size of [small, large]) {
    const worker = openWorker();
    await worker.open(small);
    await worker.open(large);
    const [stale, ring] = [ringOf(size), ringOf(large)];
    worker.start(1, stale);
    worker.start(2, ring);
    await until(() => captured(ring) > 3);
    assert.equal(captured(stale), 0);
    assert.equal(worker.openings().length, 2);
    await worker.stop();
  }
});

test('an answer that comes twice changes nothing', async () => {
  const worker = openWorker();
  await worker.open(large);
  const ring = ringOf(large);
  worker.start(1, ring);
  await until(() => captured(ring) > 3);
  worker.start(1, ring);
  const before = captured(ring);
  await until(() => captured(ring) > before + 3);
  assert.equal(worker.openings().length, 1);
  await worker.stop();
});

test('a camera that stalls is left alone until its stream is to begin anew, in the same ring', async () => {
  const worker = openWorker();
  const ring = await worker.capture();
  worker.inject('stall', 'stream');
  const { fault } = await worker.said('stuck');
  assert.equal(fault.code, 'camera.stalled');
  const before = captured(ring);
  await pass(600);
  assert.equal(captured(ring), before);
  assert.deepEqual(worker.kinds(), ['opened', 'stuck']);
  worker.recover('stream');
  await worker.said('resumed');
  await flows(ring);
  assert.deepEqual(worker.kinds(), ['opened', 'stuck', 'resumed']);
  assert.equal(imbalanceOf(ledgerOf(ring)), 0);
  await worker.stop();
});

test('where the stream does not help it is stuck again, and the device is closed and opened', async () => {
  const worker = openWorker();
  const ring = await worker.capture();
  worker.inject('stall', 'device');
  await worker.said('stuck');
  worker.recover('stream');
  await worker.said('stuck', 1);
  worker.recover('device');
  const { opening } = await worker.said('opened', 1);
  assert.equal(opening, 2);
  worker.start(opening, ring);
  await flows(ring);
  assert.deepEqual(worker.kinds(), ['opened', 'stuck', 'resumed', 'stuck', 'opened']);
  await worker.stop();
});

test('what neither helps with, another thread does', async () => {
  const worker = openWorker();
  await worker.capture();
  worker.inject('broken', 'worker');
  for (const [nth, by] of (['stream', 'device', 'stream'] as const).entries()) {
    const { fault } = await worker.said('stuck', nth);
    assert.equal(fault.code, 'camera.broken');
    worker.recover(by);
    if (by === 'device') worker.start((await worker.said('opened', 1)).opening, ringOf(small));
  }
  await worker.said('stuck', 3);
  await worker.stop();
  const other = openWorker();
  await other.capture();
  await other.stop();
});

test('a stream that cannot begin anew is a device that is opened', async () => {
  const worker = openWorker();
  await worker.capture();
  worker.inject('unopenable', undefined, 2);
  assert.equal((await worker.said('stuck')).fault.code, 'camera.broken');
  for (let tries = 0; worker.openings().length < 2; tries += 1) {
    worker.recover('stream');
    await until(() => worker.kinds().length > tries + 2);
  }
  assert.ok(worker.kinds().every((kind) => kind === 'opened' || kind === 'stuck'));
  await worker.stop();
});

test('a picture that stands still is frozen, and moves again with another stream', async () => {
  const worker = openWorker();
  const ring = await worker.capture({ ...small, frozenAfter: seconds(1) });
  await pass(1500);
  assert.deepEqual(worker.kinds(), ['opened']);
  worker.inject('freeze', 'stream');
  const { fault } = await worker.said('stuck');
  assert.equal(fault.code, 'camera.frozen');
  worker.recover('stream');
  await worker.said('resumed');
  await flows(ring);
  await pass(1500);
  assert.deepEqual(worker.kinds(), ['opened', 'stuck', 'resumed']);
  await worker.stop();
});

test('a picture may stand still where that is asked for', async () => {
  const worker = openWorker();
  await worker.capture();
  worker.inject('freeze', undefined);
  await pass(1500);
  assert.deepEqual(worker.kinds(), ['opened']);
  await worker.stop();
});

test('a camera that is missing is waited for, and opened by itself', async () => {
  const worker = openWorker();
  const ring = await worker.capture();
  worker.inject('missing', undefined, 2);
  const { fault } = await worker.said('waiting');
  assert.equal(fault.code, 'camera.unplugged');
  // Nobody is asked to do anything about it.
  worker.recover('device');
  const { opening } = await worker.said('opened', 1);
  worker.start(opening, ring);
  await flows(ring);
  assert.ok(worker.faults().includes('camera.missing'));
  assert.ok(!worker.kinds().includes('stuck'));
  await worker.stop();
});

test('a camera that leaves while it is stuck is waited for, without being told', async () => {
  const worker = openWorker();
  await worker.capture();
  worker.inject('stall', undefined);
  await worker.said('stuck');
  worker.inject('missing', undefined, 1);
  await worker.said('waiting');
  await worker.said('opened', 1);
  assert.deepEqual(worker.faults().slice(0, 2), ['camera.stalled', 'camera.missing']);
  await worker.stop();
});

for (const [what, tell] of [
  ['the same', (worker: CameraWorker) => worker.ask(small)],
  ['another size', (worker: CameraWorker) => worker.ask(large)],
] as const) {
  test(`a stuck camera is opened again when it is asked for, at ${what}`, async () => {
    const worker = openWorker();
    await worker.capture();
    worker.inject('broken', 'device');
    await worker.said('stuck');
    tell(worker);
    const { opening } = await worker.said('opened', 1);
    const ring = ringOf(large);
    worker.start(opening, ring);
    await flows(ring);
    // An answer that is late means nothing.
    worker.recover('device');
    await flows(ring);
    assert.deepEqual(worker.kinds(), ['opened', 'stuck', 'opened']);
    await worker.stop();
  });
}

test('a stuck camera can be stopped, open or not', async () => {
  for (const what of ['stall', 'unopenable'] as const) {
    const worker = openWorker();
    if (what === 'stall') await worker.capture();
    worker.inject(what, undefined);
    if (what === 'unopenable') worker.ask(small);
    await worker.said('stuck');
    await worker.stop();
  }
});

test('a replay of what must not be lost ends with its fault', async () => {
  const worker = openWorker();
  await worker.capture({ ...small, pace: 'fast' });
  worker.inject('broken', undefined);
  const { fault } = await worker.said('fault');
  assert.equal(fault.code, 'camera.broken');
  await worker.stop();
});

test('fewer frames are taken when that is wanted, also after it was opened again', async () => {
  const worker = openWorker();
  const ring = await worker.capture();
  /** How many frames went into the ring, and how many were let go, in so long. */
  const ratesOf = async (): Promise<{ taken: number; throttled: number }> => {
    const before = ledgerOf(ring);
    await pass(1000);
    const after: Ledger = ledgerOf(ring);
    assert.equal(imbalanceOf(after), 0);
    const throttled = after.dropped.throttled - before.dropped.throttled;
    return { taken: after.captured - before.captured - throttled, throttled };
  };
  worker.limit(10);
  await until(() => ledgerOf(ring).dropped.throttled > 0);
  for (const again of [false, true]) {
    if (again) {
      worker.ask(small);
      worker.start((await worker.said('opened', 1)).opening, ring);
      await flows(ring);
    }
    const { taken, throttled } = await ratesOf();
    assert.ok(taken >= 5 && taken <= 12, `${taken} taken`);
    assert.ok(throttled > 2 * taken, `${throttled} let go`);
  }
  worker.limit(undefined);
  await pass(100);
  assert.equal((await ratesOf()).throttled, 0);
  await worker.stop();
});

test('its pulse shows that it lives, and that it hangs', async () => {
  const worker = openWorker();
  await worker.capture();
  await pass(1500);
  const alive = signsOf(worker.pulse, systemClock.now());
  assert.ok(alive.silent < 1000, `silent for ${alive.silent} ms`);
  assert.equal(alive.busy, undefined);
  worker.inject('hang', undefined, 2);
  await until(() => signsOf(worker.pulse, systemClock.now()).silent > 1200, 'it is silent');
  const hung = signsOf(worker.pulse, systemClock.now());
  assert.ok(hung.busy !== undefined && hung.busy > 500, `busy for ${hung.busy} ms`);
  await until(() => signsOf(worker.pulse, systemClock.now()).busy === undefined, 'it is back');
  await worker.stop();
});

test('it dies when it is told to, by an error that nobody catches', async (t: TestContext) => {
  const worker = openWorker();
  await worker.capture();
  const died = once(worker.worker, 'error');
  worker.inject('throw', undefined);
  const [error] = await died;
  t.diagnostic(String(error));
  assert.match(String(error), /told to die/);
});
