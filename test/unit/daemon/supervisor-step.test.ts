import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Component, type FaultCode, fault } from '../../../src/base/fault.ts';
import { createRandom } from '../../../src/base/random.ts';
import { type Micros, micros, seconds } from '../../../src/base/time.ts';
import type { Rung } from '../../../src/contract/messages.ts';
import { componentsOf, healthOf, isProgressing } from '../../../src/daemon/components.ts';
import { type Assessment, assess, type ComponentHealth } from '../../../src/daemon/health.ts';
import { supervisorPolicyOf } from '../../../src/daemon/supervisor/policy.ts';
import {
  beginSupervisor,
  releaseProcess,
  type Spent,
  type SupervisorAction,
  stepSupervisor,
} from '../../../src/daemon/supervisor/step.ts';
import { factsOf } from '../../support/daemon-facts.ts';

const policy = supervisorPolicyOf(5, seconds(3));
const fine = assess(factsOf());
const trouble = (code: FaultCode) => fault(code, `it is ${code}`, 'a mend');

/** A supervisor in a time of its own; `look` is what it does about what it sees. */
function supervised(spent: Spent = {}, crash?: FaultCode) {
  let now = micros(3_600_000_000);
  const begun = beginSupervisor(
    spent,
    crash === undefined ? undefined : trouble(crash),
    now,
    policy,
  );
  let { state } = begun;
  let assessment: Assessment = fine;
  let number = 0;
  const look = (): readonly string[] => {
    const next = stepSupervisor(state, assessment, now, policy);
    state = next.state;
    return next.actions.map(wordOf);
  };
  const become = (component: Component, health: ComponentHealth): readonly string[] => {
    assessment = { ...assessment, [component]: health };
    return look();
  };
  return {
    begun: begun.actions.map(wordOf),
    state: () => state,
    now: () => now,
    look,
    /** Looks once a second meanwhile; returns what was done. */
    pass: (seconds: number): readonly string[] => {
      const done: string[] = [];
      for (let second = 0; second < seconds; second += 1) {
        now = micros(now + 1_000_000);
        done.push(...look());
      }
      return done;
    },
    /** A new report of trouble. */
    breaks: (component: Component, code: FaultCode, least: Rung) => {
      number += 1;
      return become(component, { kind: 'broken', fault: trouble(code), least, trouble: number });
    },
    become,
    heals: (component: Component) => become(component, { kind: 'ok' }),
    published: () => componentsOf(assessment, state.ladders),
    overall: () => healthOf(componentsOf(assessment, state.ladders), 'running', true),
    isFed: () => isProgressing(assessment, state.ladders, () => micros(now + 1), now),
  };
}

function wordOf(action: SupervisorAction): string {
  switch (action.kind) {
    case 'recover':
      return `${action.component} ${action.rung} ${action.attempt}`;
    case 'end':
      return `end for ${action.component}: ${action.fault.code}`;
    case 'held':
      return `${action.component} held for ${Math.round(action.wait / 1000)} s`;
    case 'recovered':
    case 'resumed':
      return `${action.component} ${action.kind}`;
  }
}

test('the ladder of a stalled camera, from its stream to the end of the process', () => {
  const it = supervised();
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera stream 1']);
  assert.equal(it.published().camera.state, 'recovering');
  assert.equal(it.overall(), 'degraded');
  assert.deepEqual(it.look(), [], 'the same report is not answered twice');
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera device 1']);
  assert.deepEqual(it.breaks('camera', 'camera.broken', 'stream'), ['camera device 2']);
  assert.deepEqual(it.breaks('camera', 'camera.broken', 'stream'), ['camera device 3']);
  assert.deepEqual(it.breaks('camera', 'camera.broken', 'stream'), ['camera worker 1']);
  assert.deepEqual(it.breaks('camera', 'camera.broken', 'device'), [
    'end for camera: camera.broken',
  ]);
});

test('a frozen picture begins with the device, a dead thread with another thread', () => {
  assert.deepEqual(supervised().breaks('camera', 'camera.frozen', 'device'), ['camera device 1']);
  assert.deepEqual(supervised().breaks('inference', 'inference.died', 'worker'), [
    'inference worker 1',
  ]);
});

test('a driver that hangs in a step is not given the rest of its time', () => {
  const it = supervised();
  it.breaks('camera', 'camera.stalled', 'stream');
  const hung = { fault: trouble('camera.hung'), least: 'process', trouble: 1 } as const;
  assert.deepEqual(it.become('camera', { kind: 'broken', ...hung }), [
    'end for camera: camera.hung',
  ]);
  assert.deepEqual(it.pass(30), []);
});

test('a hung model ends the process at once', () => {
  assert.deepEqual(supervised().breaks('inference', 'inference.hung', 'process'), [
    'end for inference: inference.hung',
  ]);
});

test('a step that is not answered in time is followed by the next one', () => {
  const it = supervised();
  it.breaks('camera', 'camera.stalled', 'stream');
  assert.deepEqual(it.pass(19), []);
  assert.deepEqual(it.pass(1), ['camera device 1']);
  assert.deepEqual(it.pass(45), ['camera device 2']);
});

test('what works again begins at the foot of its ladder, once it has proved itself', () => {
  const it = supervised();
  it.breaks('camera', 'camera.stalled', 'stream');
  assert.deepEqual(it.heals('camera'), ['camera recovered']);
  assert.equal(it.overall(), 'ok');
  it.pass(30);
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera device 1']);
  it.heals('camera');
  it.pass(61);
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera stream 1']);
});

test('a camera that is missing for ten minutes restarts nothing, and the watchdog is fed', () => {
  const it = supervised();
  it.become('camera', { kind: 'waiting', fault: trouble('camera.missing') });
  for (let second = 0; second < 600; second += 1) {
    assert.deepEqual(it.pass(1), []);
    assert.ok(it.isFed());
    assert.equal(it.overall(), 'degraded');
  }
  it.heals('camera');
  assert.equal(it.overall(), 'ok');
});

test('a camera that goes missing while it is recovered is left to itself', () => {
  const it = supervised();
  it.breaks('camera', 'camera.stalled', 'stream');
  it.become('camera', { kind: 'waiting', fault: trouble('camera.unplugged') });
  assert.deepEqual(it.pass(600), []);
  assert.equal(it.published().camera.state, 'waiting');
});

test('a broker that is away restarts nothing', () => {
  const it = supervised();
  it.become('link', { kind: 'waiting', fault: trouble('mqtt.unreachable') });
  assert.deepEqual(it.pass(3600), []);
  assert.equal(it.overall(), 'degraded');
});

test('thread after thread dies: five others in ten minutes, then the process, then it is held', () => {
  const it = supervised();
  for (let death = 1; death <= 5; death += 1) {
    const done = it.breaks('inference', 'inference.died', 'worker');
    assert.deepEqual(done, [`inference worker ${death}`]);
  }
  assert.deepEqual(it.breaks('inference', 'inference.died', 'worker'), [
    'end for inference: inference.died',
  ]);
});

test('processes are ended five times an hour and no more; then it holds and is steady', () => {
  let spent: Spent = {};
  for (let run = 1; run <= 5; run += 1) {
    const it = supervised(spent);
    assert.deepEqual(it.begun, [], 'an end that was planned is drawn already');
    assert.deepEqual(it.breaks('inference', 'inference.hung', 'process').length, 1);
    ({ spent } = it.state());
  }
  const it = supervised(spent);
  assert.deepEqual(it.breaks('inference', 'inference.hung', 'process'), [
    'inference held for 3600 s',
  ]);
  assert.equal(it.overall(), 'failing');
  assert.ok(it.isFed(), 'to hold is a decision, not a hang');
  assert.deepEqual(it.pass(3599), []);
  assert.deepEqual(it.pass(1), ['inference resumed', 'end for inference: inference.hung']);
});

test('a crash loop is held from the start of the process, and let go when the hour has room', () => {
  let spent: Spent = {};
  for (let crash = 1; crash <= 4; crash += 1) {
    const it = supervised(spent, 'daemon.crash-loop');
    assert.deepEqual(it.begun, []);
    ({ spent } = it.state());
  }
  const it = supervised(spent, 'daemon.crash-loop');
  assert.deepEqual(it.begun, ['daemon held for 3600 s']);
  assert.equal(it.overall(), 'failing');
  assert.ok(it.isFed());
  assert.deepEqual(it.pass(3599), []);
  assert.deepEqual(it.pass(1), ['daemon resumed']);
  assert.equal(it.overall(), 'ok');
});

test('a process that is held is let go for a fresh try, and nothing else is', () => {
  const spent = { process: Array.from({ length: 5 }, () => micros(3_600_000_000)) };
  const held = supervised(spent, 'daemon.crash-loop').state();
  const released = releaseProcess(held);
  assert.deepEqual(released.actions, [{ kind: 'resumed', component: 'daemon' }]);
  assert.equal(released.state.ladders.daemon, undefined);
  assert.equal(released.state.spent, held.spent);
  const calm = supervised().state();
  assert.deepEqual(releaseProcess(calm), { state: calm, actions: [] });
});

test('a component that works again while it is held is not held any more', () => {
  const now = micros(3_600_000_000);
  const full: Spent = { process: Array.from({ length: 5 }, () => now) };
  const it = supervised(full);
  it.breaks('inference', 'inference.hung', 'process');
  assert.equal(it.published().inference.state, 'failing');
  assert.deepEqual(it.heals('inference'), ['inference resumed']);
  assert.equal(it.overall(), 'ok');
});

test('budgets are forgotten after their window, and not before', () => {
  const it = supervised();
  for (let count = 0; count < 12; count += 1) {
    it.breaks('camera', 'camera.stalled', 'stream');
    it.heals('camera');
    it.pass(61);
  }
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera device 1']);
  it.heals('camera');
  it.pass(3600);
  assert.deepEqual(it.breaks('camera', 'camera.stalled', 'stream'), ['camera stream 1']);
});

test('trouble that is not seen to starves the watchdog', () => {
  const assessment: Assessment = {
    ...fine,
    inference: {
      ...{ kind: 'broken', fault: trouble('inference.hung'), least: 'process' },
      trouble: 1,
    },
  };
  const now = micros(1);
  assert.equal(
    isProgressing(assessment, {}, () => micros(2), now),
    false,
  );
  assert.equal(
    isProgressing(fine, {}, () => micros(2), now),
    true,
  );
  const starting: Assessment = { ...fine, inference: { kind: 'starting' } };
  assert.equal(
    isProgressing(starting, {}, () => micros(2), now),
    true,
  );
  assert.equal(
    isProgressing(starting, {}, () => micros(1), now),
    false,
    'starting has an end',
  );
});

test('without a camera for two hours, and held for one, the watchdog is fed', () => {
  const opening: Assessment = {
    ...fine,
    ring: { kind: 'starting' },
    inference: { kind: 'starting' },
    label: { kind: 'starting' },
  };
  const late = () => micros(0);
  const now = micros(7_200_000_000);
  const missing: Assessment = {
    ...opening,
    camera: { kind: 'waiting', fault: trouble('camera.missing') },
  };
  assert.ok(isProgressing(missing, {}, late, now));
  const ladder = {
    fault: trouble('daemon.crash-loop'),
    since: micros(0),
    phase: { kind: 'held', until: micros(8_000_000_000) },
  } as const;
  const held: Assessment = { ...opening, camera: { kind: 'starting' } };
  assert.ok(isProgressing(held, { daemon: ladder }, late, now));
  assert.ok(isProgressing(opening, { camera: ladder }, late, now));
  assert.equal(
    isProgressing(opening, {}, late, now),
    false,
    'a start that never ends is no progress',
  );
  const wrong: Assessment = {
    ...missing,
    label: { ...brokenOf('label.silent'), least: 'process' },
  };
  assert.equal(isProgressing(wrong, {}, late, now), false);
});

const brokenOf = (code: FaultCode) =>
  ({ kind: 'broken', fault: trouble(code), least: 'worker', trouble: 1 }) as const;

test('while the process is being ended nothing more is decided', () => {
  const it = supervised();
  it.breaks('inference', 'inference.hung', 'process');
  assert.deepEqual(it.breaks('inference', 'inference.died', 'worker'), []);
  assert.deepEqual(it.pass(30), []);
});

test('a held camera that is gone is waited for like any other', () => {
  const it = supervised({ process: Array.from({ length: 5 }, () => micros(3_600_000_000)) });
  for (let count = 0; count < 6; count += 1) it.breaks('camera', 'camera.broken', 'stream');
  assert.equal(it.published().camera.state, 'failing');
  it.become('camera', { kind: 'waiting', fault: trouble('camera.unplugged') });
  assert.equal(it.published().camera.state, 'waiting');
});

test('whatever happens, no budget is ever overdrawn and each trouble is seen to or held', () => {
  for (let seed = 1; seed <= 200; seed += 1) checkRandomRun(seed);
});

/** Two hours of random troubles in random components; every invariant is looked at each second. */
function checkRandomRun(seed: number): void {
  const random = createRandom(seed);
  const it = supervised();
  const drawn = new Map<string, Micros[]>();
  const draw = (words: readonly string[]): void => {
    for (const word of words) {
      const match = /^(camera|inference) (stream|device|worker) \d+$/.exec(word);
      const key = word.startsWith('end for') ? 'process' : match ? `${match[1]}.${match[2]}` : '';
      if (key !== '') drawn.set(key, [...(drawn.get(key) ?? []), it.now()]);
    }
  };
  const limits: Record<string, readonly [number, number]> = {
    'camera.stream': [12, 3600],
    'camera.device': [12, 3600],
    'camera.worker': [5, 600],
    'inference.worker': [5, 600],
    process: [5, 3600],
  };
  for (let second = 0; second < 7200; second += 1) {
    const dice = random();
    if (dice < 0.02) draw(it.breaks('camera', 'camera.stalled', 'stream'));
    else if (dice < 0.03) draw(it.breaks('camera', 'camera.frozen', 'device'));
    else if (dice < 0.035) draw(it.breaks('inference', 'inference.died', 'worker'));
    else if (dice < 0.037) draw(it.breaks('inference', 'inference.hung', 'process'));
    else if (dice < 0.06) draw(it.heals('camera'));
    else if (dice < 0.08) draw(it.heals('inference'));
    draw(it.pass(1));
    const { camera, inference } = it.published();
    assert.ok(it.isFed(), `seed ${seed}, second ${second}: ${camera.state} ${inference.state}`);
    for (const [key, [max, window]] of Object.entries(limits)) {
      const recent = (drawn.get(key) ?? []).filter((at) => it.now() - at < window * 1_000_000);
      assert.ok(recent.length <= max, `seed ${seed}: ${key} ${recent.length} times`);
    }
  }
}
