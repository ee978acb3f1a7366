import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectionFaults } from '../../../src/contract/injections.ts';
import { followInjections, type InjectionTargets } from '../../../src/daemon/injection.ts';
import {
  createLineSplitter,
  type InjectionLine,
  parseInjection,
} from '../../../src/daemon/injection-lines.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const parsed = (document: object) => parseInjection(JSON.stringify(document));

test('a line is one fault, with what was left out filled in', () => {
  assert.deepEqual(parsed({ fault: 'inference.abort' }), {
    ok: true,
    value: { fault: 'inference.abort', seconds: 5, afterSeconds: 0 },
  });
  const whole = {
    ...{ fault: 'camera.stall', seconds: 5, afterSeconds: 2, mendedBy: 'stream' },
    ...{ everySeconds: 60, process: 1234 },
  };
  assert.deepEqual(parsed(whole), { ok: true, value: whole });
});

test('each fault can be named', () => {
  assert.equal(injectionFaults.length, 22);
  for (const fault of injectionFaults) {
    const more = fault.startsWith('memory') ? { megabytes: 1 } : {};
    const celsius = fault === 'temperature' ? { celsius: 80 } : {};
    assert.ok(parsed({ fault, ...more, ...celsius }).ok, fault);
  }
});

test('a wrong line is refused with the reason', () => {
  const rows: readonly [line: string, reason: RegExp][] = [
    ['{"fault":', /^not JSON/],
    ['[]', /^fault: got nothing; one of camera\.stall, /],
    ['{"fault":7}', /^fault: got 7; one of/],
    ['{"fault":"camera.stal"}', /did you mean camera\.stall\?/],
    ['{"fault":"camera.stall","mendedBy":"prayer"}', /^mendedBy: /],
    ['{"fault":"inference.hang","mendedBy":"stream"}', /mendedBy/],
    ['{"fault":"inference.hang","seconds":-1}', /^seconds: /],
    ['{"fault":"temperature"}', /^celsius: /],
    ['{"fault":"memory.grow"}', /^megabytes: /],
    ['{"fault":"loop.block","everySeconds":0}', /^everySeconds: /],
  ];
  for (const [line, reason] of rows) {
    const outcome = parseInjection(line);
    assert.ok(!outcome.ok, line);
    assert.match(outcome.fault.message, reason);
    assert.equal(outcome.fault.code, 'usage.argument');
  }
});

test('lines come whole, numbered, without empty ones and comments', () => {
  const splitter = createLineSplitter();
  assert.deepEqual(splitter.add('# a\n\none\ntw'), [{ number: 3, text: 'one' }]);
  assert.deepEqual(splitter.add('o'), []);
  assert.deepEqual(splitter.add('\nthree'), [{ number: 4, text: 'two' }]);
  assert.deepEqual(splitter.end(), [{ number: 5, text: 'three' }]);
  assert.deepEqual(splitter.end(), []);
  assert.deepEqual(splitter.add('\n\nseven\n'), [{ number: 8, text: 'seven' }]);
});

function follow(first: readonly object[]) {
  const clock = createManualClock();
  let added: InjectionLine[] = [];
  let count = 0;
  const add = (text: string): void => {
    count += 1;
    added.push({ number: count, text });
  };
  for (const document of first) add(JSON.stringify(document));
  const made: unknown[] = [];
  const warned: object[] = [];
  const make = (injection: unknown): void => void made.push(injection);
  const targets: InjectionTargets = {
    ...{ camera: make, inference: make, surroundings: make },
    deafen: (seconds) => make({ deaf: seconds }),
  };
  const silent = { debug() {}, info() {}, error() {}, setLevel() {} };
  const file = {
    added: () => {
      const lines = added;
      added = [];
      return lines;
    },
  };
  const injections = followInjections(file, {
    ...{ path: 'faults', clock, targets },
    log: { ...silent, warn: (fields) => void warned.push(fields) },
  });
  return {
    made,
    warned,
    add,
    /** In steps as small as the file is looked at. */
    advance: async (ms: number) => {
      for (let gone = 0; gone < ms; gone += 100) {
        clock.advance(100);
        await settled();
      }
    },
    close: () => injections[Symbol.dispose](),
  };
}

test('what is there at the start is made after its time, each to whom it is for', async () => {
  const { made, warned, advance, close } = follow([
    { fault: 'camera.stall', seconds: 3, afterSeconds: 2, mendedBy: 'device' },
    { fault: 'inference.hang', seconds: 1, afterSeconds: 1 },
    { fault: 'temperature', celsius: 90, seconds: 7, afterSeconds: 3 },
    { fault: 'supervisor.deaf', seconds: 9, afterSeconds: 4 },
  ]);
  await advance(900);
  assert.deepEqual(made, []);
  await advance(200);
  assert.deepEqual(made, [{ what: 'hang', seconds: 1 }]);
  await advance(3000);
  assert.deepEqual(made.slice(1), [
    { what: 'stall', seconds: 3, mendedBy: 'device' },
    { kind: 'temperature', celsius: 90, seconds: 7 },
    { deaf: 9 },
  ]);
  assert.equal(warned.length, 4, 'each is told of in the log');
  close();
});

test('what is added later is made then; a wrong line is told of by its number', async () => {
  const { made, warned, add, advance, close } = follow([]);
  await advance(5000);
  add('{"fault":"disk.full","seconds":2}');
  add('{"fault":"disk"}');
  await advance(300);
  assert.deepEqual(made, [{ kind: 'disk-full', seconds: 2 }]);
  const left = warned.filter((fields) => 'line' in fields);
  assert.deepEqual(left.length, 1);
  assert.equal((left[0] as { line: number }).line, 2);
  close();
});

test('a fault comes again with its period, until the end', async () => {
  const { made, advance, close } = follow([{ fault: 'inference.fail', everySeconds: 2 }]);
  await advance(5000);
  assert.equal(made.length, 3);
  close();
  await advance(5000);
  assert.equal(made.length, 3);
});

test('a fault for one process is made in no other', async () => {
  const { made, advance, close } = follow([
    { fault: 'under-voltage', process: process.pid + 1 },
    { fault: 'memory', megabytes: 380, process: process.pid },
  ]);
  await advance(300);
  assert.deepEqual(made, [{ kind: 'memory', megabytes: 380, seconds: 5 }]);
  close();
});
