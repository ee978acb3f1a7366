import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { healthStates } from '../../src/contract/messages.ts';
import { discoveryOf } from '../../src/mqtt/home-assistant.ts';
import { createHome } from '../support/home-assistant.ts';
import {
  configOf,
  factsOf,
  healthOf,
  labelOf,
  reportedOf,
  statusOf,
  strangeLabels,
  topics,
} from '../support/home-assistant-facts.ts';
import { createRender, type Render } from '../support/home-assistant-templates.ts';

/*
 * The other tests render templates with a JavaScript engine. Home Assistant renders them with Jinja2 in
 * Python: where that is installed, all of them are held against it.
 */

const now = '2026-05-04T14:17:01.585Z';

/** Jinja2 as Home Assistant sets it up, with its own functions and filters that sightd uses. */
const program = `
import json, sys
from datetime import datetime, timezone
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

now = datetime.fromisoformat(sys.argv[1].replace('Z', '+00:00'))

def timestamp_custom(value, form, local=True):
    assert not local
    return datetime.fromtimestamp(value, timezone.utc).strftime(form)

environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
environment.globals['utcnow'] = lambda: now
environment.filters['timestamp_custom'] = timestamp_custom
environment.filters['round'] = lambda value, precision=0: round(float(value), precision)
cases = json.load(sys.stdin)
print(json.dumps([environment.from_string(one['template']).render(one['variables']).strip() for one in cases]))
`;

function skipWithoutJinja(): string | false {
  const { status } = spawnSync('python3', ['-c', 'import jinja2']);
  return status === 0 ? false : 'needs python3 with jinja2 (sudo apt install python3-jinja2)';
}

type Case = { readonly template: string; readonly variables: object; readonly output: string };

/** Every template, with messages of all kinds. */
function renderedCases(): readonly Case[] {
  const cases: Case[] = [];
  const inner = createRender(new Date(now));
  const render: Render = (template, variables) => {
    const output = inner(template, variables);
    cases.push({ template, variables, output });
    return output;
  };
  const thresholds = Object.fromEntries(strangeLabels.map((label, at) => [label, 0.1 + at / 20]));
  const config = configOf({ label: { thresholds } });
  const home = createHome(render);
  const { topic, message } = discoveryOf(factsOf({ labels: strangeLabels, config }));
  home.receive(topic, JSON.stringify(message));
  const receive = (where: string, what: object): void => home.receive(where, JSON.stringify(what));
  for (const state of ['online', 'stopped', 'offline'] as const) {
    receive(topics.status, statusOf(state));
  }
  for (const label of [...strangeLabels, null]) receive(topics.label, labelOf(label, 0.123456));
  for (const state of healthStates) receive(topics.health, healthOf({ state }));
  const fault = {
    code: 'camera.busy',
    component: 'camera' as const,
    message: `"it's" <busy> & 🐈`,
    mend: '',
    retryable: true,
  };
  const camera = { state: 'waiting', source: '', fault, reopens: 0, restarts: 0 } as const;
  const { temperatureCelsius: _, ...cold } = healthOf({ camera });
  receive(topics.health, cold);
  receive(topics.configReported, reportedOf(config));
  receive(topics.configReported, reportedOf(configOf({ publish: { results: false } })));
  for (const [key, { platform }] of home.entities) {
    if (platform === 'button') home.command(key, 'PRESS');
    if (platform === 'number') for (const value of [0.35, 0.1 + 0.2, 1]) home.command(key, value);
    if (platform === 'switch') for (const value of ['ON', 'OFF']) home.command(key, value);
  }
  return cases;
}

/** Python writes 15.0 where JavaScript writes 15, and JSON with spaces. */
function meaningOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

test('Jinja2 renders every template as the engine of these tests does', {
  skip: skipWithoutJinja(),
}, () => {
  const cases = renderedCases();
  assert.ok(cases.length > 100, String(cases.length));
  const { stdout, stderr, status } = spawnSync('python3', ['-c', program, now], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const outputs = JSON.parse(stdout) as readonly string[];
  for (const [at, { template, output }] of cases.entries()) {
    assert.deepEqual(meaningOf(outputs[at] ?? ''), meaningOf(output), template);
  }
});
