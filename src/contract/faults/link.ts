import type { FaultEntry } from './entry.ts';

const retries =
  'It goes on classifying, keeps labels, events and verdicts in the outbox, and tries again with growing waits, for ever. It never restarts for this.';

/** Faults of the component `link`. */
export const linkEntries = {
  'mqtt.unreachable': {
    meaning:
      'No connection to the broker: nobody is there, no such name, no answer in time, or it closed the connection.',
    daemon: retries,
    person: 'Check that the broker runs, `mqtt.url`, the network and the firewall.',
  },
  'mqtt.refused': {
    meaning: 'The broker refuses the user name or the password.',
    daemon: retries,
    person:
      'Check `mqtt.username` and `mqtt.passwordFile`; a corrected file is read without a restart.',
  },
  'mqtt.credentials': {
    meaning:
      'A file of `mqtt` (password, ca, cert, key) cannot be read, or does not hold what it should.',
    daemon: 'At the start it ends with exit code 78; later on it waits as for a broker.',
    person: 'Correct the file or its permissions; it is read again before every connection.',
  },
  'mqtt.tls-untrusted': {
    meaning: "The broker's certificate is signed by nobody who is trusted here.",
    daemon: retries,
    person: 'Set `mqtt.ca` to the certificate of the authority that signed it.',
  },
  'mqtt.tls-expired': {
    meaning: "The broker's certificate has expired or is not valid yet, by this device's clock.",
    daemon: retries,
    person: 'Compare both clocks in the message: set the clock, or renew the certificate.',
  },
  'mqtt.tls-name': {
    meaning: "The broker's certificate is for other names than the one in `mqtt.url`.",
    daemon: retries,
    person: 'Use one of the names that the message lists, or another certificate.',
  },
  'mqtt.tls-client': {
    meaning: 'The broker wants a certificate of this device, or refuses the one it got.',
    daemon: retries,
    person: 'Check `mqtt.cert` and `mqtt.key`, and that the broker trusts who signed them.',
  },
  'mqtt.message-refused': {
    meaning: 'The broker does not let this user publish on a topic.',
    daemon: 'It says so once a connection, gives the message up and goes on.',
    person: 'Allow this user to write below `BASE/DEVICE/`.',
  },
  'mqtt.message-too-large': {
    meaning: 'A message is larger than the broker takes.',
    daemon: 'It does not send it, says so and goes on.',
    person: "Raise the broker's maximum packet size; for pictures, lower `snapshot.sideMax`.",
  },
  'mqtt.subscription-refused': {
    meaning: 'The broker does not let this user read a topic: config from afar, or commands.',
    daemon: 'It says so once a connection and goes on without; it asks again at the next one.',
    person: 'Allow this user to read there.',
  },
  'mqtt.silent': {
    meaning: 'The connection stands, but the broker has acknowledged nothing for too long.',
    daemon: 'It closes the connection and makes another one.',
    person: 'Look at the broker: its log, its disk, its load.',
  },
  'broker.port': {
    meaning: 'The embedded broker of `sightd demo` cannot have its port.',
    daemon: 'The demo ends with exit code 69.',
    person: 'Name another one with --port, or use a broker of your own with `sightd run`.',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
