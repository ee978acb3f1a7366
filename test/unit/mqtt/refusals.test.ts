import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../../src/base/fault.ts';
import {
  connectionFault,
  createRefusalLog,
  disconnectError,
  type Evidence,
  endOf,
} from '../../../src/mqtt/refusals.ts';

const errorWith = (
  code: string | number | undefined,
  message = 'words',
  more: object = {},
): Error => Object.assign(new Error(message), code === undefined ? {} : { code }, more);

const evidence = (error: Error | undefined, more: Partial<Evidence> = {}): Evidence => ({
  url: 'mqtts://user:secret@broker:8883',
  error,
  handshake: { isDone: false, chain: [] },
  wasOnline: false,
  isPatient: true,
  hasCertificate: false,
  wallNow: Date.UTC(2026, 4, 1),
  ...more,
});
const done = { isDone: true, chain: [] };

const rows: readonly [what: string, Evidence, code: string, words: RegExp][] = [
  ['a bad password in 3.1.1', evidence(errorWith(4)), 'mqtt.refused', /refuses the login/],
  ['a bad password in 5', evidence(errorWith(0x86)), 'mqtt.refused', /refuses the login/],
  ['not authorized in 5', evidence(errorWith(0x87)), 'mqtt.refused', /refuses the login/],
  ['nobody there', evidence(errorWith('ECONNREFUSED')), 'mqtt.unreachable', /words/],
  ['no such name', evidence(errorWith('ENOTFOUND')), 'mqtt.unreachable', /words/],
  ['no answer', evidence(errorWith(undefined, 'connack timeout')), 'mqtt.unreachable', /timeout/],
  [
    'several refused addresses',
    evidence(errorWith('ECONNREFUSED', '')),
    'mqtt.unreachable',
    /: ECONNREFUSED/,
  ],
  ['a busy broker', evidence(errorWith(0x89, 'Server busy')), 'mqtt.unreachable', /Server busy/],
  [
    'a self-signed certificate',
    evidence(errorWith('DEPTH_ZERO_SELF_SIGNED_CERT')),
    'mqtt.tls-untrusted',
    /not signed by anybody trusted/,
  ],
  [
    'another name',
    evidence(
      errorWith('ERR_TLS_CERT_ALTNAME_INVALID', 'words', {
        cert: { subjectaltname: 'DNS:a.example, IP Address:10.0.0.1' },
      }),
    ),
    'mqtt.tls-name',
    /it is for a\.example, 10\.0\.0\.1/,
  ],
  [
    'no name',
    evidence(errorWith('ERR_TLS_CERT_ALTNAME_INVALID', 'words', { cert: {} })),
    'mqtt.tls-name',
    /no name at all/,
  ],
  [
    'an alert about a missing certificate',
    evidence(errorWith('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), { handshake: done }),
    'mqtt.tls-client',
    /wants? a certificate of this device: it says "certificate required"/,
  ],
  [
    'an alert about our certificate, as newer OpenSSL words it',
    evidence(errorWith('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'), { hasCertificate: true }),
    'mqtt.tls-client',
    /refuses this device's certificate: it says "bad certificate"/,
  ],
  [
    'a connection cut once TLS is up, without a certificate of ours',
    evidence(errorWith('ECONNRESET'), { handshake: done }),
    'mqtt.tls-client',
    /seems to want a certificate/,
  ],
  [
    'a connection cut once TLS is up, with one',
    evidence(undefined, { handshake: done, hasCertificate: true }),
    'mqtt.unreachable',
    /once TLS was set up/,
  ],
  [
    'a connection cut later on',
    evidence(errorWith('ECONNRESET'), { handshake: done, wasOnline: true }),
    'mqtt.unreachable',
    /words/,
  ],
  [
    'a plain port',
    evidence(errorWith('ERR_SSL_WRONG_VERSION_NUMBER')),
    'mqtt.unreachable',
    /does not speak TLS/,
  ],
  [
    'a shutdown that the broker announces',
    evidence(disconnectError(0x8b, 'restarting'), { wasOnline: true }),
    'mqtt.unreachable',
    /restarting \(reason 0x8b\)/,
  ],
];

for (const [what, given, code, words] of rows) {
  test(`${what} is ${code}, without the login of the address`, () => {
    const fault = connectionFault(given);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
    assert.match(fault.message, /mqtts:\/\/broker:8883/);
    assert.doesNotMatch(fault.message + fault.mend, /secret/);
    assert.ok(fault.mend.endsWith('.') && fault.retryable);
  });
}

test('a certificate out of its time is said with its dates and the clock, whosever it is', () => {
  const [leaf, signer] = [
    { name: 'broker', from: new Date('2026-01-01'), to: new Date('2027-01-01') },
    { name: 'the signer', from: new Date('2020-01-01'), to: new Date('2026-02-01') },
  ];
  const handshake = { isDone: false, chain: [leaf, signer] };
  const expired = connectionFault(evidence(errorWith('CERT_HAS_EXPIRED'), { handshake }));
  assert.equal(
    expired.message,
    'the certificate "the signer" of the broker at mqtts://broker:8883 has expired: it is valid from ' +
      "2020-01-01T00:00:00Z to 2026-02-01T00:00:00Z, and this device's clock says 2026-05-01T00:00:00Z",
  );
  const early = evidence(errorWith('CERT_NOT_YET_VALID'), { handshake, wallNow: 12_345 });
  const fault = connectionFault(early);
  assert.match(fault.message, /^the certificate of the broker .* is not valid yet/);
  assert.match(fault.message, /this device's clock says 1970-01-01T00:00:12Z/);
  assert.match(fault.mend, /clock is most likely behind/);
  const unseen = connectionFault(evidence(errorWith('CERT_HAS_EXPIRED')));
  assert.match(unseen.message, /has expired: this device's clock says 2026-05-01/);
});

test('an end before the answer is silence only where the broker was reached', () => {
  const plain = { url: 'mqtt://broker' };
  assert.equal(endOf(evidence(undefined, plain)), 'no answer');
  assert.equal(endOf(evidence(errorWith('ECONNRESET'), plain)), 'no answer');
  assert.equal(endOf(evidence(errorWith('ECONNREFUSED'), plain)), 'other');
  assert.equal(endOf(evidence(undefined, { ...plain, wasOnline: true })), 'other');
  assert.equal(endOf(evidence(undefined)), 'other', 'TLS was not set up');
  assert.equal(endOf(evidence(undefined, { handshake: done })), 'no answer');
  for (const code of [1, 0x84]) {
    assert.equal(endOf(evidence(errorWith(code), plain)), 'version refused');
    const fault = connectionFault(evidence(errorWith(code), plain));
    assert.match(fault.mend, /mqtt\.protocol/);
  }
});

test('the same refusal is said once a connection, however large the message', () => {
  const said: string[] = [];
  const log = createRefusalLog(({ message }) => said.push(message));
  const tooLarge = (bytes: number): Fault => ({
    code: 'mqtt.message-too-large',
    component: 'link',
    message: `a message of ${bytes} bytes to t`,
    mend: '',
    retryable: false,
  });
  for (const bytes of [100, 200]) log.say(tooLarge(bytes));
  log.forget();
  log.say(tooLarge(300));
  assert.deepEqual(said, ['a message of 100 bytes to t', 'a message of 300 bytes to t']);
});

test('only who goes on trying says so', () => {
  const gone = errorWith('ECONNREFUSED');
  assert.match(
    connectionFault(evidence(gone)).mend,
    /is right; sightd goes on and keeps trying\.$/,
  );
  assert.match(connectionFault(evidence(gone, { isPatient: false })).mend, /mqtt\.url is right\.$/);
});
