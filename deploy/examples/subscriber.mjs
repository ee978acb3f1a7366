// Follows sightd devices over MQTT and prints a line for each label, event and change of status:
// labels and events once and in order, also after an outage of the broker, the network or this program.
//
//   node subscriber.mjs [--url mqtt://localhost:1883] [--base sightd] [--name NAME] [--state FILE]
//
// It needs the package mqtt (npm install mqtt), and nothing of sightd.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import mqtt from 'mqtt';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'mqtt://localhost:1883' },
    base: { type: 'string', default: 'sightd' },
    // Names this subscriber's session in the broker; two at a time need two names.
    name: { type: 'string', default: 'sightd-subscriber' },
    // Remembers across restarts what was already printed.
    state: { type: 'string', default: 'subscriber-state.json' },
  },
});

/** Sessions of a device that are remembered. */
const sessionsMax = 20;

/** By topic: the highest id so far, and the sessions that have spoken there. */
const topics = readState();
/** By device: the session that runs, as far as is known. */
const running = new Map();

const client = mqtt.connect(values.url, {
  clientId: values.name,
  // A session of our own: what comes while we are away waits in the broker. MQTT 3.1.1 is spoken
  // everywhere; with 5, set sessionExpiryInterval too, or the session ends with the connection.
  protocolVersion: 4,
  clean: false,
});

// The broker sends a message again until `done` is called: it is printed and remembered before that.
client.handleMessage = ({ topic, payload, retain }, done) => {
  try {
    // An empty message only takes a retained one away.
    if (payload.length > 0) receive(topic, JSON.parse(payload.toString()), retain);
  } catch (error) {
    process.stderr.write(`${topic}: ${error.message}\n`);
  }
  done();
};

client.on('connect', ({ sessionPresent }) => {
  process.stderr.write(`connected, ${sessionPresent ? 'the session goes on' : 'a new session'}\n`);
  const names = ['status', 'health', 'label', 'event'];
  client.subscribe(
    names.map((name) => `${values.base}/+/${name}`),
    { qos: 1 },
  );
});
client.on('close', () => process.stderr.write('no connection; trying again\n'));
client.on('error', (error) => process.stderr.write(`${error.message}\n`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.end());

function receive(topic, message, isRetained) {
  const [device, name] = topic.slice(values.base.length + 1).split('/');
  const { session } = message;
  if (name === 'status') {
    // A will that arrives late, after a restart, is about the session before.
    const known = running.get(device);
    if (message.state !== 'online' && known !== undefined && known !== session) return;
    if (message.state === 'online') running.set(device, session);
    else running.delete(device);
    print(device, 'status', message.state);
  } else if (name === 'health') {
    // Health is said by the session that runs: a late will may have taken the place of its birth.
    if (isRetained || running.get(device) === session) return;
    if (message.state === 'stopping') return;
    running.set(device, session);
    print(device, 'status', 'online');
  } else if (isNews(topic, message)) {
    if (name === 'label') {
      print(device, 'label', message.label ?? '-', message.score, `id=${message.id}`);
    } else {
      print(device, 'event', message.code, message.message, `id=${message.id}`);
    }
    writeState();
  }
}

/** Whether a label or event comes for the first time: its id is above all before on its topic. */
function isNews(topic, { id, session }) {
  topics[topic] ??= { highest: 0, sessions: [] };
  const seen = topics[topic];
  const isKnown = seen.sessions.includes(session);
  // Below the highest, from a session that was never heard of: the device's ids have begun anew.
  if (id <= seen.highest && isKnown) return false;
  seen.highest = id;
  if (!isKnown) seen.sessions = [...seen.sessions, session].slice(-sessionsMax);
  return true;
}

function print(...words) {
  process.stdout.write(`${words.join(' ')}\n`);
}

function readState() {
  try {
    return JSON.parse(readFileSync(values.state, 'utf8'));
  } catch {
    return {};
  }
}

function writeState() {
  // Renamed into its place, so that there is always a whole one.
  writeFileSync(`${values.state}.new`, JSON.stringify(topics));
  renameSync(`${values.state}.new`, values.state);
}
