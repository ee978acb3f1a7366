import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import {
  createScene,
  type Scene,
  type SceneLabel,
  sceneLabels,
} from '../../../src/camera/scene.ts';
import { frameBytesOf } from '../../../src/contract/frame.ts';

const second = 1e6;

function drawn(scene: Scene, at: number): Uint8Array {
  const target = new Uint8Array(frameBytesOf(scene.geometry));
  scene.draw(target, micros(Math.round(at)));
  return target;
}

/** The first instant, in steps of a quarter second, at which a visitor is wholly in the picture. */
function arrivalOf(scene: Scene, label: SceneLabel): number {
  for (let at = 0; at < 120 * second; at += second / 4) {
    const truth = scene.truthAt(micros(at));
    if (truth.label === label && (label === 'empty' || truth.visible === 1)) return at;
  }
  return assert.fail(`no ${label} within two minutes`);
}

/** How many pixels differ in luma by more than the grain. */
function changedPixels(a: Uint8Array, b: Uint8Array): number {
  let changed = 0;
  for (let i = 0; i < a.length; i += 2) {
    if (Math.abs((a[i] as number) - (b[i] as number)) > 14) changed += 1;
  }
  return changed;
}

test('the same seed, size and time give the same bytes', () => {
  for (const at of [0, 21.3, 52.4, 77.7]) {
    const a = drawn(createScene({ width: 160, height: 120, seed: 5 }), at * second);
    const b = drawn(createScene({ width: 160, height: 120, seed: 5 }), at * second);
    assert.deepEqual(a, b);
  }
});

/** By size and seed, of a day in steps and of two sequences at dusk and at night. */
const pictureHashes = [
  { width: 64, height: 48, seed: 77, hash: '07ae45f9df51f3c73ae539577c0692a16ac6cb9b' },
  { width: 322, height: 180, seed: 2, hash: '9308c64f4540187b77d002c28262ae3112682047' },
  { width: 320, height: 240, seed: 3, hash: '13a2ea0c109b1b683fbce119cabd277bd923dd32' },
];

// V8's exp, sin and pow, compiled for another processor, may round otherwise.
const roundsOtherwise = process.arch === 'x64' ? false : 'the hashes are those of x86-64';

test('the embedded model sees what it was trained on', { skip: roundsOtherwise }, () => {
  for (const { width, height, seed, hash } of pictureHashes) {
    const scene = createScene({ width, height, seed });
    const sum = createHash('sha1');
    for (let at = 0; at < 122; at += 0.93) sum.update(drawn(scene, at * second));
    for (let frame = 0; frame < 60; frame += 1) {
      sum.update(drawn(scene, (50 + frame / 30) * second));
      sum.update(drawn(scene, (60 + frame / 15) * second));
    }
    assert.equal(sum.digest('hex'), hash, `${width}×${height}, seed ${seed}`);
  }
});

test('any legal size can be drawn', () => {
  for (let width = 64; width <= 320; width += 10) {
    const height = 48 + ((width * 7) % 97);
    drawn(createScene({ width, height, seed: 1 }), second);
  }
});

test('another seed gives another picture', () => {
  const a = drawn(createScene({ width: 160, height: 120, seed: 5 }), second);
  const b = drawn(createScene({ width: 160, height: 120, seed: 6 }), second);
  assert.ok(changedPixels(a, b) > 500);
});

test('a frame does not depend on the frames drawn before it', () => {
  const options = { width: 128, height: 96, seed: 11 };
  const inOrder = createScene(options);
  const times = Array.from({ length: 900 }, (_, index) => 40 * second + (index * second) / 30);
  const frames = times.map((at) => drawn(inOrder, at));
  for (const index of [899, 3, 450, 451, 120, 0, 640, 899]) {
    const fresh = drawn(createScene(options), times[index] as number);
    assert.deepEqual(fresh, frames[index], `a fresh scene at frame ${index}`);
    assert.deepEqual(drawn(inOrder, times[index] as number), frames[index], `frame ${index} again`);
  }
});

test('a frame repeats when the clock does', () => {
  const scene = createScene({ width: 64, height: 48, seed: 2 });
  assert.deepEqual(drawn(scene, 5 * second), drawn(scene, 5 * second));
});

test('every byte is legal in limited range, at any hour', () => {
  for (const [width, height] of [
    [64, 48],
    [322, 240],
    [114, 333],
    [96, 200],
  ] as const) {
    const scene = createScene({ width, height, seed: width });
    for (let at = 0; at < 120; at += 1.7) {
      const frame = drawn(scene, at * second);
      for (let i = 0; i < frame.length; i += 1) {
        const value = frame[i] as number;
        const top = i % 2 === 0 ? 235 : 240;
        if (value < 16 || value > top) assert.fail(`byte ${i} is ${value} at ${at} s`);
      }
    }
  }
});

test('every label occurs within two minutes, whatever the seed', () => {
  for (const seed of [0, 1, 2, 3, 77, 0x7fffffff, -5]) {
    const scene = createScene({ width: 64, height: 48, seed });
    for (const label of sceneLabels) arrivalOf(scene, label);
  }
});

test('a visitor enters and leaves by degrees', () => {
  const scene = createScene({ width: 320, height: 240, seed: 9 });
  const parts = new Set<number>();
  for (let at = 0; at < 60 * second; at += second / 15) {
    const { label, visible } = scene.truthAt(micros(Math.round(at)));
    assert.ok(visible >= 0 && visible <= 1);
    assert.equal(label === 'empty', visible === 0);
    parts.add(Math.round(visible * 4) / 4);
  }
  assert.deepEqual([...parts].sort(), [0, 0.25, 0.5, 0.75, 1]);
});

test('a visitor is seen where the truth has one, and only there', () => {
  const scene = createScene({ width: 320, height: 240, seed: 4 });
  for (const label of ['balloon', 'bird', 'car'] as const) {
    const at = arrivalOf(scene, label) + second;
    const later = drawn(scene, at + second);
    assert.ok(changedPixels(drawn(scene, at), later) > 100, `a ${label} moves`);
  }
  for (let at = 0; at < 30 * second; at += second / 2) {
    const empty = [at, at + second / 2].every(
      (time) => scene.truthAt(micros(time)).label === 'empty',
    );
    if (!empty) continue;
    const changed = changedPixels(drawn(scene, at), drawn(scene, at + second / 2));
    assert.ok(changed < 400, `the empty picture hardly changes: ${changed} pixels at ${at}`);
  }
});

test('consecutive frames differ also when nobody is there', () => {
  for (const [width, height] of [
    [64, 48],
    [640, 480],
  ] as const) {
    const scene = createScene({ width, height, seed: 1 });
    let before = drawn(scene, 0);
    for (let frame = 1; frame < 60; frame += 1) {
      const now = drawn(scene, (frame * second) / 30);
      assert.notDeepEqual(now, before);
      before = now;
    }
  }
});

test('a frame can be drawn into shared memory at any offset', () => {
  const scene = createScene({ width: 64, height: 48, seed: 1 });
  const shared = new Uint8Array(new SharedArrayBuffer(64 * 48 * 2 + 9), 3);
  scene.draw(shared, micros(second));
  assert.deepEqual(Uint8Array.from(shared.subarray(0, 64 * 48 * 2)), drawn(scene, second));
  assert.deepEqual([...shared.subarray(64 * 48 * 2)], [0, 0, 0, 0, 0, 0]);
});

test('a size that cannot be drawn is refused with a sentence', () => {
  const create = (width: number, height: number) => () => createScene({ width, height, seed: 1 });
  assert.throws(create(321, 240), /even width/);
  assert.throws(create(62, 240), /64 to 1920 wide/);
  assert.throws(create(1922, 240), /64 to 1920 wide/);
  assert.throws(create(320, 46), /48 to 1080 high/);
  assert.throws(create(320, 1081), /48 to 1080 high/);
  assert.throws(create(320.5, 240), /64 to 1920 wide/);
  const scene = createScene({ width: 64, height: 48, seed: 1 });
  assert.throws(() => scene.draw(new Uint8Array(10), micros(0)), /whole frame/);
});
