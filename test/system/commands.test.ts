import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import {
  type Answer,
  answerSchemas,
  doctorResultSchema,
  identifyResultSchema,
  purgeResultSchema,
  snapshotResultSchema,
} from '../../src/contract/commands.ts';
import { imbalanceOf } from '../../src/contract/ledger.ts';
import {
  type HealthMessage,
  healthMessageSchema,
  reportedMessageSchema,
} from '../../src/contract/messages.ts';
import {
  ask,
  askPlainly,
  commandOf,
  later,
  runClient,
  watch,
  watchSnapshot,
} from '../support/ask.ts';
import { temporaryFolder } from '../support/data.ts';
import {
  type Mosquitto,
  skipWithoutMosquitto,
  startMosquitto,
  startSubscriber,
} from '../support/mosquitto.ts';
import { finalLedger, startSightd } from '../support/sightd.ts';

const skip = skipWithoutMosquitto();

/** A device on a broker of its own, running. */
async function startDevice(broker: Mosquitto, config: object = {}) {
  const path = join(temporaryFolder(), 'config.yaml');
  const stateDir = temporaryFolder();
  const write = (more: object): void =>
    writeFileSync(
      path,
      JSON.stringify({
        device: { id: 'porch' },
        camera: { source: 'scene', width: 320, height: 240 },
        mqtt: { url: broker.url },
        health: { intervalSeconds: 1 },
        remoteConfig: { trialSeconds: 1 },
        ...more,
      }),
    );
  write(config);
  const subscriber = await broker.subscribe('sightd/porch/#');
  const sightd = startSightd(['run', '--config', path], { SIGHTD_STATE_DIR: stateDir });
  /** The next health that is so. */
  const healthy = async (condition: (health: HealthMessage) => boolean): Promise<HealthMessage> => {
    const from = subscriber.messages.length;
    const isIt = (payload: string): boolean =>
      payload !== '' && condition(healthMessageSchema.parse(JSON.parse(payload)));
    const found = await subscriber.until(
      (message) =>
        subscriber.messages.indexOf(message) >= from &&
        message.topic.endsWith('/health') &&
        isIt(message.payload),
    );
    return healthMessageSchema.parse(JSON.parse(found.payload));
  };
  const stop = async (): Promise<void> => {
    sightd.process.kill('SIGTERM');
    assert.deepEqual(await sightd.exited, { code: 0, signal: null });
    assert.equal(imbalanceOf(finalLedger(sightd)), 0);
    await subscriber.close();
  };
  return { path, write, sightd, subscriber, healthy, stop };
}

const isOk = ({ state }: HealthMessage): boolean => state === 'ok';

function resultOf(answer: Answer): unknown {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.result;
}

function codeOf(answer: Answer): string {
  assert.ok(!answer.ok, JSON.stringify(answer));
  assert.ok(answer.error.message.length > 0 && answer.error.mend.length > 0);
  return answer.error.code;
}

test('every command does what it says, and is answered where MQTT 5 asks for it', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker, { commands: { burst: 100 } });
  await device.healthy(isOk);

  const identity = identifyResultSchema.parse(resultOf(await ask(broker, 'identify', commandOf())));
  assert.equal(identity.device, 'porch');
  assert.equal(identity.protocol, 5);
  assert.equal(identity.camera.state, 'streaming');
  assert.equal(identity.model.name, 'scene-visitors');

  const doctor = doctorResultSchema.parse(resultOf(await ask(broker, 'doctor', commandOf())));
  assert.deepEqual(
    doctor.parts.map(({ part }) => part),
    ['camera', 'model', 'broker', 'clock', 'disk', 'memory'],
  );
  for (const { part, state, message } of doctor.parts) {
    // These are the machine's, not the daemon's.
    if (!['clock', 'disk', 'memory'].includes(part)) assert.equal(state, 'ok', message);
  }

  device.write({ log: { level: 'debug' }, commands: { burst: 1 } });
  assert.deepEqual(resultOf(await ask(broker, 'reload', commandOf())), {
    applied: ['log'],
    waiting: ['commands'],
  });
  device.write({ camera: { widht: 7 } });
  const wrong = await ask(broker, 'reload', commandOf());
  assert.equal(codeOf(wrong), 'config.invalid');
  assert.match(JSON.stringify(wrong), /widht/);
  const less = await device.healthy(({ state }) => state === 'degraded');
  assert.equal(less.components.config.fault, 'config.invalid', 'the next start would fail');
  device.write({ log: { level: 'debug' }, commands: { burst: 1 } });
  assert.equal((await ask(broker, 'reload', commandOf())).ok, true);

  assert.deepEqual(resultOf(await ask(broker, 'restart', commandOf({ what: 'camera' }))), {
    what: 'camera',
  });
  await device.healthy((health) => isOk(health) && health.camera.reopens === 1);
  assert.deepEqual(resultOf(await ask(broker, 'restart', commandOf({ what: 'inference' }))), {
    what: 'inference',
  });
  const seated = await device.healthy((health) => isOk(health) && health.rates.classified > 1);
  assert.equal(seated.inference.restarts, 0, 'they were asked to go');
  assert.equal(seated.camera.reopens, 1, 'the camera was left alone');

  const reported = (version: number, state: string) =>
    device.subscriber.until(({ topic, payload }) => {
      if (!topic.endsWith('/config/reported') || payload === '') return false;
      const report = reportedMessageSchema.parse(JSON.parse(payload));
      return report.version === version && report.state === state;
    });
  const one = await ask(broker, 'configure', commandOf({ config: { publish: { topK: 1 } } }));
  assert.deepEqual(resultOf(one), { version: 1, state: 'trial', errors: [] });
  const two = await ask(broker, 'configure', commandOf({ config: { label: { enter: 0.9 } } }));
  assert.deepEqual(resultOf(two), { version: 2, state: 'trial', errors: [] });
  const applied = reportedMessageSchema.parse(JSON.parse((await reported(2, 'applied')).payload));
  assert.equal((applied.config['publish'] as { topK: number }).topK, 1, 'the first is kept');
  assert.equal((applied.config['label'] as { enter: number }).enter, 0.9);
  const desired = await runClient(
    broker,
    'mosquitto_sub',
    ['-t', 'sightd/porch/config/desired', '-C', '1', '-N'],
    undefined,
  );
  assert.deepEqual(JSON.parse(desired.output.toString()), {
    version: 2,
    config: { publish: { topK: 1 }, label: { enter: 0.9 } },
  });
  const bad = await ask(broker, 'configure', commandOf({ config: { mqtt: { base: 'other' } } }));
  assert.equal(codeOf(bad), 'config.invalid');

  const from = device.subscriber.messages.length;
  const purged = purgeResultSchema.parse(resultOf(await ask(broker, 'purge', commandOf())));
  for (const topic of purged.topics) {
    await device.subscriber.until(
      (message) =>
        device.subscriber.messages.indexOf(message) >= from &&
        message.topic === topic &&
        message.payload === '',
    );
  }
  const kept = await runClient(
    broker,
    'mosquitto_sub',
    [
      ...['-t', 'sightd/porch/status', '-t', 'sightd/porch/config/reported'],
      ...['--retained-only', '-W', '1'],
    ],
    undefined,
  );
  assert.equal(kept.output.toString(), '');

  const { session } = await ask(broker, 'identify', commandOf());
  assert.equal(session, identity.session, 'one process all along');
  assert.deepEqual(resultOf(await ask(broker, 'restart', commandOf({ what: 'process' }))), {
    what: 'process',
  });
  assert.deepEqual(await device.sightd.exited, { code: 75, signal: null });
  assert.equal(imbalanceOf(finalLedger(device.sightd)), 0);
  await device.subscriber.until(({ payload }) => payload.includes('"state":"stopped"'));
  await device.subscriber.close();
});

/** Sends a command and waits for the answer with this id on the device's own topic. */
async function refusalOf(
  broker: Mosquitto,
  device: Awaited<ReturnType<typeof startDevice>>,
  payload: string | Uint8Array,
  args: readonly string[] = [],
): Promise<Answer> {
  const from = device.subscriber.messages.length;
  const where = ['-V', '5', '-q', '1', '-t', 'sightd/porch/command/identify', '-s'];
  const { code } = await runClient(broker, 'mosquitto_pub', [...where, ...args], payload);
  assert.equal(code, 0);
  const found = await device.subscriber.until(
    (message) =>
      device.subscriber.messages.indexOf(message) >= from &&
      message.topic === 'sightd/porch/response/identify',
  );
  return answerSchemas.identify.parse(JSON.parse(found.payload));
}

test('what is not obeyed is answered, with the reason', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker, { remoteConfig: { enabled: false } });
  await device.healthy(isOk);
  const refused = async (payload: unknown, args: readonly string[] = []): Promise<Answer> =>
    refusalOf(
      broker,
      device,
      typeof payload === 'string' || payload instanceof Uint8Array
        ? payload
        : JSON.stringify(payload),
      args,
    );

  for (const [payload, code] of [
    ['hello', 'command.malformed'],
    [Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'command.malformed'],
    [{}, 'command.malformed'],
    [commandOf({ loud: true }), 'command.malformed'],
    ['{"id":"a","id":"b","expiresAt":"2999-01-01T00:00:00Z"}', 'command.malformed'],
    ['{"id":"a","__proto__":{},"expiresAt":"2999-01-01T00:00:00Z"}', 'command.malformed'],
    [commandOf({ expiresAt: later(-5) }), 'command.expired'],
    [commandOf({ expiresAt: later(90_000) }), 'command.expires-late'],
    [commandOf({ note: 'x'.repeat(5000) }), 'command.too-large'],
  ] as const) {
    assert.equal(
      codeOf(await refused(payload)),
      code,
      String(JSON.stringify(payload)).slice(0, 80),
    );
  }

  const twice = commandOf();
  assert.equal((await refused(twice)).ok, true);
  assert.equal(codeOf(await refused(twice)), 'command.repeated');

  // The broker tells of the flag also where it hands a message on at once.
  assert.equal(codeOf(await refused(commandOf(), ['-r'])), 'command.retained');
  for (const responseTopic of [
    'sightd/porch/config/desired',
    'sightd/porch/command/purge',
    'sightd/hall/command/purge',
  ]) {
    const answer = await refused(commandOf(), ['-D', 'publish', 'response-topic', responseTopic]);
    assert.equal(codeOf(answer), 'command.response-topic');
  }
  const closed = await ask(broker, 'configure', commandOf({ config: {} }));
  assert.equal(codeOf(closed), 'command.impossible');
  assert.equal(codeOf(await ask(broker, 'restart', commandOf())), 'command.malformed');
  await device.stop();
});

test('a command that the broker had kept is refused, and said so', { skip }, async () => {
  await using broker = await startMosquitto();
  const answers = await watch(broker, 'sightd/porch/response/identify', 1, []);
  const where = ['-q', '1', '-r', '-t', 'sightd/porch/command/identify'];
  await runClient(
    broker,
    'mosquitto_pub',
    [...where, '-m', JSON.stringify(commandOf())],
    undefined,
  );
  const device = await startDevice(broker, { mqtt: { url: broker.url, protocol: '3.1.1' } });
  const answer = answerSchemas.identify.parse(JSON.parse((await answers.all()).toString()));
  assert.equal(codeOf(answer), 'command.retained');
  await device.stop();
});

test('too many at once are told to wait; one at a time of each name', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker, { commands: { ratePerMinute: 1, burst: 3 } });
  await device.healthy(isOk);
  // The doctor takes a second at least.
  const both = await Promise.all([
    ask(broker, 'doctor', commandOf()),
    ask(broker, 'doctor', commandOf()),
  ]);
  assert.deepEqual(both.map(({ ok }) => ok).sort(), [false, true]);
  assert.ok(both.some((answer) => !answer.ok && answer.error.code === 'command.busy'));
  assert.ok((await ask(broker, 'identify', commandOf())).ok);
  assert.ok((await ask(broker, 'identify', commandOf())).ok);
  const busy = await ask(broker, 'identify', commandOf());
  assert.equal(codeOf(busy), 'command.busy');
  assert.match(JSON.stringify(busy), /again in \d+ s/);
  await device.stop();
});

test('only signed documents count where there is a key: configure is refused', {
  skip,
}, async () => {
  await using broker = await startMosquitto();
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const device = await startDevice(broker, { remoteConfig: { publicKey: pem } });
  await device.healthy(isOk);
  const refused = await ask(broker, 'configure', commandOf({ config: { publish: { topK: 1 } } }));
  assert.equal(codeOf(refused), 'command.impossible');
  assert.match(JSON.stringify(refused), /publicKey/);
  await device.stop();
});

test('a switched off device does not listen', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker, { commands: { enabled: false } });
  await device.healthy(isOk);
  const { code } = await runClient(
    broker,
    'mosquitto_rr',
    [
      '-t',
      'sightd/porch/command/identify',
      '-e',
      'sightd/porch/response/identify',
      '-W',
      '1',
      '-s',
    ],
    JSON.stringify(commandOf()),
  );
  assert.equal(code, 27, 'mosquitto_rr: timed out');
  await device.stop();
});

const [wide, high] = [1920, 1080];
/** Red, green, blue and white, a quarter each, from the upper left along the rows. */
const quarters = [
  [200, 30, 30],
  [30, 180, 40],
  [40, 50, 210],
  [240, 240, 240],
] as const;

async function writePicture(folder: string): Promise<void> {
  const pixels = Buffer.alloc(wide * high * 3);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const quarter = (x < wide / 2 ? 0 : 1) + (y < high / 2 ? 0 : 2);
      pixels.set(quarters[quarter] ?? [], (y * wide + x) * 3);
    }
  }
  const image = sharp(pixels, { raw: { width: wide, height: high, channels: 3 } });
  await image.png().toFile(join(folder, 'picture.png'));
}

/** The colour in the middle of each quarter of a JPEG, from the upper left along the rows. */
async function colorsOf(jpeg: Buffer): Promise<number[][]> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  return [0, 1, 2, 3].map((quarter) => {
    const x = Math.floor(info.width * (quarter % 2 === 0 ? 0.25 : 0.75));
    const y = Math.floor(info.height * (quarter < 2 ? 0.25 : 0.75));
    return [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  });
}

function assertColors(found: readonly number[][], expected: readonly (readonly number[])[]): void {
  found.forEach((color, quarter) => {
    color.forEach((level, channel) => {
      const exact = expected[quarter]?.[channel] ?? -1000;
      assert.ok(Math.abs(level - exact) <= 8, `${JSON.stringify(found)}, quarter ${quarter}`);
    });
  });
}

/** Pictures are taken once a second, and who comes sooner is told so. */
async function askForPicture(asking: typeof ask, broker: Mosquitto, more: object): Promise<Answer> {
  for (;;) {
    const answer = await asking(broker, 'snapshot', commandOf(more));
    if (answer.ok || answer.error.code !== 'command.busy') return answer;
  }
}

for (const protocol of [5, '3.1.1'] as const) {
  test(`a snapshot of 1080p with MQTT ${protocol}: whole, turned, in its colours`, {
    skip,
  }, async () => {
    await using broker = await startMosquitto();
    const folder = temporaryFolder();
    await writePicture(folder);
    const region = { x: 0, y: 0, width: 0.5, height: 0.5 };
    const device = await startDevice(broker, {
      mqtt: { url: broker.url, protocol },
      camera: {
        ...{ source: 'replay', path: folder, loop: true, width: wide, height: high, fps: 5 },
        ...{ region, rotate: 90 },
      },
    });
    await device.healthy(isOk);
    const properties = startSubscriber(broker.port, [
      ...['-V', '5', '-t', 'probe', '-t', 'sightd/porch/snapshot', '-F', '%t %P'],
    ]);
    await properties.until(({ topic }) => topic === 'probe');
    const snapshots = await watchSnapshot(broker);
    const asking = protocol === 5 ? ask : askPlainly;
    const answer = await askForPicture(asking, broker, {});
    const result = snapshotResultSchema.parse(resultOf(answer));
    const jpeg = await snapshots.all();
    assert.equal(jpeg.length, result.bytes);
    const { format, width, height } = await sharp(jpeg).metadata();
    assert.deepEqual([format, width, height], ['jpeg', high, wide]);
    assert.deepEqual([result.width, result.height], [high, wide]);
    const [red, green, blue, white] = quarters;
    assertColors(await colorsOf(jpeg), [blue, red, white, green]);
    const told = await properties.until(({ topic }) => topic.endsWith('/snapshot'));
    if (protocol === 5) {
      for (const text of [
        `sequence:${result.sequence}`,
        `capturedAt:${result.capturedAt}`,
        `label:${result.label}`,
        `score:${result.score}`,
        `session:${answer.session}`,
      ]) {
        assert.ok(told.payload.includes(text), `${text} in ${told.payload}`);
      }
    }
    const small = await watchSnapshot(broker);
    const asked = { sideMax: 320, quality: 50 };
    resultOf(await askForPicture(asking, broker, asked));
    const shrunk = await sharp(await small.all()).metadata();
    assert.deepEqual([shrunk.width, shrunk.height], [180, 320]);
    await properties.close();
    await device.stop();
  });
}

test('the scene in a snapshot is what the scene paints', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker, { publish: { snapshot: 'label' } });
  const snapshots = await watchSnapshot(broker);
  // Nobody asks: the label settles by itself.
  const jpeg = await snapshots.all();
  const { dominant, channels } = await sharp(jpeg).stats();
  assert.equal(channels.length, 3);
  assert.ok(dominant.b >= dominant.r, JSON.stringify(dominant));
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const meanOf = (from: number, to: number, channel: number): number => {
    let sum = 0;
    let count = 0;
    for (let at = from * info.width * 3 + channel; at < to * info.width * 3; at += 3) {
      sum += data[at] ?? 0;
      count += 1;
    }
    return sum / count;
  };
  const sky = [0, 1, 2].map((channel) => meanOf(0, 40, channel));
  const ground = [0, 1, 2].map((channel) => meanOf(info.height - 30, info.height, channel));
  assert.ok((sky[2] ?? 0) > (sky[0] ?? 0), `a blue sky: ${sky}`);
  assert.ok((ground[1] ?? 0) > (ground[2] ?? 0), `a green ground: ${ground}`);
  await device.stop();
});

test('without a camera, or with a broker that takes no picture, the answer says so', {
  skip,
}, async () => {
  await using broker = await startMosquitto(
    'allow_anonymous true\nmax_queued_messages 0\nmax_packet_size 8000\n',
  );
  spawnSync('mosquitto_pub', [
    ...['-h', '127.0.0.1', '-p', String(broker.port), '-r', '-t', 'probe', '-m', 'ready'],
  ]);
  const device = await startDevice(broker);
  await device.healthy(isOk);
  const large = await ask(broker, 'snapshot', commandOf());
  assert.equal(codeOf(large), 'mqtt.message-too-large');
  device.write({ camera: { source: 'v4l2', device: '/dev/no-such-camera' } });
  assert.ok((await ask(broker, 'reload', commandOf())).ok);
  await device.healthy(({ camera }) => camera.state === 'waiting');
  const blind = await askForPicture(ask, broker, {});
  assert.equal(codeOf(blind), 'snapshot.no-frame');
  assert.match(JSON.stringify(blind), /no-such-camera/);
  const doctor = doctorResultSchema.parse(resultOf(await ask(broker, 'doctor', commandOf())));
  assert.equal(doctor.parts.find(({ part }) => part === 'camera')?.state, 'fail');
  await device.stop();
});

test('a flood is answered command by command, and frames go on', { skip }, async () => {
  await using broker = await startMosquitto();
  const device = await startDevice(broker);
  const before = await device.healthy(isOk);
  const count = 10_000;
  const lines = Array.from({ length: count }, (_, at) => {
    const id = `flood ${at}`;
    return at % 3 === 0 ? `rubbish ${at}` : JSON.stringify({ id, expiresAt: later(600) });
  });
  const watched = await watch(broker, 'sightd/porch/response/identify', count, []);
  const { code } = await runClient(
    broker,
    'mosquitto_pub',
    ['-V', '5', '-q', '1', '-l', '-t', 'sightd/porch/command/identify'],
    `${lines.join('\n')}\n`,
  );
  assert.equal(code, 0);
  const answers = (await watched.all())
    .toString()
    .trim()
    .split('\n')
    .map((line) => answerSchemas.identify.parse(JSON.parse(line)));
  const after = await device.healthy(isOk);
  assert.equal(answers.length, count);
  const ids = answers.map(({ id }) => id).filter((id) => id !== null);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, lines.filter((line) => line.startsWith('{')).length);
  assert.ok(after.ledger.classified > before.ledger.classified);
  assert.equal(after.session, before.session);
  await device.stop();
});
