import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exitCodeOf,
  exitCodes,
  failure,
  fault,
  messageOf,
  success,
} from '../../../src/base/fault.ts';

test('a fault carries its sentences and whether another try can help', () => {
  const broken = fault('camera.frame-unreadable', 'cannot decode a.png', 'Replace it.');
  assert.deepEqual(broken, {
    code: 'camera.frame-unreadable',
    component: 'camera',
    message: 'cannot decode a.png',
    mend: 'Replace it.',
    retryable: true,
  });
  assert.equal(fault('camera.replay-empty', '', '').retryable, false);
});

test('the exit code says which side of the process is at fault', () => {
  assert.equal(exitCodeOf('usage.argument'), exitCodes.usage);
  assert.equal(exitCodeOf('config.invalid'), exitCodes.config);
  assert.equal(exitCodeOf('model.missing'), exitCodes.unavailable);
  assert.equal(exitCodeOf('inference.died'), exitCodes.internal);
});

test('a fault survives the way between threads unchanged', () => {
  const reason = fault('inference.failed', 'the model failed', 'Check the model.');
  assert.deepEqual(structuredClone(failure(reason)), { ok: false, fault: reason });
  assert.deepEqual(structuredClone(success([1])), { ok: true, value: [1] });
});

test('anything thrown has a message', () => {
  assert.equal(messageOf(new TypeError('no')), 'no');
  assert.equal(messageOf('plain'), 'plain');
  assert.equal(messageOf(undefined), 'undefined');
});
