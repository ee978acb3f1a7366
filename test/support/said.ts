import { dropReasons } from '../../src/contract/ledger.ts';
import type {
  EventMessage,
  HealthMessage,
  LabelMessage,
  ReportedMessage,
  ResultMessage,
  StatusMessage,
} from '../../src/contract/messages.ts';
import { allOk } from './all-ok.ts';

/** What a device says, each message whole, with what a test is about put over it. */

const at = '2026-05-04T14:17:01.585Z';

export const statusOf = (over: Partial<StatusMessage> = {}): StatusMessage => ({
  state: 'online',
  session: 'one',
  version: '0.1.0',
  ...over,
});

export const resultOf = (over: Partial<ResultMessage> = {}): ResultMessage => ({
  session: 'one',
  sequence: 7,
  capturedAt: at,
  clockSynced: true,
  latencyMs: 6.2,
  inferenceMs: 5.4,
  model: { name: 'scene-visitors', version: '1.0.0' },
  top: [{ label: 'balloon', index: 1, score: 0.83 }],
  ...over,
});

export const labelOf = (over: Partial<LabelMessage> = {}): LabelMessage => ({
  session: 'one',
  id: 1000,
  label: 'balloon',
  score: 0.83,
  previous: 'empty',
  sequence: 7,
  since: at,
  clockSynced: true,
  ...over,
});

export const eventOf = (over: Partial<EventMessage> = {}): EventMessage => ({
  session: 'one',
  id: 1001,
  at,
  clockSynced: true,
  code: 'camera.back',
  message: 'the camera is back',
  ...over,
});

export const reportedOf = (over: Partial<ReportedMessage> = {}): ReportedMessage => ({
  session: 'one',
  id: 1002,
  at,
  clockSynced: true,
  version: null,
  state: 'applied',
  errors: [],
  config: { health: { intervalSeconds: 2 } },
  lastKnownGood: null,
  ...over,
});

export const healthOf = (over: Partial<HealthMessage> = {}): HealthMessage => ({
  session: 'one',
  version: '0.1.0',
  state: 'ok',
  components: allOk,
  at,
  clockSynced: true,
  uptimeSeconds: 5400,
  ledger: {
    captured: 3,
    classified: 3,
    gated: 0,
    dropped: Object.fromEntries(
      dropReasons.map((reason) => [reason, 0]),
    ) as HealthMessage['ledger']['dropped'],
    failed: 0,
    inFlight: 0,
  },
  rates: { captured: 29.9, classified: 29.9, dropped: 0 },
  latencyMs: { p50: 0.9, p99: 2.9, max: 4 },
  results: { published: 3, thinned: 0, unsent: 0 },
  camera: { state: 'streaming', source: 'scene 640×480 at 30 fps', reopens: 2, restarts: 1 },
  inference: { workers: 1, restarts: 0 },
  model: { name: 'scene-visitors', version: '1.0.0' },
  outbox: { waiting: 0, bytes: 0, lost: 0, stored: true },
  memoryMegabytes: 74.2,
  cpuPercent: 12,
  ...over,
});

export const cameraFault = {
  code: 'camera.unplugged',
  component: 'camera' as const,
  message: 'the camera was unplugged',
  mend: 'Plug it in again.',
  retryable: true,
};
