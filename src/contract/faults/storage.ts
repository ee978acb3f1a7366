import type { FaultEntry } from './entry.ts';

const inMemory =
  'It goes on in memory: labels, events and verdicts survive an outage of the broker, but no restart (`health.outbox.stored`).';

/** Faults of the components `config`, `outbox` and `disk`. */
export const storageEntries = {
  'config.unreadable': {
    meaning: 'The config file is not there, cannot be read, or is too large.',
    daemon:
      'At the start it ends with exit code 78; at a reload, the config before stays in force.',
    person: 'Check the path and its permissions.',
  },
  'config.invalid': {
    meaning: 'The config, or a change of it, has wrong keys or values; the message names each.',
    daemon:
      'At the start it ends with exit code 78; at a reload or a change from afar, the config before stays in force.',
    person:
      '`sightd config check FILE` says what is wrong, with the line; docs/config.md has every key.',
  },
  'outbox.corrupt': {
    meaning: 'The outbox on disk is damaged.',
    daemon: 'It uses what can be read, or sets the folder aside and begins another one.',
    person: 'Check the SD card or disk.',
  },
  'outbox.full': {
    meaning: 'The outbox reached `outbox.messagesMax` or `bytesMax`, and messages were given up.',
    daemon:
      'The oldest labels went first; an event says how many. Health shows it for ten minutes.',
    person: 'See what keeps the broker away, or raise these limits.',
  },
  'outbox.disk-full': {
    meaning: 'No space is left for the outbox.',
    daemon: inMemory,
    person: 'Free some space, then restart sightd.',
  },
  'outbox.unwritable': {
    meaning: 'The outbox cannot be kept in `stateDir`: no permission, or another process has it.',
    daemon: inMemory,
    person: 'Set `stateDir` to a folder of its own that this user may write, then restart sightd.',
  },
  'state.broken': {
    meaning: 'A file in `stateDir` cannot be used; it is set aside as `….broken`.',
    daemon: 'It goes on without it: with the config file alone, without what came from afar.',
    person:
      'Send the desired config again with a higher version. If it happens again, check the disk.',
  },
  'state.unwritable': {
    meaning: '`stateDir` cannot be written.',
    daemon: 'It goes on; what it could not keep is lost with the next restart.',
    person: 'Make `stateDir` a folder that this user may write, with space left.',
  },
  'disk.full': {
    meaning: 'Hardly any space is left on the disk with `stateDir`.',
    daemon: 'It says so and goes on.',
    person: 'Remove what is not needed from this disk, before the outbox can keep nothing more.',
  },
  'disk.failing': {
    meaning:
      'The disk with `stateDir` reports errors, cannot be written any more, or does not answer.',
    daemon: 'It goes on, in memory where it must.',
    person: 'Look at the kernel log (`dmesg`) and replace the SD card or disk.',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
