import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../../src/base/time.ts';
import { type ExitWord, parseExitWord } from '../../../../src/daemon/life/exit-word.ts';
import { type Ended, endings, type Life } from '../../../../src/daemon/life/life.ts';
import {
  type Present,
  type PreviousRun,
  previousOf,
  type RunEnd,
} from '../../../../src/daemon/life/previous-run.ts';

const mine = 'a'.repeat(32);
const other = 'b'.repeat(32);
const noon = Date.UTC(2026, 0, 1, 12);
const at = (second: number) => ({ at: micros(second * 1e6), wall: noon + second * 1000 });

/** A run that started at 100 s after boot, classified until 160 s and was last seen a second later. */
const life: Life = {
  session: 'before',
  stateDir: '/state',
  pid: 7,
  startTicks: 10_000,
  bootId: 'boot',
  invocation: mine,
  started: at(100),
  beat: at(161),
  classified: { bootId: 'boot', ...at(160) },
  oomKills: 3,
  ended: null,
};
const present: Present = { bootId: 'boot', ...at(165), oomKills: 3 };

const hung = { code: 'inference.hung', message: 'the inference thread does not answer' };
const bug = { code: 'daemon.internal', message: 'x is not a function' };

type Given = {
  readonly ended?: Ended['how'];
  readonly fault?: Ended['fault'];
  readonly exit?: string;
  readonly boot?: string;
  readonly oomKills?: number | null;
};

function previous({ ended, fault = null, exit, boot = 'boot', oomKills = 3 }: Given): PreviousRun {
  const record = ended === undefined ? life : { ...life, ended: { how: ended, fault } };
  const word: ExitWord | undefined = exit === undefined ? undefined : parseExitWord(exit);
  assert.equal(exit === undefined, word === undefined, 'the table has no broken line');
  return previousOf(record, word, { ...present, bootId: boot, oomKills });
}

type Row = readonly [given: Given, end: RunEnd, sentence: RegExp];

const ownWords: readonly Row[] = [
  [{ ended: 'asked' }, 'asked', /^it was asked to stop$/],
  [{ ended: 'restart' }, 'restart', /^it was asked to be started again$/],
  [{ ended: 'source-ended' }, 'source-ended', /source/],
  [{ ended: 'fault', fault: hung }, 'fault', /could not go on: inference\.hung \(the inference/],
  [
    { ended: 'planned', fault: hung },
    'planned',
    /^it ended itself: inference\.hung \(the inference thread does not answer\)$/,
  ],
  [{ ended: 'planned' }, 'planned', /nothing says why/],
  [{ ended: 'hung' }, 'hung', /^its stop took too long$/],
  [{ ended: 'hung', fault: hung }, 'hung', /inference\.hung .*; its stop took too long$/],
  [{ ended: 'crashed', fault: bug }, 'crashed', /^an internal error: x is not a function$/],
];

const silent: readonly Row[] = [
  [{}, 'unknown', /nothing recorded why/],
  [{ oomKills: 4 }, 'out-of-memory', /memory had run out/],
  [{ oomKills: null }, 'unknown', /nothing recorded why/],
  [{ boot: 'next' }, 'power', /lost its power or was started anew/],
  [{ boot: 'next', oomKills: 9 }, 'power', /power/],
  [{ boot: 'next', exit: 'core-dump dumped SEGV' }, 'power', /power/],
  [{ boot: 'next', ended: 'asked' }, 'asked', /asked/],
  [{ boot: 'next', ended: 'planned', fault: hung }, 'planned', /inference\.hung/],
];

const systemd: readonly Row[] = [
  [{ exit: 'success exited 0' }, 'asked', /asked to stop/],
  [{ exit: 'success killed TERM' }, 'asked', /asked to stop/],
  [{ exit: 'exit-code exited 130' }, 'asked', /asked to stop/],
  [{ exit: 'exit-code exited 75' }, 'restart', /asked to be started again/],
  [{ exit: 'success exited 75' }, 'restart', /asked to be started again/],
  [{ exit: 'exit-code exited 1' }, 'hung', /stop took too long/],
  [{ exit: 'exit-code exited 69' }, 'fault', /exit status 69/],
  [{ exit: 'exit-code exited 78' }, 'fault', /exit status 78/],
  [{ exit: 'exit-code exited 70' }, 'crashed', /internal error: exit status 70/],
  [{ exit: 'exit-code exited 13' }, 'crashed', /exit status 13/],
  [{ exit: 'protocol exited 0' }, 'asked', /asked/],
  [{ exit: 'watchdog killed ABRT' }, 'watchdog', /watchdog of systemd/],
  [{ exit: 'watchdog killed KILL' }, 'watchdog', /watchdog of systemd/],
  [{ exit: 'watchdog dumped ABRT', oomKills: 4 }, 'watchdog', /watchdog of systemd/],
  [{ exit: 'timeout killed KILL' }, 'hung', /systemd had ended it, because its start or its stop/],
  [{ exit: 'oom-kill killed KILL' }, 'out-of-memory', /memory had run out/],
  [{ exit: 'signal killed KILL' }, 'killed', /^it was killed by SIGKILL$/],
  [{ exit: 'signal killed KILL', oomKills: 4 }, 'out-of-memory', /memory had run out/],
  [{ exit: 'signal killed USR1' }, 'killed', /SIGUSR1/],
  [{ exit: 'core-dump dumped QUIT' }, 'killed', /SIGQUIT/],
  ...['ABRT', 'SEGV', 'BUS', 'ILL', 'FPE', 'TRAP', 'SYS'].flatMap((signal): Row[] => [
    [
      { exit: `core-dump dumped ${signal}` },
      'crashed',
      new RegExp(`SIG${signal}: a native module`),
    ],
    [{ exit: `signal killed ${signal}`, oomKills: 4 }, 'crashed', /model's runtime or a driver/],
  ]),
  // Of a start that was never made.
  [{ exit: 'start-limit-hit  ' }, 'unknown', /nothing recorded why/],
  [{ exit: 'resources  ', ended: 'planned', fault: hung }, 'planned', /inference\.hung/],
  // A unit whose ExecStopPost= does not say which run it is about.
  [{ exit: `signal killed SEGV ${mine}` }, 'crashed', /SIGSEGV/],
  [{ exit: `signal killed SEGV ${other}` }, 'unknown', /nothing recorded why/],
  [{ exit: `exit-code exited 78 ${other}`, ended: 'asked' }, 'asked', /asked/],
];

const both: readonly Row[] = [
  [{ ended: 'asked', exit: 'success exited 0' }, 'asked', /asked/],
  [{ ended: 'asked', exit: 'exit-code exited 130' }, 'asked', /asked/],
  [{ ended: 'restart', exit: 'exit-code exited 75' }, 'restart', /started again/],
  [{ ended: 'source-ended', exit: 'success exited 0' }, 'source-ended', /source/],
  // It was asked to stop, and failed at it.
  [{ ended: 'asked', exit: 'timeout killed KILL' }, 'hung', /took too long/],
  [{ ended: 'asked', exit: 'exit-code exited 1' }, 'hung', /took too long/],
  [{ ended: 'asked', exit: 'core-dump dumped SEGV' }, 'crashed', /SIGSEGV/],
  [{ ended: 'asked', exit: 'watchdog killed ABRT' }, 'watchdog', /watchdog/],
  [{ ended: 'restart', exit: 'signal killed KILL' }, 'killed', /SIGKILL/],
  [{ ended: 'restart', exit: 'oom-kill killed KILL' }, 'out-of-memory', /memory/],
  // It had left why, whatever systemd saw of it.
  [{ ended: 'planned', fault: hung, exit: 'signal killed KILL' }, 'planned', /inference\.hung/],
  [{ ended: 'planned', fault: hung, exit: 'watchdog killed ABRT' }, 'planned', /inference\.hung/],
  [{ ended: 'fault', fault: hung, exit: 'exit-code exited 70' }, 'fault', /inference\.hung/],
  [{ ended: 'hung', exit: 'exit-code exited 1' }, 'hung', /took too long/],
  [{ ended: 'crashed', fault: bug, exit: 'exit-code exited 70' }, 'crashed', /not a function/],
];

for (const [given, end, sentence] of [...ownWords, ...silent, ...systemd, ...both]) {
  test(`${JSON.stringify(given)}: ${end}`, () => {
    const run = previous(given);
    assert.equal(run.end, end);
    assert.match(run.sentence, sentence);
    assert.equal(run.isUnplanned, !['asked', 'restart', 'source-ended', 'power'].includes(end));
    assert.deepEqual(run.fault, given.fault ?? undefined);
  });
}

test('every ending that a run can leave is told as it is', () => {
  for (const ended of endings) assert.equal(previous({ ended }).end, ended);
});

test('the signal is told where systemd saw one, of this run', () => {
  assert.equal(previous({ exit: 'core-dump dumped SEGV' }).signal, 'SEGV');
  assert.equal(previous({ exit: 'signal killed KILL', ended: 'planned' }).signal, 'KILL');
  assert.equal(previous({ exit: `signal killed SEGV ${other}` }).signal, undefined);
  assert.equal(previous({ exit: 'signal killed SEGV', boot: 'next' }).signal, undefined);
  assert.equal(previous({ exit: 'exit-code exited 70' }).signal, undefined);
});

test('instants that are still to come are of another boot, whatever its id says', () => {
  const early = { ...present, ...at(50) };
  assert.equal(previousOf(life, undefined, early).end, 'power');
  const noId = { ...life, bootId: '' };
  assert.equal(previousOf(noId, undefined, { ...early, bootId: '' }).end, 'power');
  assert.equal(previousOf(noId, undefined, { ...present, bootId: '' }).end, 'unknown');
});

test('blind is the time since the last classified frame, by the clock that can tell', () => {
  const blind = (record: Life, now: Present): number | undefined =>
    previousOf(record, undefined, now).blind;
  assert.equal(blind(life, present), 5000);
  // A wall clock that was moved meanwhile does not matter within a boot.
  assert.equal(blind(life, { ...present, wall: 0 }), 5000);
  assert.equal(blind({ ...life, classified: null }, present), undefined);

  const next: Present = { bootId: 'next', at: micros(9e6), wall: noon + 760_000, oomKills: 0 };
  assert.equal(blind(life, next), 600_000);
  assert.equal(blind(life, { ...next, wall: null }), undefined, 'not right yet');
  assert.equal(blind(life, { ...next, wall: noon }), undefined, 'before the last frame');
  const unsynced = { ...life, classified: { bootId: 'boot', at: micros(1), wall: null } };
  assert.equal(blind(unsynced, next), undefined, 'was not right then');
  // Kept by a run of this boot that classified nothing itself.
  const earlier = { ...life, classified: { bootId: 'first', ...at(100) } };
  assert.equal(blind(earlier, present), 65_000);
});
