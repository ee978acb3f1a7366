import assert from 'node:assert/strict';
import { test } from 'node:test';
import { purge, retainedTopicsOf } from '../../../src/daemon/purge.ts';
import type { Delivered, Publication } from '../../../src/mqtt/outgoing.ts';
import { topics } from '../../support/commands.ts';

const never = new AbortController().signal;

async function purged(outcomeOf: (topic: string) => Delivered) {
  const published: Publication[] = [];
  let forgotten = 0;
  const outcome = await purge(
    {
      topics,
      link: {
        publish: async (message) => {
          published.push(message);
          return outcomeOf(message.topic);
        },
      },
      delivery: {
        forgetRetained: () => {
          forgotten += 1;
        },
      },
    },
    never,
  );
  return { outcome, published, forgotten };
}

test('the retained topics get an empty retained payload, and config/desired does not', async () => {
  const { outcome, published, forgotten } = await purged(() => 'acknowledged');
  assert.deepEqual(
    published.map(({ topic, payload, retain, qos }) => [topic, payload, retain, qos]),
    retainedTopicsOf(topics).map((topic) => [topic, '', true, 1]),
  );
  assert.ok(!published.some(({ topic }) => topic === topics.configDesired));
  assert.equal(forgotten, 1);
  assert.ok(outcome.ok);
  assert.deepEqual(outcome.value.topics, retainedTopicsOf(topics));
});

test('a topic that could not be cleared is named', async () => {
  const { outcome } = await purged((topic) => (topic === topics.label ? 'lost' : 'acknowledged'));
  assert.ok(!outcome.ok);
  assert.match(outcome.fault.message, /for sightd\/porch\/label$/);
});
