import type { FaultEntry } from './entry.ts';

const answers = 'It does not obey, and answers with this.';

/** Faults of the components `daemon` and `power`. */
export const daemonEntries = {
  'usage.argument': {
    meaning: 'A command was called with wrong arguments.',
    daemon: 'It ends with exit code 64.',
    person: '`sightd COMMAND --help` lists what there is.',
  },
  'command.malformed': {
    meaning: 'A command over MQTT is no JSON, or not as its schema has it.',
    daemon: answers,
    person: 'Correct it; docs/topics.md has the schema of each.',
  },
  'command.too-large': {
    meaning: 'A command, or its correlation data, is too large.',
    daemon: answers,
    person: 'Send less.',
  },
  'command.retained': {
    meaning: 'A command was retained, so that it is not known when it was given.',
    daemon: answers,
    person:
      'Publish it without the retain flag, and clear the topic with an empty retained message.',
  },
  'command.expired': {
    meaning: 'A command came after its `expiresAt`.',
    daemon: answers,
    person: 'Send it again with a later one; compare the clocks that the message gives.',
  },
  'command.expires-late': {
    meaning: "A command's `expiresAt` is more than a day ahead.",
    daemon: answers,
    person: 'Send it with one within a day; if a clock is wrong, set it.',
  },
  'command.repeated': {
    meaning: 'A command with this id was obeyed already.',
    daemon: answers,
    person: 'Give each command an id of its own; nothing, if it was only sent twice.',
  },
  'command.response-topic': {
    meaning: "The answer cannot go to the command's response topic.",
    daemon: 'It does not obey, and answers on `response/NAME` with this.',
    person: 'Name another one, or none.',
  },
  'command.busy': {
    meaning: 'Too many commands in a short time, or the one before of this name is not done yet.',
    daemon: answers,
    person: 'Send it again when the others are answered.',
  },
  'command.stopping': {
    meaning: 'A command came while the daemon was stopping.',
    daemon: answers,
    person: 'Send it again when `status` says online.',
  },
  'command.impossible': {
    meaning: 'What a command asks for cannot be had as the device is set up; the message says why.',
    daemon: answers,
    person: 'Do what the message says.',
  },
  'command.interrupted': {
    meaning:
      'A command was begun, but the daemon stopped or the connection went before its end was known.',
    daemon: answers,
    person: 'Look at what became of it, then send it again.',
  },
  'snapshot.no-frame': {
    meaning: 'There is no camera, or no frame was classified in time for a picture.',
    daemon: answers,
    person: 'See `health.camera` for why.',
  },
  'snapshot.unsent': {
    meaning: 'The connection to the broker did not take the picture.',
    daemon: answers,
    person: 'Ask again when it is back.',
  },
  'power.hot': {
    meaning: 'The processor has `health.temperatureMaxCelsius` or more.',
    daemon: 'It classifies fewer frames, halving them step by step, until it is 5 degrees cooler.',
    person:
      'Give it a heat sink, a fan or more air; or lower `camera.fps`, or take a smaller model.',
  },
  'power.under-voltage': {
    meaning: "The supply voltage is too low, as a Raspberry Pi's firmware says.",
    daemon: 'It says so and goes on. Cameras that fail now and then often have this reason.',
    person:
      'Use the power supply that is made for this board and a short cable, and give USB devices power of their own.',
  },
  'power.throttled': {
    meaning: 'The firmware slows the processor down: too much heat or too little power.',
    daemon: 'It classifies fewer frames until that is over.',
    person: 'See to cooling and to the power supply.',
  },
  'daemon.blocked': {
    meaning: "The main thread's event loop did not turn for too long.",
    daemon:
      "It says so afterwards. While it lasts, nobody feeds systemd's watchdog, which then ends the process.",
    person: 'See whether the machine was overloaded or its disk stood still; else report it.',
  },
  'daemon.memory': {
    meaning:
      'The process has more memory than `health.memoryMegabytesMax`, or nearly all that its unit may have.',
    daemon: 'It stops in order and is started again (exit code 75), before the kernel kills it.',
    person:
      'Lower the size of the camera, `queue.slots` or `inference.workers`, or raise the limits; if it grows for hours, report it.',
  },
  'daemon.internal': {
    meaning: 'A bug of sightd ended the process.',
    daemon: 'Systemd starts it again, within the budget for restarts; the first event says so.',
    person: 'Report this, with the journal.',
  },
  'daemon.crash-loop': {
    meaning: 'The process was started again five times within an hour.',
    daemon:
      'It starts held: no camera and no model, `failing`; MQTT, config from afar and commands work. When the hour has a place again, it goes on.',
    person:
      'See `event` for the reasons of the restarts; change the config from afar, or mend the device.',
  },
  'dataset.unreadable': {
    meaning: '`sightd model eval` cannot read the labels or the images.',
    daemon: 'The command ends with exit code 69.',
    person: 'Check --images and --labels.',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
