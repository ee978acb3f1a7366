import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf } from '../../../src/daemon/health.ts';

const sides = [true, false];

test('a running daemon is ok with its broker and all its threads, and degraded without one', () => {
  for (const isLinked of sides) {
    for (const isRestarting of sides) {
      const expected = isLinked && !isRestarting ? 'ok' : 'degraded';
      assert.equal(
        healthOf({ phase: 'running', isLinked, isRestarting, isBlind: false }),
        expected,
      );
    }
  }
});

test('until it runs it is starting and once it stops stopping, whatever else is the case', () => {
  for (const isLinked of sides) {
    for (const isRestarting of sides) {
      assert.equal(
        healthOf({ phase: 'opening', isLinked, isRestarting, isBlind: false }),
        'starting',
      );
      assert.equal(
        healthOf({ phase: 'loading', isLinked, isRestarting, isBlind: false }),
        'starting',
      );
      assert.equal(
        healthOf({ phase: 'stopping', isLinked, isRestarting, isBlind: false }),
        'stopping',
      );
    }
  }
});

test('a daemon that waits for its camera is degraded, from the start on', () => {
  for (const phase of ['opening', 'loading', 'running'] as const) {
    const vitals = { phase, isLinked: true, isRestarting: false, isBlind: true };
    assert.equal(healthOf(vitals), 'degraded');
  }
});
