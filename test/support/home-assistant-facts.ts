import { type Config, configSchema } from '../../src/contract/config.ts';
import { topicsOf } from '../../src/contract/contract.ts';
import type {
  HealthMessage,
  LabelMessage,
  ReportedMessage,
  StatusMessage,
} from '../../src/contract/messages.ts';
import type { DiscoveryFacts } from '../../src/mqtt/home-assistant.ts';
import { allOk } from './all-ok.ts';

/** What a device says, for the templates that read it; and what its announcement is made of. */

export const topics = topicsOf('sightd', 'porch');

/** Labels that would break a template or JSON that they were put into carelessly. */
export const strangeLabels = [
  'hot dog',
  'tench, Tinca tinca',
  'crow\'s "nest"',
  'back\\slash',
  '{{ value }}',
  '{% raw %}',
  '{# not #}',
  '}}',
  'Katze 🐈 und 猫',
  'a_b',
  'a-b',
  'items',
];

export const configOf = (tree: object = {}): Config =>
  configSchema.parse({ homeAssistant: { enabled: true }, ...tree });

export function factsOf(more: Partial<DiscoveryFacts> = {}): DiscoveryFacts {
  return {
    config: configOf(),
    base: 'sightd',
    device: 'porch',
    topics,
    labels: ['empty', 'bird', 'car'],
    hasTemperature: true,
    takesCommands: true,
    version: '1.2.3',
    homepage: 'https://sightd.example.org/',
    former: {},
    ...more,
  };
}

const at = '2026-05-04T14:17:01.485Z';
const session = '2a3f856b9c995155';

export const statusOf = (state: StatusMessage['state']): StatusMessage => ({
  ...{ state, session, version: '1.2.3' },
});

export const labelOf = (label: string | null, score: number): LabelMessage => ({
  ...{ session, id: 1777904221490, label, score, previous: 'empty', sequence: 120, since: at },
  clockSynced: true,
});

export const reportedOf = (config: Config): ReportedMessage => ({
  ...{ session, id: 1777904221491, at, version: 7, state: 'applied', errors: [], config },
  lastKnownGood: 7,
  clockSynced: true,
});

export function healthOf(more: Partial<HealthMessage> = {}): HealthMessage {
  return {
    session,
    version: '1.2.3',
    state: 'ok',
    components: allOk,
    at,
    clockSynced: true,
    uptimeSeconds: 61.5,
    ledger: {
      ...{ captured: 10, classified: 9, gated: 0, failed: 0, inFlight: 1 },
      dropped: { superseded: 0, full: 0, driver: 0, throttled: 0, stopped: 0 },
    },
    rates: { captured: 29.97002997, classified: 14.98501498, dropped: 14.985 },
    results: { published: 9, thinned: 0, unsent: 0 },
    camera: { state: 'streaming', source: 'the scene', reopens: 0, restarts: 1 },
    inference: { workers: 1, restarts: 0 },
    model: { name: 'scene-visitors', version: '1.0.0' },
    outbox: { waiting: 2, bytes: 640, lost: 0, stored: true },
    memoryMegabytes: 93.1,
    cpuPercent: 12.5,
    temperatureCelsius: 48.3,
    ...more,
  };
}
