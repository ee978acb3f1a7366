import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  groupMemoryBytes,
  isOverBudget,
  memoryFault,
  memoryLimitOf,
} from '../../../src/daemon/memory-watch.ts';
import { type SystemFiles, systemFiles } from '../../../src/daemon/temperature.ts';

const mebibyte = 1024 * 1024;

test('memory is over its budget after three samples in a row', () => {
  const rows: readonly (readonly [samples: number[], limit: number, isOver: boolean])[] = [
    [[], 100, false],
    [[100, 100], 100, false],
    [[100, 100, 100], 100, true],
    [[99, 100, 100], 100, false],
    [[100, 99, 100], 100, false],
    [[100, 100, 99], 100, false],
    [[500, 500, 99, 100, 100, 100], 100, true],
    [[900, 50, 900, 50, 900], 100, false],
    [[1000, 1000, 1000], 0, false],
  ];
  for (const [samples, limit, isOver] of rows) {
    assert.equal(isOverBudget(samples, limit), isOver, `${samples} of ${limit}`);
  }
});

test('the limit is the least of what config and group allow, and none where the config says so', () => {
  assert.equal(memoryLimitOf(400, undefined), 400 * mebibyte);
  assert.equal(memoryLimitOf(400, 1000 * mebibyte), 400 * mebibyte);
  assert.equal(memoryLimitOf(400, 200 * mebibyte), 180 * mebibyte);
  assert.equal(memoryLimitOf(0, 200 * mebibyte), 0);
});

test('the fault has its figures', () => {
  const { code, component, message } = memoryFault(412.3 * mebibyte, 400 * mebibyte);
  assert.deepEqual([code, component], ['daemon.memory', 'daemon']);
  assert.equal(message, 'sightd uses 412 MiB of memory, and 400 MiB are the most it may');
});

const mountV2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const mountV1 = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory';
const cpuV1 = '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu';
const unlimited = '9223372036854771712\n';
const unit = '/system.slice/sightd.service';

type Row = readonly [
  what: string,
  cgroup: string | undefined,
  mounts: readonly string[],
  limits: Readonly<Record<string, string>>,
  bytes: number | undefined,
];
const rows: readonly Row[] = [
  ['no control groups', undefined, [], {}, undefined],
  ['a mount that is missing', `0::${unit}\n`, [], {}, undefined],
  [
    'a unit with a limit',
    `0::${unit}\n`,
    [mountV2],
    { [`/sys/fs/cgroup${unit}/memory.max`]: '268435456\n' },
    268435456,
  ],
  [
    'a unit that is slowed down sooner',
    `0::${unit}\n`,
    [mountV2],
    {
      [`/sys/fs/cgroup${unit}/memory.max`]: '268435456\n',
      [`/sys/fs/cgroup${unit}/memory.high`]: '134217728\n',
    },
    134217728,
  ],
  [
    'a unit without one',
    `0::${unit}\n`,
    [mountV2],
    {
      [`/sys/fs/cgroup${unit}/memory.max`]: 'max\n',
      '/sys/fs/cgroup/system.slice/memory.max': 'max\n',
    },
    undefined,
  ],
  [
    'a slice with less than its unit',
    `0::${unit}\n`,
    [mountV2],
    {
      [`/sys/fs/cgroup${unit}/memory.max`]: '268435456\n',
      '/sys/fs/cgroup/system.slice/memory.max': '134217728\n',
    },
    134217728,
  ],
  [
    'a container with a namespace of its own',
    '0::/\n',
    [mountV2],
    { '/sys/fs/cgroup/memory.max': '67108864\n' },
    67108864,
  ],
  [
    'a path out of the namespace',
    '0::/../../other/thing\n',
    [mountV2],
    {
      '/sys/fs/cgroup/memory.max': '67108864\n',
      '/sys/fs/cgroup/../../other/thing/memory.max': '1\n',
    },
    67108864,
  ],
  [
    'a container of Docker without a namespace of its own',
    '4:memory:/docker/abc/inner\n0::/docker/abc\n',
    ['35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'],
    { '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes': '33554432\n' },
    33554432,
  ],
  [
    'a path beside what is mounted',
    '4:memory:/elsewhere\n',
    ['35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'],
    { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '33554432\n' },
    33554432,
  ],
  [
    'a name that begins like the mounted one',
    '4:memory:/docker/abcd\n',
    ['35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'],
    {
      '/sys/fs/cgroup/memory/d/memory.limit_in_bytes': '1\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimited,
    },
    undefined,
  ],
  [
    'version 1 beside version 2',
    `9:name=systemd:/\n4:memory:/box\n2:cpu,cpuacct:/\n0::/\n`,
    [cpuV1, mountV1, '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'],
    {
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimited,
      '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '536870912\n',
    },
    536870912,
  ],
  [
    'version 1 without a limit',
    '4:memory:/box\n',
    [mountV1],
    { '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': unlimited },
    undefined,
  ],
  [
    'nonsense',
    'what\n4:memory:/box\n0::\n',
    ['', 'what', mountV1],
    { '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '-1\n' },
    undefined,
  ],
];
for (const [what, cgroup, mounts, limits, bytes] of rows) {
  test(`the group's memory: ${what}`, () => {
    const texts = new Map(Object.entries(limits));
    if (cgroup !== undefined) texts.set('/proc/self/cgroup', cgroup);
    texts.set('/proc/self/mountinfo', `${mounts.join('\n')}\n`);
    const files: SystemFiles = { namesIn: () => [], textOf: (path) => texts.get(path) };
    assert.equal(groupMemoryBytes(files), bytes);
  });
}

test('the machine that this runs on has a limit, or none', () => {
  const bytes = groupMemoryBytes(systemFiles);
  assert.ok(bytes === undefined || bytes > mebibyte, String(bytes));
});
