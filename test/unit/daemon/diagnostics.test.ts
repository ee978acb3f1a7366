import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros, millis } from '../../../src/base/time.ts';
import {
  type DiagnosticParts,
  diagnosticsOf,
  processFigures,
} from '../../../src/daemon/diagnostics.ts';
import { healthOf } from '../../support/said.ts';

const { ledger, components } = healthOf();

const parts: DiagnosticParts = {
  ...{ now: micros(90_000_000), phase: 'running', ledger, state: 'degraded' },
  ...{ restarts: { camera: 0, inference: 2 }, queued: 0 },
  components: { ...components, camera: { state: 'recovering', rung: 'device' } },
  link: { kind: 'online', since: micros(30_000_000), protocol: 5 },
  outbox: { waiting: 1, bytes: 100, lost: 0, stored: true },
  pulses: { 'inference 1': { silent: millis(120), busy: undefined } },
};

test('what is known is one object, with the components that are not well', () => {
  const { health, link, ...rest } = diagnosticsOf(parts, processFigures());
  assert.deepEqual(health, {
    state: 'degraded',
    components: { camera: { state: 'recovering', rung: 'device' } },
  });
  assert.deepEqual(link, { kind: 'online', protocol: 5, seconds: 60 });
  assert.equal(rest.phase, 'running');
  assert.deepEqual(rest.ledger, ledger);
  assert.deepEqual(rest.pulses, { 'inference 1': { silent: 120, busy: undefined } });
  assert.deepEqual(rest.outbox, parts.outbox);
});

test('before the first health message, and without a connection', () => {
  const refused = fault('mqtt.refused', 'no', 'Do.');
  const { health, link } = diagnosticsOf(
    { ...parts, components: undefined, link: { kind: 'waiting', attempt: 3, fault: refused } },
    processFigures(),
  );
  assert.deepEqual(health, { state: 'degraded' });
  assert.deepEqual(link, { kind: 'waiting', attempt: 3, fault: 'mqtt.refused' });
});
