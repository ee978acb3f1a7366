import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, fault, success } from '../../../src/base/fault.ts';
import type { Log } from '../../../src/base/log.ts';
import { createDiscovery } from '../../../src/daemon/discovery.ts';
import type { Note } from '../../../src/daemon/discovery-note.ts';
import { prepareSetup } from '../../../src/daemon/prepare.ts';
import type { Setup } from '../../../src/daemon/setup.ts';
import type { Delivered } from '../../../src/mqtt/outgoing.ts';
import type { IncomingListener } from '../../../src/mqtt/subscriptions.ts';
import { configOf, topics } from '../../support/home-assistant-facts.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const topic = 'homeassistant/device/sightd_porch/config';
const off = { homeAssistant: { enabled: false } };

function setupOf(tree: object = {}): Setup {
  const setup = prepareSetup(configOf(tree), undefined);
  assert.ok(setup.ok);
  return setup.value;
}

type Given = {
  readonly tree?: object;
  readonly note?: Note;
  readonly isWritable?: boolean;
};

/** A discovery with a broker that answers deletions when told to, and a note in memory. */
function createBench({ tree = {}, note = {}, isWritable = true }: Given) {
  const kept = { note };
  const retained: { topic: string; payload: string }[] = [];
  const told: string[] = [];
  const listeners = new Map<string, IncomingListener>();
  const answers: ((outcome: Delivered) => void)[] = [];
  const clock = createManualClock();
  const log: Log = {
    ...{ debug: () => {}, info: () => {}, error: () => {}, setLevel: () => {} },
    warn: (fields) => told.push(`warned ${JSON.stringify(Object.keys(fields))}`),
  };
  const discovery = createDiscovery({
    setup: setupOf(tree),
    device: 'porch',
    topics,
    hasTemperature: false,
    takesCommands: true,
    note: {
      read: () => success(kept.note),
      write: (next) => {
        if (!isWritable) return failure(fault('state.unwritable', 'full', ''));
        kept.note = next;
        return success(undefined);
      },
    },
    link: {
      retain: (where, payload) => {
        retained.push({ topic: where, payload });
        told.push(`retain ${where}`);
      },
      release: (where) => told.push(`release ${where}`),
      untilOnline: () => Promise.resolve(),
      deliver: ({ topic: where, payload, retain }, signal) => {
        assert.deepEqual([payload, retain], ['', true]);
        told.push(`delete ${where}`);
        return new Promise((resolve) => {
          answers.push(resolve);
          signal.addEventListener('abort', () => resolve('lost'), { once: true });
        });
      },
      subscribe: (where, listener) => {
        assert.ok(!listeners.has(where));
        listeners.set(where, listener);
        return { [Symbol.dispose]: () => listeners.delete(where) };
      },
    },
    clock,
    random: () => 0.5,
    log,
  });
  return {
    discovery,
    clock,
    kept,
    retained,
    listeners,
    /** What was done since the last call. */
    told: () => told.splice(0),
    answer: async (outcome: Delivered) => {
      answers.shift()?.(outcome);
      await settled();
    },
    birth: (payload = 'online', isRetained = false) =>
      listeners.get('homeassistant/status')?.({
        topic: 'homeassistant/status',
        payload: Buffer.from(payload),
        retained: isRetained,
        properties: {},
      }),
    componentsOf: (at: number) =>
      Object.entries(
        (JSON.parse(retained.at(at)?.payload ?? '') as { components: Record<string, object> })
          .components,
      ),
  };
}

test('a device that may be announced is, and what was announced is noted', () => {
  const bench = createBench({});
  assert.deepEqual(bench.told(), [`retain ${topic}`]);
  assert.equal(bench.kept.note[topic]?.['label'], 'sensor');
  assert.deepEqual([...bench.listeners.keys()], ['homeassistant/status']);
});

test('where it is off, and was off, nothing is said', async () => {
  const bench = createBench({ tree: off });
  await settled();
  assert.deepEqual(bench.told(), []);
  assert.deepEqual([...bench.listeners.keys()], []);
});

test('only what is new in it is announced again', () => {
  const bench = createBench({});
  bench.told();
  bench.discovery.configure(setupOf());
  bench.discovery.configure(setupOf({ publish: { topK: 2 } }));
  assert.deepEqual(bench.told(), []);
  bench.discovery.configure(setupOf({ label: { thresholds: { bird: 0.5 } } }));
  assert.deepEqual(bench.told(), [`retain ${topic}`]);
  assert.equal(bench.kept.note[topic]?.['threshold_bird'], 'number');
  bench.discovery.configure(setupOf());
  assert.deepEqual(bench.told(), [`retain ${topic}`]);
  const gone = bench.componentsOf(-1).filter(([, one]) => Object.keys(one).length === 1);
  assert.deepEqual(gone, [['threshold_bird', { platform: 'number' }]]);
});

test('what an earlier run announced and this one does not is taken away', () => {
  const note = { [topic]: { label: 'sensor', threshold_car: 'number' } } as const;
  const bench = createBench({ note });
  const gone = bench.componentsOf(-1).filter(([, one]) => Object.keys(one).length === 1);
  assert.deepEqual(gone, [['threshold_car', { platform: 'number' }]]);
  assert.equal(bench.kept.note[topic]?.['threshold_car'], undefined);
});

test('when Home Assistant starts it is told again, once, after a moment', async () => {
  const bench = createBench({});
  bench.told();
  bench.birth();
  bench.birth();
  bench.clock.advance(2400);
  await settled();
  assert.deepEqual(bench.told(), []);
  bench.clock.advance(200);
  await settled();
  assert.deepEqual(bench.told(), [`retain ${topic}`]);
  bench.birth('offline');
  // Kept by the broker: it comes with every connection.
  bench.birth('online', true);
  bench.clock.advance(10_000);
  await settled();
  assert.deepEqual(bench.told(), []);
  bench.birth();
  bench.discovery.configure(setupOf(off));
  bench.clock.advance(10_000);
  await settled();
  assert.ok(!bench.told().includes(`retain ${topic}`), 'switched off meanwhile');
});

test('switched off, it is deleted, and forgotten when the broker has answered', async () => {
  const bench = createBench({});
  bench.told();
  bench.discovery.configure(setupOf(off));
  await settled();
  assert.deepEqual(bench.told(), [`release ${topic}`, `delete ${topic}`]);
  assert.deepEqual([...bench.listeners.keys()], []);
  assert.ok(topic in bench.kept.note);
  bench.discovery.configure(setupOf(off));
  await bench.answer('lost');
  assert.deepEqual(bench.told(), []);
  bench.clock.advance(60_000);
  await settled();
  assert.deepEqual(bench.told(), [`delete ${topic}`]);
  await bench.answer('acknowledged');
  assert.deepEqual(bench.kept.note, {});
  bench.discovery.configure(setupOf(off));
  await settled();
  assert.deepEqual(bench.told(), []);
});

test('a deletion that the broker refuses is left to the next start', async () => {
  const bench = createBench({});
  bench.discovery.configure(setupOf(off));
  await settled();
  await bench.answer('refused');
  bench.told();
  bench.clock.advance(60_000);
  await settled();
  assert.deepEqual(bench.told(), []);
  assert.ok(topic in bench.kept.note);
});

test('off from the start, what an earlier run announced is deleted', async () => {
  const old = 'elsewhere/device/sightd_yard/config';
  const bench = createBench({ tree: off, note: { [topic]: {}, [old]: {} } });
  await settled();
  assert.deepEqual(
    bench
      .told()
      .filter((one) => one.startsWith('delete'))
      .sort(),
    [`delete ${old}`, `delete ${topic}`],
  );
  await bench.answer('acknowledged');
  await bench.answer('acknowledged');
  assert.deepEqual(bench.kept.note, {});
});

test('switched on again while its deletion is under way, it stays announced', async () => {
  const bench = createBench({});
  bench.discovery.configure(setupOf(off));
  await settled();
  bench.told();
  bench.discovery.configure(setupOf());
  assert.deepEqual(bench.told(), [`retain ${topic}`]);
  await bench.answer('acknowledged');
  assert.ok(topic in bench.kept.note);
  bench.discovery.configure(setupOf(off));
  await settled();
  assert.deepEqual(bench.told(), [`release ${topic}`, `delete ${topic}`]);
  await bench.answer('acknowledged');
  assert.deepEqual(bench.kept.note, {});
});

test('under another prefix it is announced there, and deleted here', async () => {
  const bench = createBench({});
  bench.told();
  bench.discovery.configure(setupOf({ homeAssistant: { enabled: true, prefix: 'home/ha' } }));
  await settled();
  const there = 'home/ha/device/sightd_porch/config';
  assert.deepEqual(bench.told(), [`retain ${there}`, `release ${topic}`, `delete ${topic}`]);
  assert.deepEqual([...bench.listeners.keys()], ['home/ha/status']);
  await bench.answer('acknowledged');
  assert.deepEqual(Object.keys(bench.kept.note), [there]);
});

test('where nothing can be noted it is announced all the same, and deleted while it runs', async () => {
  const bench = createBench({ isWritable: false });
  assert.deepEqual(bench.told(), ['warned ["fault"]', `retain ${topic}`]);
  bench.discovery.configure(setupOf(off));
  await settled();
  assert.deepEqual(bench.told(), [`release ${topic}`, `delete ${topic}`]);
});

test('closed, it waits for nothing', async () => {
  const bench = createBench({});
  bench.birth();
  bench.discovery.configure(setupOf(off));
  await settled();
  bench.told();
  bench.discovery.close();
  bench.clock.advance(60_000);
  await settled();
  assert.deepEqual(bench.told(), []);
  assert.ok(topic in bench.kept.note, 'the next start deletes it');
});
