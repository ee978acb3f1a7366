import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../../src/contract/config.ts';
import { layerOn } from '../../../src/daemon/config-layers.ts';
import { type ConfigureParts, configure } from '../../../src/daemon/configure.ts';
import type { Verdict } from '../../../src/daemon/remote-config.ts';
import type { Delivered, Publication } from '../../../src/mqtt/outgoing.ts';
import { topics } from '../../support/commands.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const never = new AbortController().signal;
const { remoteConfig } = configSchema.parse({});

/** A device with a layer of version 7, and a broker that hands documents back. */
function open(more: Partial<ConfigureParts> = {}, delivered: Delivered = 'acknowledged') {
  const published: Publication[] = [];
  const clock = createManualClock();
  let tell: (verdict: Verdict | undefined) => void = () => {};
  const parts: ConfigureParts = {
    config: remoteConfig,
    remote: {
      standing: () => ({
        layer: { camera: { fps: 5, rotate: 90 }, publish: { topK: 1 } },
        highest: 7,
      }),
      problemsOf: ({ layer }) =>
        'bad' in layer
          ? [
              { path: 'bad', message: 'unknown key' },
              { path: '', message: 'all of it' },
            ]
          : [],
      verdictOn: (_version, signal) =>
        new Promise((resolve) => {
          tell = resolve;
          signal.addEventListener('abort', () => resolve(undefined), { once: true });
        }),
    },
    link: {
      publish: (message) => {
        published.push(message);
        return Promise.resolve(delivered);
      },
    },
    topics,
    clock,
    ...more,
  };
  return { parts, published, clock, tell: (verdict: Verdict | undefined) => tell(verdict) };
}

const verdict: Verdict = { version: 8, state: 'trial', errors: [], config: {}, lastKnownGood: 7 };

test('a part is merged over the layer and published, retained, as the next version', async () => {
  const { parts, published, tell } = open();
  const done = configure(
    { camera: { fps: null, width: 320 }, log: { level: 'debug' } },
    parts,
    never,
  );
  await settled();
  const [document] = published;
  assert.deepEqual(
    [document?.topic, document?.qos, document?.retain],
    ['sightd/porch/config/desired', 1, true],
  );
  assert.deepEqual(JSON.parse(String(document?.payload)), {
    version: 8,
    config: { camera: { rotate: 90, width: 320 }, publish: { topK: 1 }, log: { level: 'debug' } },
  });
  tell(verdict);
  assert.deepEqual(await done, { ok: true, value: { version: 8, state: 'trial', errors: [] } });
});

/** The fault that a configure ends with. */
async function refusal(partial: object, { parts, published }: ReturnType<typeof open>) {
  const outcome = await configure({ ...partial }, parts, never);
  assert.ok(!outcome.ok);
  return { ...outcome.fault, published: published.length };
}

test('it is refused where changes do not come from afar, or only signed ones', async () => {
  const closed = await refusal({}, open({ remote: undefined }));
  assert.deepEqual([closed.code, closed.published], ['command.impossible', 0]);
  assert.match(closed.message, /remoteConfig.enabled is false/);
  const signed = await refusal({}, open({ config: { ...remoteConfig, publicKey: 'key' } }));
  assert.deepEqual([signed.code, signed.published], ['command.impossible', 0]);
  assert.match(signed.message, /remoteConfig.publicKey is set/);
});

test('what would be rejected, or is too large, is not published', async () => {
  const wrong = await refusal({ bad: 1 }, open());
  assert.deepEqual([wrong.code, wrong.published], ['config.invalid', 0]);
  assert.equal(wrong.message, 'bad: unknown key; all of it');
  const large = await refusal({ x: 'x'.repeat(65_536) }, open());
  assert.deepEqual([large.code, large.published], ['command.too-large', 0]);
});

test('the highest version there is cannot be followed', async () => {
  const { remote } = open().parts;
  assert.ok(remote !== undefined);
  const standing = () => ({ layer: {}, highest: Number.MAX_SAFE_INTEGER });
  const last = await refusal({}, open({ remote: { ...remote, standing } }));
  assert.deepEqual([last.code, last.published], ['command.impossible', 0]);
});

test('a broker that refuses it, loses it or does not hand it back is told', async () => {
  assert.equal((await refusal({}, open({}, 'refused'))).code, 'command.impossible');
  assert.equal((await refusal({}, open({}, 'lost'))).code, 'command.interrupted');
  const { parts, clock } = open();
  const done = configure({}, parts, never);
  await settled();
  clock.advance(5000);
  const outcome = await done;
  assert.ok(!outcome.ok && outcome.fault.code === 'command.interrupted');
  assert.match(outcome.fault.message, /version 8 was published, but did not come back/);
});

test('a stop ends the wait', async () => {
  const { parts } = open();
  const stop = new AbortController();
  const done = configure({}, parts, stop.signal);
  await settled();
  stop.abort();
  assert.ok(!(await done).ok);
});

test('the examples of RFC 7396 that can be a layer', () => {
  for (const [layer, partial, result] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const) {
    assert.deepEqual(layerOn(layer, partial), result);
  }
});
