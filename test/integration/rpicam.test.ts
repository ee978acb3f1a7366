import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Fault } from '../../src/base/fault.ts';
import { type Clock, micros, millis, systemClock } from '../../src/base/time.ts';
import { listRpicams } from '../../src/camera/rpicam/find.ts';
import { openRpicamSource } from '../../src/camera/rpicam/source.ts';
import type { FrameSource, Reading } from '../../src/camera/source.ts';
import { configSchema } from '../../src/contract/config.ts';
import type { FrameGeometry } from '../../src/contract/frame.ts';
import { installRpicam, isRunning, until, usual } from '../support/rpicam.ts';
import { movingPicture } from '../support/rpicam-picture.ts';

const holder = new URL('../support/rpicam-holder.js', import.meta.url);
const never = new AbortController().signal;

type Opening = {
  readonly camera?: object;
  readonly frameDeadline?: number;
  readonly clock?: Clock;
  readonly stop?: AbortSignal;
};

function open({ camera, frameDeadline, clock, stop }: Opening) {
  const config = configSchema.parse({ camera: { source: 'rpicam', fps: 50, ...camera } }).camera;
  const request = {
    config,
    need: { width: 64, height: 48 },
    frameDeadline: millis(frameDeadline ?? 30_000),
    frozenAfter: undefined,
  };
  return openRpicamSource(request, clock ?? systemClock, stop ?? never);
}

async function openWell(opening: Opening): Promise<FrameSource> {
  const opened = await open(opening);
  assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
  return opened.value;
}

async function faultOf(opening: Opening): Promise<Fault> {
  const opened = await open(opening);
  assert.ok(!opened.ok, 'it does not open');
  return opened.fault;
}

/** A slot as the ring has it: in shared memory. */
const createSlot = (bytes: number): Uint8Array =>
  new Uint8Array(new SharedArrayBuffer(bytes + 64)).fill(0xab);

type Frame = Extract<Reading, { kind: 'frame' }>;

async function readFrame(source: FrameSource, slot: Uint8Array): Promise<Frame> {
  await source.due(never);
  const reading = await source.read(slot, never);
  assert.equal(reading.kind, 'frame', JSON.stringify(reading));
  assert.ok(reading.kind === 'frame');
  return reading;
}

const ending = (end: () => Promise<void>): AsyncDisposable => ({ [Symbol.asyncDispose]: end });

/** Reads until there is something else than a frame. */
async function readOut(source: FrameSource): Promise<{ frames: number; last: Reading }> {
  const slot = createSlot(2 ** 20);
  for (let frames = 0; ; frames += 1) {
    await source.due(never);
    const last = await source.read(slot, never);
    if (last.kind !== 'frame') return { frames, last };
  }
}

const pictureOf = (geometry: FrameGeometry, frame: number): Uint8Array =>
  movingPicture(geometry, geometry.stride)(frame);

test('every frame is read whole into shared memory, in order, and none into what lies behind it', async () => {
  using _installed = installRpicam(usual);
  await using source = await openWell({});
  const geometry: FrameGeometry = {
    format: 'YU12',
    width: 320,
    height: 240,
    stride: 320,
    color: 'bt601-full',
  };
  assert.deepEqual(source.description, {
    name: 'Raspberry Pi camera (320×240, 50 fps)',
    geometryMax: geometry,
    lossless: false,
  });
  assert.deepEqual(source.notices, []);
  const bytes = 320 * 240 * 1.5;
  const slot = createSlot(bytes);
  for (let frame = 0; frame < 12; frame += 1) {
    const reading = await readFrame(source, slot);
    assert.deepEqual(
      { ...reading, capturedAt: 0 },
      { kind: 'frame', capturedAt: 0, geometry, bytesUsed: bytes, driverSequence: frame, lost: 0 },
    );
    assert.ok(Buffer.from(slot.subarray(0, bytes)).equals(pictureOf(geometry, frame)));
    assert.ok(slot.subarray(bytes).every((byte) => byte === 0xab));
  }
});

for (const [behaviour, stride] of [
  ['pad:128', 384],
  ['pad:64', 320],
  ['pad:64,tail:4096', 320],
  ['quiet', 320],
] as const) {
  test(`rows and frames are found in what the driver writes (${behaviour})`, async () => {
    using _installed = installRpicam({ ...usual, behaviour });
    await using source = await openWell({ camera: { width: 290, height: 218 } });
    const { geometryMax } = source.description;
    assert.deepEqual(
      [geometryMax.width, geometryMax.height, geometryMax.stride],
      [290, 218, stride],
    );
    const slot = createSlot(stride * 218 * 1.5);
    for (let frame = 0; frame < 3; frame += 1) {
      const { bytesUsed } = await readFrame(source, slot);
      assert.ok(Buffer.from(slot.subarray(0, bytesUsed)).equals(pictureOf(geometryMax, frame)));
    }
  });
}

test('a granted size that differs from the asked one is what the frames have', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'grant:256x144' });
  await using source = await openWell({ camera: { width: 640, height: 480 } });
  const { geometryMax } = source.description;
  assert.deepEqual([geometryMax.width, geometryMax.height], [256, 144]);
  const slot = createSlot(256 * 144 * 1.5);
  const { bytesUsed } = await readFrame(source, slot);
  assert.ok(Buffer.from(slot.subarray(0, bytesUsed)).equals(pictureOf(geometryMax, 0)));
});

test('frames that are let go are gone, and the next one is whole', async () => {
  using _installed = installRpicam(usual);
  await using source = await openWell({});
  const slot = createSlot(2 ** 20);
  for (const frame of [1, 3, 5]) {
    await source.due(never);
    assert.equal(await source.skip(never), true);
    const { bytesUsed, driverSequence } = await readFrame(source, slot);
    assert.equal(driverSequence, frame);
    const expected = pictureOf(source.description.geometryMax, frame);
    assert.ok(Buffer.from(slot.subarray(0, bytesUsed)).equals(expected));
  }
});

test('frames have the time at which the sensor took them', async () => {
  using _installed = installRpicam(usual);
  await using source = await openWell({});
  const slot = createSlot(2 ** 20);
  const times: number[] = [];
  for (let frame = 0; frame < 10; frame += 1) {
    times.push((await readFrame(source, slot)).capturedAt);
  }
  assert.deepEqual(
    times.slice(1).map((time, index) => time - (times[index] ?? 0)),
    new Array(9).fill(20_000),
  );
});

for (const behaviour of ['no-metadata', 'strange-clock']) {
  test(`without believable sensor times, frames have the time of their arrival (${behaviour})`, async () => {
    using _installed = installRpicam({ ...usual, behaviour });
    await using source = await openWell({});
    const slot = createSlot(2 ** 20);
    for (let frame = 0; frame < 10; frame += 1) {
      const before = systemClock.now();
      const { capturedAt } = await readFrame(source, slot);
      assert.ok(capturedAt >= before && capturedAt <= systemClock.now());
    }
  });
}

test('libcamera-vid does where rpicam-vid is missing, without metadata', async () => {
  using _installed = installRpicam({ ...usual, names: ['libcamera-vid'] });
  await using source = await openWell({});
  const slot = createSlot(2 ** 20);
  const before = systemClock.now();
  assert.ok((await readFrame(source, slot)).capturedAt >= before);
});

test('frames that the sensor captured in vain are counted with the next one', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'lose-after:3' });
  await using source = await openWell({});
  const slot = createSlot(2 ** 20);
  const readings: Frame[] = [];
  for (let frame = 0; frame < 6; frame += 1) readings.push(await readFrame(source, slot));
  assert.deepEqual(
    readings.map(({ driverSequence, lost }) => [driverSequence, lost]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
      [5, 2],
      [6, 0],
      [7, 0],
    ],
  );
});

test('what came while nobody read is discarded, and not counted as lost', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'backlog:6' });
  await using source = await openWell({ camera: { fps: 1 } });
  const slot = createSlot(2 ** 20);
  await source.discard(never);
  const { driverSequence, lost, bytesUsed } = await readFrame(source, slot);
  assert.deepEqual([driverSequence, lost], [6, 0]);
  const expected = pictureOf(source.description.geometryMax, 6);
  assert.ok(Buffer.from(slot.subarray(0, bytesUsed)).equals(expected));
});

// What goes wrong.

test('a camera that stalls is broken after the deadline', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'stall-after:3' });
  await using source = await openWell({ frameDeadline: 300 });
  const opened = performance.now();
  const { frames, last } = await readOut(source);
  assert.ok(performance.now() - opened < 5000, 'the patience of the start is over by then');
  assert.equal(frames, 3);
  assert.ok(last.kind === 'broken');
  assert.equal(last.fault.code, 'camera.stalled');
  assert.match(last.fault.message, /no frame for 0\.3 s/);
  assert.deepEqual(await source.read(createSlot(2 ** 20), never), last);
  assert.equal(await source.skip(never), false);
});

test('a stall says so when libcamera has seen the sensor time out', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'stall-after:3,timeouts' });
  await using source = await openWell({ frameDeadline: 600 });
  const { last } = await readOut(source);
  assert.ok(last.kind === 'broken');
  assert.equal(last.fault.code, 'camera.stalled');
  assert.match(last.fault.message, /sensor has timed out/);
});

/** A clock on which time flies. */
const fastClock = (factor: number): Clock => ({
  now: () => micros(systemClock.now() * factor),
  sleep: (duration, signal) => systemClock.sleep(millis(duration / factor), signal),
});

test('a camera that gives no first frame does not open', async () => {
  using installed = installRpicam({ ...usual, behaviour: 'never-start' });
  const fault = await faultOf({ clock: fastClock(10) });
  assert.equal(fault.code, 'camera.stalled');
  assert.match(fault.message, /no frame for 30 s/);
  assert.ok(!isRunning(await installed.pid()));
});

test('a program that ends breaks the source, with its exit code and last words', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'exit-after:4' });
  await using source = await openWell({});
  const { frames, last } = await readOut(source);
  assert.equal(frames, 4);
  assert.ok(last.kind === 'broken');
  assert.equal(last.fault.code, 'camera.broken');
  assert.equal(
    last.fault.message,
    'rpicam-vid ended by itself (exit code 255): failed to queue request',
  );
});

test('a program that ends well breaks the source too: a camera has no last frame', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'end-after:2' });
  await using source = await openWell({});
  const { frames, last } = await readOut(source);
  assert.equal(frames, 2);
  assert.ok(last.kind === 'broken');
  assert.match(last.fault.message, /exit code 0/);
});

test('a program that is killed breaks the source, with the signal', async () => {
  using installed = installRpicam(usual);
  await using source = await openWell({});
  await readFrame(source, createSlot(2 ** 20));
  process.kill(await installed.pid(), 'SIGKILL');
  let { last } = await readOut(source);
  // It may have been in the middle of a frame.
  if (last.kind === 'failed') ({ last } = await readOut(source));
  assert.ok(last.kind === 'broken');
  assert.match(last.fault.message, /SIGKILL/);
});

test('half a frame is never delivered: it fails, and then the source is broken', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'half-frame-after:2' });
  await using source = await openWell({});
  const { frames, last } = await readOut(source);
  assert.equal(frames, 2);
  assert.ok(last.kind === 'failed');
  assert.equal(last.fault.code, 'camera.frame-broken');
  assert.ok(last.fault.message.includes(`${(320 * 240 * 1.5) / 2} bytes`));
  assert.equal((await readOut(source)).last.kind, 'broken');
});

/** Begins the stream anew; why not, if not. */
async function restart({ restart: begin }: FrameSource): Promise<Fault | undefined> {
  assert.ok(begin !== undefined);
  const restarted = await begin();
  return restarted.ok ? undefined : restarted.fault;
}

test('a source whose program has ended, or stalls, goes on with another run of it', async () => {
  for (const behaviour of ['end-after:3', 'stall-after:3', 'half-frame-after:3']) {
    using installed = installRpicam({ ...usual, behaviour });
    await using source = await openWell({ frameDeadline: 400 });
    const pids: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const pid = await installed.pid();
      assert.ok(!pids.includes(pid), behaviour);
      for (const other of pids) assert.ok(!isRunning(other), behaviour);
      pids.push(pid);
      let { frames, last } = await readOut(source);
      assert.equal(frames, 3);
      if (last.kind === 'failed') ({ frames, last } = await readOut(source));
      assert.equal(last.kind, 'broken');
      assert.equal(await restart(source), undefined, behaviour);
    }
  }
});

test('a program that gives other frames than before, or none, must be opened again', async () => {
  using _installed = installRpicam(usual);
  await using source = await openWell({});
  await readFrame(source, createSlot(2 ** 20));
  for (const [behaviour, code] of [
    ['grant:256x144', 'camera.refused'],
    ['no-cameras', 'camera.none'],
  ] as const) {
    using other = installRpicam({ ...usual, behaviour });
    assert.equal((await restart(source))?.code, code);
    assert.ok(!isRunning(await other.pid()));
  }
  assert.equal(await restart(source), undefined);
  await readFrame(source, createSlot(2 ** 20));
});

test('a stop ends the wait for a stream that does not begin', async () => {
  const stop = new AbortController();
  using _installed = installRpicam(usual);
  await using source = await openWell({ stop: stop.signal });
  using other = installRpicam({ ...usual, behaviour: 'never-start' });
  const begun = restart(source);
  const pid = await other.pid();
  stop.abort();
  assert.equal((await begun)?.code, 'camera.broken');
  assert.ok(!isRunning(pid));
});

for (const [behaviour, code] of [
  ['no-cameras', 'camera.none'],
  ['busy', 'camera.busy'],
  ['cma', 'camera.memory'],
  ['forbidden', 'camera.forbidden'],
  ['legacy', 'camera.unsupported'],
  ['old', 'camera.unsupported'],
] as const) {
  test(`what rpicam-vid says at the start is a named fault (${behaviour})`, async () => {
    using installed = installRpicam({ ...usual, behaviour });
    const fault = await faultOf({});
    assert.equal(fault.code, code);
    assert.notEqual(fault.mend, '');
    assert.ok(!isRunning(await installed.pid()));
  });
}

test('a camera number that there is not is a fault, and so is one that is no number', async () => {
  using _installed = installRpicam(usual);
  assert.equal((await faultOf({ camera: { device: '3' } })).code, 'camera.missing');
  const fault = await faultOf({ camera: { device: '/dev/video0' } });
  assert.equal(fault.code, 'camera.missing');
  assert.match(fault.message, /\/dev\/video0/);
});

test('without the program there is a fault that names the package', async () => {
  using _installed = installRpicam({ ...usual, names: [] });
  const fault = await faultOf({});
  assert.equal(fault.code, 'camera.tool-missing');
  assert.match(fault.mend, /rpicam-apps/);
  assert.equal(fault.retryable, false);
});

test('without setpriv it works, with a notice', async () => {
  using _installed = installRpicam({ ...usual, hasSetpriv: false });
  await using source = await openWell({});
  assert.deepEqual(
    source.notices.map(({ code }) => code),
    ['camera.tool-missing'],
  );
  await readFrame(source, createSlot(2 ** 20));
});

// The end.

test('the program is asked to end, and stops its camera', async () => {
  using installed = installRpicam(usual);
  await using source = await openWell({});
  await readFrame(source, createSlot(2 ** 20));
  const pid = await installed.pid();
  await source[Symbol.asyncDispose]();
  assert.ok(installed.hasStopped());
  assert.ok(!isRunning(pid));
  await source[Symbol.asyncDispose]();
});

for (const behaviour of ['stubborn', 'stubborn,stall-after:1']) {
  test(`a program that does not end when asked is killed (${behaviour})`, async () => {
    using installed = installRpicam({ ...usual, behaviour });
    await using source = await openWell({});
    await readFrame(source, createSlot(2 ** 20));
    const pid = await installed.pid();
    await source[Symbol.asyncDispose]();
    assert.ok(!installed.hasStopped());
    assert.ok(!isRunning(pid));
  });
}

test('a stop ends a wait for a frame, the reading and the program', async () => {
  using installed = installRpicam({ ...usual, behaviour: 'stall-after:1' });
  const stop = new AbortController();
  await using source = await openWell({ stop: stop.signal });
  await readFrame(source, createSlot(2 ** 20));
  const due = source.due(stop.signal);
  stop.abort();
  await due;
  assert.deepEqual(await source.read(createSlot(2 ** 20), stop.signal), { kind: 'ended' });
  assert.equal(await source.skip(stop.signal), false);
  await source[Symbol.asyncDispose]();
  assert.ok(!isRunning(await installed.pid()));
});

test('a stop in the middle of a frame ends it', async () => {
  using _installed = installRpicam({ ...usual, behaviour: 'stall-after:1' });
  const stop = new AbortController();
  await using source = await openWell({ stop: stop.signal });
  await readFrame(source, createSlot(2 ** 20));
  const reading = source.read(createSlot(2 ** 20), stop.signal);
  stop.abort();
  assert.deepEqual(await reading, { kind: 'ended' });
});

test('a stop while it opens leaves no program behind', async () => {
  using installed = installRpicam({ ...usual, behaviour: 'never-start' });
  const stop = new AbortController();
  const opening = open({ stop: stop.signal });
  const pid = await installed.pid();
  stop.abort();
  assert.equal((await opening).ok, false);
  assert.ok(!isRunning(pid));
});

test('the program dies with the thread that reads it, and lives as long', async () => {
  using installed = installRpicam({ ...usual, behaviour: 'stubborn' });
  const worker = new Worker(holder);
  await using _ended = ending(async () => void (await worker.terminate()));
  for (let frame = 0; frame < 3; frame += 1)
    assert.deepEqual(await once(worker, 'message'), ['frame']);
  const pid = await installed.pid();
  assert.ok(isRunning(pid));
  await worker.terminate();
  await until(() => !isRunning(pid));
});

for (const behaviour of ['stubborn', 'stubborn,stall-after:3']) {
  test(`the program dies with a process that is killed on the spot (${behaviour})`, async () => {
    using installed = installRpicam({ ...usual, behaviour });
    const parent = spawn(process.execPath, [fileURLToPath(holder)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await using _ended = ending(async () => void parent.kill('SIGKILL'));
    const lines = createInterface({ input: parent.stdout });
    for (let frame = 0; frame < 3; frame += 1)
      assert.deepEqual(await once(lines, 'line'), ['frame']);
    const pid = await installed.pid();
    assert.ok(isRunning(pid));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !isRunning(pid));
  });
}

// The list.

test('the cameras are listed', async () => {
  using _installed = installRpicam(usual);
  const listed = await listRpicams();
  assert.ok(listed.ok);
  assert.deepEqual(
    listed.value.map(({ index, sensor, modes }) => [index, sensor, modes.length]),
    [[0, 'imx219', 2]],
  );
});

test('a list without cameras is empty; without the tool, or with a broken one, it is a fault', async () => {
  {
    using _installed = installRpicam({
      ...usual,
      behaviour: 'no-cameras',
      names: ['rpicam-hello'],
    });
    assert.deepEqual(await listRpicams(), { ok: true, value: [] });
  }
  for (const [installation, code] of [
    [{ ...usual, names: [] }, 'camera.tool-missing'],
    [{ ...usual, behaviour: 'legacy' }, 'camera.unsupported'],
  ] as const) {
    using _installed = installRpicam(installation);
    const listed = await listRpicams();
    assert.ok(!listed.ok);
    assert.equal(listed.fault.code, code);
  }
});
