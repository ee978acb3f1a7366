import assert from 'node:assert/strict';
import { test } from 'node:test';
import { micros } from '../../../src/base/time.ts';
import { type CommandName, commandNames } from '../../../src/contract/commands.ts';
import {
  afterCommand,
  type CommandPolicy,
  type CommandState,
  type Decision,
  decide,
  noCommands,
  snapshotPolicy,
} from '../../../src/daemon/command-decision.ts';
import { later, wall } from '../../support/commands.ts';

const policy: CommandPolicy = { all: { burst: 10, perSecond: 1 }, snapshots: snapshotPolicy };
const at = (seconds: number) => ({ now: micros(seconds * 1e6), wall: wall + seconds * 1000 });
const fresh = noCommands(policy, micros(0));

const bytesOf = (payload: unknown): Uint8Array =>
  payload instanceof Uint8Array
    ? payload
    : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));

const ask = (
  name: CommandName,
  payload: unknown,
  { state = fresh, retained = false, seconds = 0 }: Partial<Asked> = {},
): Decision => decide({ name, payload: bytesOf(payload), retained }, state, policy, at(seconds));
type Asked = { state: CommandState; retained: boolean; seconds: number };

const good = { id: 'a', expiresAt: later(60) };

const rest: Readonly<Record<CommandName, object>> = {
  snapshot: { sideMax: 640, quality: 50 },
  identify: {},
  reload: {},
  restart: { what: 'camera' },
  purge: {},
  doctor: {},
  configure: { config: { camera: { region: { x: 0.1 }, fps: null } } },
};

for (const name of commandNames) {
  test(`${name} is obeyed as the documentation has it`, () => {
    const decision = ask(name, { ...good, ...rest[name] });
    assert.equal(decision.kind, 'go');
    assert.ok(decision.kind === 'go');
    assert.deepEqual(decision.command, { ...good, ...rest[name], name });
  });
}

const key = (size: number): string => 'x'.repeat(size);
const json = (text: string): string => `{"id":"a","expiresAt":"${later(60)}"${text}}`;

const refusals: readonly [
  what: string,
  name: CommandName,
  payload: unknown,
  id: string | null,
  code: string,
  says: RegExp,
][] = [
  ['nothing', 'identify', '', null, 'command.malformed', /not JSON/],
  ['no JSON', 'identify', 'now!', null, 'command.malformed', /not JSON/],
  [
    'bytes that are no text',
    'identify',
    Buffer.from([0x7b, 0xff]),
    null,
    'command.malformed',
    /UTF-8/,
  ],
  ['a list', 'identify', [good], null, 'command.malformed', /expected a mapping/],
  ['no id', 'identify', { expiresAt: later(60) }, null, 'command.malformed', /id: got nothing/],
  ['an empty id', 'identify', { ...good, id: '' }, null, 'command.malformed', /id: /],
  ['a number for an id', 'identify', { ...good, id: 7 }, null, 'command.malformed', /id: got 7/],
  ['a long id', 'identify', { ...good, id: key(65) }, null, 'command.malformed', /at most 64/],
  ['no expiry', 'identify', { id: 'a' }, 'a', 'command.malformed', /expiresAt: got nothing/],
  [
    'a local time',
    'identify',
    { id: 'a', expiresAt: '2026-05-04T14:18:00' },
    'a',
    'command.malformed',
    /a time in UTC such as/,
  ],
  [
    'another zone',
    'identify',
    { id: 'a', expiresAt: '2026-05-04T16:18:00+02:00' },
    'a',
    'command.malformed',
    /UTC/,
  ],
  [
    'no such day',
    'identify',
    { id: 'a', expiresAt: '2026-02-30T14:18:00Z' },
    'a',
    'command.malformed',
    /UTC/,
  ],
  [
    'an unknown key',
    'identify',
    { ...good, verbose: true },
    'a',
    'command.malformed',
    /unknown key verbose; identify has id, expiresAt/,
  ],
  [
    'a name of its own',
    'identify',
    { ...good, name: 'purge' },
    'a',
    'command.malformed',
    /unknown key name/,
  ],
  ['a key twice', 'identify', json(',"id":"b"'), null, 'command.malformed', /given twice/],
  [
    'a poisonous key',
    'configure',
    json(',"config":{"__proto__":{"a":1}}'),
    null,
    'command.malformed',
    /__proto__/,
  ],
  [
    'too deep',
    'configure',
    json(`,"config":${'{"a":'.repeat(12)}1${'}'.repeat(12)}`),
    null,
    'command.malformed',
    /deeper/,
  ],
  [
    'nothing to restart',
    'restart',
    good,
    'a',
    'command.malformed',
    /what: got nothing; expected one of camera, inference, process/,
  ],
  ['no part', 'restart', { ...good, what: 'world' }, 'a', 'command.malformed', /what: got "world"/],
  [
    'no config',
    'configure',
    good,
    'a',
    'command.malformed',
    /config: got nothing; expected a mapping/,
  ],
  [
    'a huge picture',
    'snapshot',
    { ...good, sideMax: 100_000 },
    'a',
    'command.malformed',
    /sideMax: got 100000; expected at most 3840/,
  ],
  [
    '4 KiB and more',
    'identify',
    { ...good, x: key(4096) },
    null,
    'command.too-large',
    /at most 4096/,
  ],
  [
    '64 KiB and more',
    'configure',
    { ...good, config: { x: key(65_536) } },
    null,
    'command.too-large',
    /at most 65536/,
  ],
  [
    'the past',
    'identify',
    { ...good, expiresAt: later(-1) },
    'a',
    'command.expired',
    /expired at .*by this device's clock it is 2026-05-04T14:17:00.000Z/,
  ],
  ['this instant', 'identify', { ...good, expiresAt: later(0) }, 'a', 'command.expired', /expired/],
  [
    'more than a day',
    'identify',
    { ...good, expiresAt: later(86_401) },
    'a',
    'command.expires-late',
    /more than a day ahead/,
  ],
];

for (const [what, name, payload, id, code, says] of refusals) {
  test(`${name} with ${what} is refused with ${code}`, () => {
    const decision = ask(name, payload);
    assert.ok(decision.kind === 'refused');
    assert.equal(decision.id, id);
    assert.equal(decision.fault.code, code);
    assert.match(decision.fault.message, says);
    assert.ok(decision.fault.mend.length > 0);
  });
}

test('the last moments and sizes that will do', () => {
  assert.equal(ask('identify', { ...good, expiresAt: later(0.001) }).kind, 'go');
  assert.equal(ask('identify', { ...good, expiresAt: later(86_400) }).kind, 'go');
  assert.equal(ask('identify', { ...good, id: key(64) }).kind, 'go');
  const padded = (bytes: number): string => JSON.stringify(good).padEnd(bytes);
  assert.equal(ask('identify', padded(4096)).kind, 'go');
  assert.equal(ask('configure', { ...good, config: { x: key(60_000) } }).kind, 'go');
});

function obeyed(decision: Decision): CommandState {
  assert.ok(decision.kind === 'go', JSON.stringify(decision));
  return afterCommand(decision.state, decision.command.name);
}

function codeOf(decision: Decision): string {
  return decision.kind === 'go' ? 'go' : decision.fault.code;
}

test('a retained command is refused, whatever else it says', () => {
  const decision = ask('identify', good, { retained: true });
  assert.equal(codeOf(decision), 'command.retained');
  assert.ok(decision.kind === 'refused' && decision.id === 'a');
});

test('an id is obeyed once, under any name; one that was refused may come again', () => {
  const state = obeyed(ask('identify', good));
  assert.equal(codeOf(ask('identify', good, { state })), 'command.repeated');
  assert.equal(codeOf(ask('doctor', good, { state })), 'command.repeated');
  assert.equal(codeOf(ask('identify', { ...good, id: 'b' }, { state })), 'go');
  const late = ask('identify', { ...good, id: 'c', expiresAt: later(-1) }, { state });
  assert.equal(codeOf(late), 'command.expired');
  assert.equal(codeOf(ask('identify', { ...good, id: 'c' }, { state })), 'go');
});

test('256 ids are remembered, and no more', () => {
  let state = fresh;
  for (let at = 0; at < 257; at += 1) {
    const payload = { id: `id ${at}`, expiresAt: later(3600) };
    state = obeyed(ask('identify', payload, { state, seconds: at }));
  }
  assert.equal(state.ids.length, 256);
  const again = (id: string) =>
    ask('identify', { id, expiresAt: later(3600) }, { state, seconds: 300 });
  assert.equal(codeOf(again('id 1')), 'command.repeated');
  assert.equal(codeOf(again('id 0')), 'go');
});

test('one command of a name at a time, beside any others', () => {
  const decision = ask('doctor', good);
  assert.ok(decision.kind === 'go');
  const { state } = decision;
  assert.equal(codeOf(ask('doctor', { ...good, id: 'b' }, { state })), 'command.busy');
  assert.equal(codeOf(ask('identify', { ...good, id: 'b' }, { state })), 'go');
  const after = afterCommand(state, 'doctor');
  assert.equal(codeOf(ask('doctor', { ...good, id: 'b' }, { state: after })), 'go');
});

/** Commands one after the other at these instants. */
function sequence(name: CommandName, instants: readonly number[]): string[] {
  let state = fresh;
  return instants.map((seconds, at) => {
    const payload = { id: `${name} ${at}`, expiresAt: later(3600) };
    const decision = ask(name, payload, { state, seconds });
    if (decision.kind === 'go') state = obeyed(decision);
    return codeOf(decision);
  });
}

test('ten at once and one a second are obeyed; who comes too soon hears when to come again', () => {
  const now = Array.from({ length: 12 }, () => 0);
  const answers = sequence('identify', [...now, 0.9, 1, 1.5, 2, 100, 100]);
  assert.deepEqual(answers, [
    ...Array(10).fill('go'),
    'command.busy',
    'command.busy',
    'command.busy',
    'go',
    'command.busy',
    'go',
    'go',
    'go',
  ]);
  const state = { ...fresh, all: { tokens: 0.5, at: micros(0) } };
  const decision = ask('identify', good, { state });
  assert.ok(decision.kind === 'refused');
  assert.match(decision.fault.mend, /again in 1 s/);
});

test('snapshots are one a second, and leave the others their share', () => {
  assert.deepEqual(sequence('snapshot', [0, 0.5, 1, 1.2, 2]), [
    'go',
    'command.busy',
    'go',
    'command.busy',
    'go',
  ]);
  const state = obeyed(ask('snapshot', good));
  const refused = ask('snapshot', { ...good, id: 'b' }, { state });
  assert.equal(codeOf(refused), 'command.busy');
  assert.equal(state.all.tokens, 9);
});

test('a clock that seems to go backwards gives nothing and takes nothing', () => {
  const state = obeyed(ask('identify', good, { seconds: 5 }));
  const next = obeyed(ask('identify', { ...good, id: 'b' }, { state, seconds: 4 }));
  assert.equal(next.all.tokens, 8);
});
