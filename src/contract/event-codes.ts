/** Events that are no faults: when they come, and the figures they have. */
export const eventCodes = {
  'daemon.started':
    'at the start: `version`; after an end that nobody asked for also `previousEnd`, `previousFault` and `previousSignal` where they are known, and `blindSeconds`, how long no frame was classified, where the clocks tell',
  'daemon.stopping': 'a clean stop begins: `reason`',
  'camera.back': 'a camera that was waited for is open: `source`',
  'mqtt.reconnected': 'a broker that was lost is back: `goneSeconds`',
  'outbox.overflow':
    'messages had to be given up; told once, when there is room again: `lost`, `labels`, `events`, `verdicts`, `firstId`, `lastId`',
  'clock.synced':
    'the clock became right; times are so much later from here on, or earlier: `stepSeconds`',
  'clock.stepped': 'the clock was moved; times follow it: `stepSeconds`',
  'recovery.step':
    'a step of the recovery ladder is taken: `component`, `rung`, `attempt`, `fault`',
  'recovery.done': 'a component works again: `component`, `rung`, `seconds`',
  'recovery.held':
    'the budgets for recovery are spent; the daemon goes on without the component until there is one again: `component`, `fault`, `retrySeconds`',
  'recovery.resumed': 'there is a budget again: `component`',
  'power.limited': 'fewer frames are classified, to keep cool: `celsius`, `fpsMax`',
  'power.restored': 'all frames that can be are classified again: `celsius`',
  'config.trial': 'a change from afar is in force, on trial: `version`, `lastKnownGood`',
  'config.applied': 'a change from afar is in force for good: `version`, `lastKnownGood`',
  'config.rejected': 'a change from afar was refused: `version`, `lastKnownGood`',
  'config.rolled-back': 'a change from afar did not do: `version`, `lastKnownGood`',
} as const;

export type EventCode = keyof typeof eventCodes;
