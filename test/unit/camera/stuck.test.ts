import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultCode, faultCodes } from '../../../src/base/fault.ts';
import { isStuck } from '../../../src/camera/stuck.ts';

/** What is waited for: nothing of ours would help. */
const absent: readonly FaultCode[] = [
  'camera.none',
  'camera.missing',
  'camera.unplugged',
  'camera.busy',
  'camera.forbidden',
  'camera.unsupported',
  'camera.format-unavailable',
  'camera.control',
  'camera.tool-missing',
  'camera.replay-missing',
  'camera.replay-empty',
  'camera.replay-unreadable',
];

test('a camera that is there and does not do is stuck; one that is not there is waited for', () => {
  for (const code of faultCodes.filter((one) => one.startsWith('camera.'))) {
    assert.equal(isStuck(code), !absent.includes(code), code);
  }
});

test('the faults that recovery is for are stuck', () => {
  for (const code of [
    'camera.stalled',
    'camera.frozen',
    'camera.broken',
    'camera.refused',
    'camera.memory',
  ] as const) {
    assert.ok(isStuck(code), code);
  }
});
