import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf } from '../../../src/daemon/health.ts';

const sides = [true, false];

test('a running daemon is ok with its broker and all its threads, and degraded without one', () => {
  for (const isLinked of sides) {
    for (const isRestarting of sides) {
      const expected = isLinked && !isRestarting ? 'ok' : 'degraded';
      assert.equal(healthOf({ phase: 'running', isLinked, isRestarting }), expected);
    }
  }
});

test('until it runs it is starting and once it stops stopping, whatever else is the case', () => {
  for (const isLinked of sides) {
    for (const isRestarting of sides) {
      assert.equal(healthOf({ phase: 'opening', isLinked, isRestarting }), 'starting');
      assert.equal(healthOf({ phase: 'loading', isLinked, isRestarting }), 'starting');
      assert.equal(healthOf({ phase: 'stopping', isLinked, isRestarting }), 'stopping');
    }
  }
});
