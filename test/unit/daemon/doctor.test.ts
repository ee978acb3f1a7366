import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '../../../src/base/fault.ts';
import { micros } from '../../../src/base/time.ts';
import { type Checkup, doctorResultSchema } from '../../../src/contract/commands.ts';
import { type DoctorFacts, examine } from '../../../src/daemon/doctor.ts';

const well: DoctorFacts = {
  camera: { kind: 'streaming', source: { name: 'a camera' } as never },
  phase: 'running',
  isRestarting: false,
  model: { name: 'birds', version: '2.0' },
  rates: { captured: 10, classified: 9.5 },
  link: { kind: 'online', since: micros(0), protocol: 5 },
  outbox: { waiting: 0, lost: 0, stored: true },
  wall: Date.UTC(2026, 4, 4),
  clockSynced: true,
  stateDir: '/var/lib/sightd',
  diskFreeBytes: 2 ** 30,
  memory: { ownBytes: 2 ** 27, freeBytes: 2 ** 29, totalBytes: 2 ** 30 },
};
const unplugged = fault('camera.unplugged', 'the camera was unplugged', 'Plug it in.');
const gone = fault('mqtt.unreachable', 'no broker there', 'Start it.');

test('a device that is well says so of every part, with what it has', () => {
  const result = doctorResultSchema.parse(examine(well));
  assert.equal(result.state, 'ok');
  assert.deepEqual(
    result.parts.map(({ part, message }) => [part, message]),
    [
      ['camera', 'a camera, 10 frames/s'],
      ['model', 'birds 2.0, 9.5 frames/s classified'],
      ['broker', 'connected with MQTT 5'],
      ['clock', 'it is 2026-05-04T00:00:00.000Z'],
      ['disk', '1024 MiB free for /var/lib/sightd'],
      ['memory', 'sightd uses 128 MiB; 512 of 1024 MiB are free'],
    ],
  );
});

const rows: readonly [Partial<DoctorFacts>, Checkup['part'], Checkup['state'], RegExp][] = [
  [{ camera: { kind: 'waiting', fault: unplugged } }, 'camera', 'fail', /unplugged/],
  [{ camera: { kind: 'opening' } }, 'camera', 'warn', /being opened/],
  [{ rates: { captured: 0, classified: 0 } }, 'camera', 'warn', /no frame came/],
  [{ phase: 'loading' }, 'model', 'warn', /not running: loading/],
  [{ isRestarting: true }, 'model', 'warn', /not running: restarting/],
  [{ rates: { captured: 5, classified: 0 } }, 'model', 'warn', /classifies nothing of 5/],
  [{ link: { kind: 'waiting', attempt: 1, fault: gone } }, 'broker', 'fail', /no broker there/],
  [{ link: { kind: 'connecting', attempt: 1 } }, 'broker', 'fail', /not connected/],
  [
    { outbox: { waiting: 1, lost: 2, stored: true } },
    'broker',
    'warn',
    /2 labels and events were given up/,
  ],
  [{ outbox: { waiting: 3, lost: 0, stored: true } }, 'broker', 'ok', /3 labels and events wait/],
  [{ wall: 12_000 }, 'clock', 'fail', /never set: it is 1970/],
  [{ clockSynced: false }, 'clock', 'warn', /nothing is known to keep it right/],
  [
    { outbox: { waiting: 0, lost: 0, stored: false } },
    'disk',
    'fail',
    /\/var\/lib\/sightd cannot be used/,
  ],
  [{ diskFreeBytes: 2 ** 20 }, 'disk', 'warn', /only 1 MiB/],
  [{ diskFreeBytes: undefined }, 'disk', 'ok', /in use/],
  [
    { stateDir: undefined, outbox: { waiting: 0, lost: 0, stored: false } },
    'disk',
    'ok',
    /nothing is to be kept/,
  ],
  [
    { memory: { ownBytes: 2 ** 27, freeBytes: 2 ** 24, totalBytes: 2 ** 30 } },
    'memory',
    'warn',
    /16 of 1024 MiB/,
  ],
];

for (const [facts, part, state, says] of rows) {
  test(`${part} is ${state}: ${says.source}`, () => {
    const result = doctorResultSchema.parse(examine({ ...well, ...facts }));
    const found = result.parts.find((one) => one.part === part);
    assert.equal(found?.state, state);
    assert.match(found.message, says);
    assert.equal(found.mend === undefined, state === 'ok');
    assert.equal(result.state, state);
  });
}
