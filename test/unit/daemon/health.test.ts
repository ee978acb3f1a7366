import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Component, type FaultCode, fault } from '../../../src/base/fault.ts';
import { millis, seconds } from '../../../src/base/time.ts';
import type { Rung } from '../../../src/contract/messages.ts';
import { assess, type Facts } from '../../../src/daemon/health.ts';
import { alive, factsOf } from '../../support/daemon-facts.ts';

const trouble = (code: FaultCode) => fault(code, 'a sentence', 'a mend');
const camera = (more: Partial<Facts['camera']>): Partial<Facts> => ({
  camera: { ...factsOf().camera, ...more },
});
const busy = (duration: number) => ({ silent: millis(duration), busy: millis(duration) });
const silent = (duration: number) => ({ silent: millis(duration), busy: undefined });
const reader = (more: Partial<Facts['readers'][number]>): Partial<Facts> => ({
  readers: [{ ...alive, isLoaded: true, ...more }],
});

type Row = readonly [
  what: string,
  facts: Partial<Facts>,
  component: Component,
  kind: string,
  code?: FaultCode,
  least?: Rung,
];

const rows: readonly Row[] = [
  ['frames that come', camera({ sinceFrame: seconds(3) }), 'camera', 'ok'],
  [
    'a camera that is waited for',
    camera({ state: { kind: 'waiting', fault: trouble('camera.missing') } }),
    ...(['camera', 'waiting', 'camera.missing'] as const),
  ],
  [
    'a stalled camera',
    camera({ state: { kind: 'stuck', fault: trouble('camera.stalled') } }),
    ...(['camera', 'broken', 'camera.stalled', 'stream'] as const),
  ],
  [
    'a frozen camera',
    camera({ state: { kind: 'stuck', fault: trouble('camera.frozen') } }),
    ...(['camera', 'broken', 'camera.frozen', 'device'] as const),
  ],
  [
    'a camera that cannot be opened',
    camera({ state: { kind: 'stuck', fault: trouble('camera.refused') } }),
    ...(['camera', 'broken', 'camera.refused', 'device'] as const),
  ],
  [
    'a thread that says it streams while no frame comes',
    camera({ sinceFrame: seconds(31) }),
    ...(['camera', 'broken', 'camera.stalled', 'device'] as const),
  ],
  ['a short silence', camera({ sinceFrame: seconds(20) }), 'camera', 'ok'],
  ['a slow driver', camera({ signs: busy(29_000) }), 'camera', 'ok'],
  [
    'a driver that does not return, and so gives no frame',
    camera({ signs: busy(29_500), sinceFrame: seconds(29.6) }),
    ...(['camera', 'ok'] as const),
  ],
  [
    'a driver that hangs',
    camera({ signs: busy(31_000) }),
    ...(['camera', 'broken', 'camera.hung', 'process'] as const),
  ],
  [
    'a thread that does not turn',
    camera({ signs: silent(21_000) }),
    ...(['camera', 'broken', 'camera.hung', 'process'] as const),
  ],
  [
    'a camera thread that died',
    camera({ signs: undefined, died: trouble('camera.died') }),
    ...(['camera', 'broken', 'camera.died', 'worker'] as const),
  ],
  ['a camera that is being opened', camera({ state: { kind: 'opening' } }), 'camera', 'starting'],
  ['a run of the model', reader({ signs: busy(9000) }), 'inference', 'ok'],
  [
    'a model that hangs',
    reader({ signs: busy(10_001) }),
    ...(['inference', 'broken', 'inference.hung', 'process'] as const),
  ],
  [
    'a model that loads slowly',
    reader({ signs: busy(100_000), isLoaded: false }),
    ...(['inference', 'starting'] as const),
  ],
  [
    'a model that never finishes loading',
    reader({ signs: busy(181_000), isLoaded: false }),
    ...(['inference', 'broken', 'inference.hung', 'process'] as const),
  ],
  [
    'an inference thread that died',
    reader({ signs: undefined, died: trouble('inference.died'), isLoaded: false }),
    ...(['inference', 'broken', 'inference.died', 'worker'] as const),
  ],
  [
    'frames that nobody takes',
    { sinceClassified: seconds(31) },
    ...(['inference', 'broken', 'inference.hung', 'worker'] as const),
  ],
  [
    'a model that fails for every frame',
    { failing: { since: seconds(16), fault: trouble('inference.failed') } },
    ...(['inference', 'broken', 'inference.failed', 'worker'] as const),
  ],
  [
    'a camera whose every frame is damaged',
    { failing: { since: seconds(16), fault: trouble('camera.frame-broken') } },
    ...(['camera', 'broken', 'camera.frame-broken', 'stream'] as const),
  ],
  [
    'frames that fail for a moment',
    { failing: { since: seconds(10), fault: trouble('inference.failed') } },
    ...(['inference', 'ok'] as const),
  ],
  ['a queue for a moment', { sinceClassified: seconds(5) }, 'inference', 'ok'],
  [
    'a ledger that does not add up',
    { unbalanced: seconds(6) },
    ...(['ring', 'broken', 'ring.unbalanced', 'process'] as const),
  ],
  [
    'results that do not arrive',
    { unheard: seconds(16) },
    ...(['label', 'broken', 'label.silent', 'process'] as const),
  ],
  [
    'no broker',
    { link: { kind: 'waiting', attempt: 3, fault: trouble('mqtt.unreachable') } },
    ...(['link', 'waiting', 'mqtt.unreachable'] as const),
  ],
  [
    'a broker that acknowledges nothing',
    { unacknowledged: seconds(61) },
    ...(['link', 'degraded', 'mqtt.silent'] as const),
  ],
  ['a full disk', { disk: trouble('disk.full') }, 'disk', 'degraded', 'disk.full'],
  ['heat', { power: trouble('power.hot') }, 'power', 'degraded', 'power.hot'],
  [
    'too much memory',
    { memory: trouble('daemon.memory') },
    ...(['daemon', 'broken', 'daemon.memory', 'process'] as const),
  ],
];

for (const [what, facts, component, kind, code, least] of rows) {
  const found = [kind, code, least].filter((word) => word !== undefined).join(' ');
  test(`${what}: ${component} is ${found}`, () => {
    const health = assess(factsOf(facts))[component];
    assert.equal(health.kind, kind);
    assert.equal('fault' in health ? health.fault.code : undefined, code);
    assert.equal(health.kind === 'broken' ? health.least : undefined, least);
  });
}

test('what is wrong with one component says nothing of the others', () => {
  for (const [what, facts, component] of rows) {
    const assessment = assess(factsOf(facts));
    for (const [name, health] of Object.entries(assessment)) {
      if (name !== component) assert.equal(health.kind, 'ok', `${what}: ${name}`);
    }
  }
});

test('nothing is expected of a pipeline that is held', () => {
  const held = assess(
    factsOf({ phase: 'held', ...camera({ state: { kind: 'opening' } }), readers: [] }),
  );
  for (const name of ['camera', 'ring', 'inference', 'label'] as const) {
    assert.equal(held[name].kind, 'starting');
  }
});
