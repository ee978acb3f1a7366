import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Fault, fault } from '../../../src/base/fault.ts';
import { configSchema } from '../../../src/contract/config.ts';
import type { DiskReading } from '../../../src/daemon/disk-watch.ts';
import { type Probes, probesOf } from '../../../src/daemon/probes.ts';
import { openSurroundings, type SurroundingsChange } from '../../../src/daemon/surroundings.ts';
import { systemFilesBelow } from '../../../src/daemon/temperature.ts';
import { createManualClock, settled } from '../../support/manual-clock.ts';

const mebibyte = 2 ** 20;
const room: DiskReading = {
  kind: 'room',
  freeBytes: 2 ** 30,
  totalBytes: 2 ** 33,
  freeFiles: undefined,
  isReadOnly: false,
};

/** A machine that is well, until a test says otherwise. */
function createMachine(config: object = {}) {
  const clock = createManualClock();
  const counts = { celsius: 0, throttled: 0, residentBytes: 0, readDisk: 0, wallClock: 0 };
  const machine = {
    celsius: 50 as number | undefined,
    residentBytes: 80 * mebibyte,
    disk: room as DiskReading,
    stored: undefined as Fault | undefined,
    written: undefined as Fault | undefined,
    config: configSchema.parse(config),
  };
  const probes: Probes = {
    celsius: () => {
      counts.celsius += 1;
      return machine.celsius;
    },
    throttled: () => {
      counts.throttled += 1;
      return undefined;
    },
    residentBytes: () => {
      counts.residentBytes += 1;
      return machine.residentBytes;
    },
    groupBytes: undefined,
    readDisk: async () => {
      counts.readDisk += 1;
      return machine.disk;
    },
  };
  const watch = openSurroundings({
    wallClock: {
      look: () => {
        counts.wallClock += 1;
      },
    },
    stateDir: '/var/lib/sightd',
    config: () => machine.config,
    outbox: {
      figures: () => ({ waiting: 0, bytes: 0, lost: 0, stored: machine.stored === undefined }),
      trouble: () => machine.stored,
    },
    remoteStore: { trouble: () => machine.written },
    probes,
  });
  const told: SurroundingsChange[] = [];
  /** Looks once a second for so long; the last look is returned. */
  const go = async (seconds: number) => {
    for (let second = 1; second < seconds; second += 1) {
      told.push(...watch.look(clock.now()).changes);
      await settled();
      clock.advance(1000);
    }
    const last = watch.look(clock.now());
    told.push(...last.changes);
    await settled();
    clock.advance(1000);
    return last;
  };
  const tellings = (): string[] =>
    told.map((one) => ('fault' in one ? `${one.kind} ${one.fault.code}` : one.kind));
  return { machine, watch, counts, go, tellings };
}

test('a machine that is well has nothing to tell, and is asked now and then', async () => {
  const { go, counts, tellings } = createMachine();
  const { changes: _changes, ...found } = await go(60);
  assert.deepEqual(found, {
    power: { limit: undefined, fault: undefined },
    memory: undefined,
    disk: undefined,
    outbox: undefined,
    celsius: 50,
  });
  assert.deepEqual(tellings(), []);
  const { celsius, residentBytes, readDisk, throttled, wallClock } = counts;
  assert.deepEqual([celsius, residentBytes, readDisk, throttled], [30, 6, 2, 1]);
  assert.equal(wallClock, 60);
});

test('heat limits the frames, and the config says from where on', async () => {
  const { go, machine, tellings } = createMachine({ camera: { fps: 20 } });
  machine.celsius = 76;
  assert.deepEqual((await go(8)).power.limit, 10);
  assert.deepEqual(tellings(), ['worse power.hot', 'limited']);
  machine.config = configSchema.parse({
    camera: { fps: 20 },
    health: { temperatureMaxCelsius: 85 },
  });
  await go(60);
  assert.equal((await go(1)).power.limit, undefined);
  assert.deepEqual(tellings().slice(2), ['better power.hot', 'restored']);
});

test('a lossless replay loses no frame to the heat', async () => {
  const camera = { source: 'replay', path: '/x', pace: 'fast' };
  const { go, machine, tellings } = createMachine({ camera });
  machine.celsius = 90;
  assert.equal((await go(60)).power.limit, undefined);
  assert.deepEqual(tellings(), ['worse power.hot']);
});

test('memory is over its budget after three samples, and a spike is none', async () => {
  const { go, machine, tellings } = createMachine();
  machine.residentBytes = 900 * mebibyte;
  assert.equal((await go(15)).memory, undefined);
  machine.residentBytes = 90 * mebibyte;
  assert.equal((await go(15)).memory, undefined);
  machine.residentBytes = 401 * mebibyte;
  assert.equal((await go(20)).memory, undefined);
  assert.match(String((await go(10)).memory?.message), /401 MiB of memory, and 400 MiB/);
  assert.deepEqual(tellings(), ['worse daemon.memory']);
  machine.config = configSchema.parse({ health: { memoryMegabytesMax: 0 } });
  assert.equal((await go(1)).memory, undefined);
});

test('a store that cannot write is told of, by the disk where that is the reason', async () => {
  const { go, machine, tellings } = createMachine();
  await go(5);
  machine.stored = fault('outbox.unwritable', 'IO error: x.log: Input/output error', 'Check it.');
  const found = await go(1);
  assert.equal(found.disk?.code, 'disk.failing');
  assert.equal(found.outbox?.code, 'outbox.unwritable');
  machine.stored = undefined;
  machine.written = fault('state.unwritable', 'EACCES: permission denied', 'Permit it.');
  assert.equal((await go(1)).disk, undefined);
  machine.written = fault('state.unwritable', 'EROFS: read-only file system', 'Check it.');
  assert.equal((await go(1)).disk?.code, 'disk.failing');
  assert.deepEqual(tellings(), ['worse disk.failing', 'better disk.failing']);
  assert.equal((await go(598)).disk?.code, 'disk.failing');
  assert.equal((await go(3)).disk, undefined, 'a disk that is well in all else');
});

test('a disk that fills up is noticed within half a minute', async () => {
  const { go, machine } = createMachine();
  await go(5);
  machine.disk = { ...room, freeBytes: mebibyte };
  assert.equal((await go(32)).disk?.code, 'disk.full');
});

test('each reading can be another one, and the real one again', async () => {
  const { go, watch } = createMachine();
  await go(5);
  watch.override({ what: 'temperature', celsius: 85 });
  watch.override({ what: 'under-voltage', isLow: true });
  watch.override({ what: 'disk-full', isFull: true });
  watch.override({ what: 'memory', megabytes: 500 });
  const wrong = await go(35);
  assert.deepEqual(
    [wrong.celsius, wrong.power.fault?.code, wrong.disk?.code, wrong.memory?.code],
    [85, 'power.under-voltage', 'disk.full', 'daemon.memory'],
  );
  assert.ok(wrong.power.limit !== undefined);
  watch.override({ what: 'temperature', celsius: undefined });
  watch.override({ what: 'under-voltage', isLow: undefined });
  watch.override({ what: 'disk-full', isFull: undefined });
  watch.override({ what: 'memory', megabytes: undefined });
  const right = await go(200);
  assert.deepEqual(
    [right.celsius, right.power.fault, right.power.limit, right.disk, right.memory],
    [50, undefined, undefined, undefined, undefined],
  );
});

test('without a folder for state there is no disk to look at', async () => {
  const { counts } = createMachine();
  const watch = openSurroundings({
    wallClock: { look: () => {} },
    stateDir: undefined,
    config: () => configSchema.parse({}),
    outbox: {
      figures: () => ({ waiting: 0, bytes: 0, lost: 0, stored: false }),
      trouble: () => undefined,
    },
    remoteStore: undefined,
    probes: probesOf({ namesIn: () => [], textOf: () => undefined }),
  });
  const found = watch.look(createManualClock().now());
  assert.equal(found.disk, undefined);
  assert.equal(found.outbox, undefined);
  assert.equal(found.celsius, undefined);
  assert.equal(counts.readDisk, 0);
});

test("a machine's files may lie below another root", () => {
  const root = mkdtempSync(join(tmpdir(), 'sightd-machine-'));
  try {
    const files = {
      '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
      '/sys/class/thermal/thermal_zone0/temp': '61234\n',
      '/sys/class/hwmon/hwmon0/name': 'rpi_volt\n',
      '/sys/class/hwmon/hwmon0/in0_lcrit_alarm': '1\n',
      '/proc/self/cgroup': '0::/unit\n',
      '/proc/self/mountinfo': '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
      '/sys/fs/cgroup/unit/memory.max': '1048576\n',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const probes = probesOf(systemFilesBelow(root));
    assert.equal(probes.celsius(), 61.2);
    assert.equal(probes.throttled()?.underVoltage, true);
    assert.equal(probes.groupBytes, mebibyte);
  } finally {
    rmSync(root, { recursive: true });
  }
});
