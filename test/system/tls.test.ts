import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { openBroker } from '../../src/mqtt/broker.ts';
import { skipWithout } from '../support/brokers.ts';
import { type CertificateFiles, createAuthority, type Validity } from '../support/certificates.ts';
import { temporaryFolder } from '../support/data.ts';
import { type Mosquitto, skipWithoutMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { type Sightd, startDaemon } from '../support/sightd.ts';

const skip = skipWithoutMosquitto() || skipWithout('openssl');
const local = 'DNS:localhost,IP:127.0.0.1';

type Fault = { readonly code: string; readonly message: string; readonly mend: string };

const secure = (ca: string, { cert, key }: CertificateFiles, more = ''): string =>
  `allow_anonymous true\ncafile ${ca}\ncertfile ${cert}\nkeyfile ${key}\nuser root\n${more}`;

const requiringCertificates = 'require_certificate true\n';

const daemonWith = (mqtt: object, environment: Record<string, string> = {}): Sightd =>
  startDaemon(
    {
      device: { id: 'porch' },
      camera: { source: 'scene', fps: 5, width: 320, height: 240 },
      mqtt: { reconnectSecondsMax: 1, ...mqtt },
    },
    environment,
  );

const secureUrl = (broker: Mosquitto): string => `mqtts://localhost:${broker.port}`;

/** MQTT over WebSocket over TLS: the TLS is put before the embedded broker. */
async function startSecureSockets(files: CertificateFiles) {
  const broker = await openBroker({ port: 0, webSocketPort: 0 });
  assert.ok(broker.ok);
  const { webSocketPort } = broker.value;
  const options = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const server = createServer(options, (socket) => {
    const inner = connect(webSocketPort, '127.0.0.1');
    // Either end may be cut; then the other one is too.
    pipeline(socket, inner, socket, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await broker.value[Symbol.asyncDispose]();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `wss://localhost:${port}`, [Symbol.asyncDispose]: close };
}

async function stop(sightd: Sightd): Promise<void> {
  sightd.process.kill('SIGTERM');
  assert.deepEqual(await sightd.exited, { code: 0, signal: null });
}

async function connects(mqtt: object, environment?: Record<string, string>): Promise<string> {
  const sightd = daemonWith(mqtt, environment);
  await sightd.untilLine('connected to the broker');
  await stop(sightd);
  return sightd.lines.join('\n');
}

/** The first fault that the daemon logs about its broker. */
async function refusalOf(mqtt: object): Promise<Fault> {
  const sightd = daemonWith(mqtt);
  const line = await sightd.untilLine('no broker; going on without');
  await stop(sightd);
  assert.doesNotMatch(sightd.lines.join('\n'), /connected to the broker/);
  return (JSON.parse(line) as { fault: Fault }).fault;
}

test('a broker with a certificate of the configured authority is connected to, by either transport', {
  skip,
}, async () => {
  const authority = createAuthority();
  const files = authority.sign('broker', local);
  await using broker = await startMosquitto(secure(authority.ca, files));
  await connects({ url: secureUrl(broker), ca: authority.ca });
  await connects({ url: `mqtts://127.0.0.1:${broker.port}`, ca: authority.ca });
  await using sockets = await startSecureSockets(files);
  await connects({ url: sockets.url, ca: authority.ca });
  const stranger = await refusalOf({ url: sockets.url });
  assert.equal(stranger.code, 'mqtt.tls-untrusted');
});

test('a certificate of another authority, or of nobody known, is refused', { skip }, async () => {
  const authority = createAuthority();
  await using broker = await startMosquitto(secure(authority.ca, authority.sign('broker', local)));
  for (const ca of [createAuthority().ca, undefined]) {
    const fault = await refusalOf({ url: secureUrl(broker), ...(ca === undefined ? {} : { ca }) });
    assert.equal(fault.code, 'mqtt.tls-untrusted', fault.message);
    assert.match(fault.message, /mqtts:\/\/localhost:\d+ is not signed by anybody trusted here/);
    assert.match(fault.mend, /mqtt\.ca/);
  }
});

test('a certificate for another name is refused, and its names are said', { skip }, async () => {
  const authority = createAuthority();
  await using broker = await startMosquitto(
    secure(authority.ca, authority.sign('broker', 'DNS:broker.example,IP:10.0.0.1')),
  );
  const fault = await refusalOf({ url: secureUrl(broker), ca: authority.ca });
  assert.equal(fault.code, 'mqtt.tls-name', fault.message);
  assert.match(fault.message, /broker\.example, 10\.0\.0\.1/);
});

const validities: readonly [string, Validity, RegExp, RegExp][] = [
  [
    'expired',
    { from: '20200101000000Z', to: '20200201000000Z' },
    /has expired: it is valid from 2020-01-01T00:00:00Z to 2020-02-01T00:00:00Z, and this device's clock says 20\d\d-/,
    /renew the certificate; else set the clock/,
  ],
  [
    'not yet valid',
    { from: '20900101000000Z', to: '20910101000000Z' },
    /is not valid yet: it is valid from 2090-01-01T00:00:00Z .* this device's clock says 20\d\d-/,
    /clock is most likely behind/,
  ],
];

for (const [name, validity, message, mend] of validities) {
  test(`a certificate that is ${name} is refused, with both clocks`, { skip }, async () => {
    const authority = createAuthority();
    const files = authority.sign('broker', local, validity);
    await using broker = await startMosquitto(secure(authority.ca, files));
    await using sockets = await startSecureSockets(files);
    for (const url of [secureUrl(broker), sockets.url]) {
      const fault = await refusalOf({ url, ca: authority.ca });
      assert.equal(fault.code, 'mqtt.tls-expired', fault.message);
      assert.match(fault.message, message);
      assert.match(fault.mend, mend);
    }
  });
}

test('a broker that wants a certificate gets it from files or from systemd, and only the right one', {
  skip,
}, async () => {
  const authority = createAuthority();
  const own = authority.sign('porch', '');
  const stranger = createAuthority().sign('porch', '');
  const files = authority.sign('broker', local);
  await using broker = await startMosquitto(secure(authority.ca, files, requiringCertificates));
  const url = secureUrl(broker);
  const log = await connects({ url, ca: authority.ca, ...own });
  assert.doesNotMatch(log, /PRIVATE KEY|BEGIN/);
  const [ca, cert, key] = [authority.ca, own.cert, own.key].map((path) =>
    path.slice(path.lastIndexOf('/') + 1),
  );
  const credentials = {
    ca: `credential:${ca}`,
    cert: `credential:${cert}`,
    key: `credential:${key}`,
  };
  const folder = authority.ca.slice(0, authority.ca.lastIndexOf('/'));
  await connects({ url, ...credentials }, { CREDENTIALS_DIRECTORY: folder });

  const missing = await refusalOf({ url, ca: authority.ca });
  assert.equal(missing.code, 'mqtt.tls-client', missing.message);
  assert.match(missing.mend, /mqtt\.cert and mqtt\.key/);
  const wrong = await refusalOf({ url, ca: authority.ca, ...stranger });
  assert.match(wrong.code, /^mqtt\.(tls-client|unreachable)$/, wrong.message);
  assert.match(wrong.mend, /mqtt\.cert and mqtt\.key/);
});

test('a port that does not speak TLS is said to be one', { skip }, async () => {
  await using broker = await startMosquitto();
  const fault = await refusalOf({ url: secureUrl(broker) });
  assert.equal(fault.code, 'mqtt.unreachable');
  assert.match(fault.mend, /port for TLS/);
  assert.match(fault.message, /does not speak TLS|before TLS was set up/);
});

test('a password comes from a file, is read again, and is never said', { skip }, async () => {
  const folder = temporaryFolder();
  const [broken, right] = ['wrong-secret-4711', 'right-secret-0815'];
  const accounts = join(folder, 'accounts');
  writeFileSync(accounts, '');
  execFileSync('mosquitto_passwd', ['-b', accounts, 'porch', right]);
  await using broker = await startMosquitto(
    `allow_anonymous false\npassword_file ${accounts}\nuser root\n`,
  );
  const passwordFile = join(folder, 'password');
  for (const protocol of [5, '3.1.1']) {
    writeFileSync(passwordFile, `${broken}\n`);
    const sightd = daemonWith({ url: broker.url, username: 'porch', passwordFile, protocol });
    const line = await sightd.untilLine('no broker; going on without');
    const { fault } = JSON.parse(line) as { fault: Fault };
    assert.equal(fault.code, 'mqtt.refused', fault.message);
    assert.match(fault.mend, /mqtt\.passwordFile/);
    writeFileSync(passwordFile, `${right}\nnot this line\n`);
    await sightd.untilLine('connected to the broker');
    await stop(sightd);
    assert.doesNotMatch(sightd.lines.join('\n') + sightd.output(), /secret/);
  }
});
