import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Layout } from '../../src/camera/v4l2/record.ts';
import * as structs from '../../src/camera/v4l2/structs.ts';

/*
 * Holds every structure, request and constant against the kernel's own header, by having compilers
 * for both 64-bit architectures decide assertions about it. Nothing is run.
 */

/** Compilers for this machine, of which one must be there in CI, and one for the Raspberry Pi. */
const native = ['cc', 'gcc-12'];
const compilers = [...native, 'aarch64-linux-gnu-gcc'];

/** Where the structures of these names have a field of ours under another name or within another. */
const membersOf: Readonly<Record<string, (field: string) => string>> = {
  v4l2_frmsizeenum: (field) => (/^(min|max|step)_/.test(field) ? `stepwise.${field}` : field),
  v4l2_frmivalenum: (field) =>
    field === 'step' ? 'stepwise.step' : field.replace(/^(min|max)_/, 'stepwise.$1.'),
  v4l2_format: (field) => (field === 'type' ? field : `fmt.pix.${field}`),
  v4l2_selection: (field) => (/^(left|top|width|height)$/.test(field) ? `r.${field}` : field),
  v4l2_streamparm: (field) => {
    if (field === 'type') return field;
    const isRate = field === 'numerator' || field === 'denominator';
    return `parm.capture.${isRate ? `timeperframe.${field}` : field}`;
  },
  v4l2_buffer: (field) => (field.startsWith('tv_') ? `timestamp.${field}` : field),
};

/** Fields that only keep the others in their places; what is reserved shrinks from kernel to kernel. */
const isFiller = (field: string): boolean => /^(alignment|rest|reserved\d*)$/.test(field);

/** Fields that came with a kernel after the oldest header that is of use (5.10, of Debian 11). */
const fieldsSince: Readonly<Record<string, string>> = {
  'v4l2_requestbuffers.flags': 'KERNEL_VERSION(5, 16, 0)',
};

function assertionsOfField(layout: Layout<string>, field: string): string[] {
  const { name } = layout;
  const { kind, offset } = layout.fields[field] ?? assert.fail(field);
  const isMplane = layout === (structs.v4l2FormatMplane as Layout<string>);
  const member = (membersOf[name]?.(field) ?? field).replace(/^fmt\.pix\./, (path) =>
    isMplane ? 'fmt.pix_mp.' : path,
  );
  const value = `((struct ${name} *)0)->${member}`;
  const bytes = typeof kind === 'number' ? kind : Number(kind.slice(1)) / 8;
  const lines = [
    `_Static_assert(offsetof(struct ${name}, ${member}) == ${offset}, "${name}.${field}: place");`,
    `_Static_assert(sizeof(${value}) == ${bytes}, "${name}.${field}: size");`,
  ];
  const isNumber = typeof kind !== 'number' && field !== 'm' && field !== 'controls';
  if (isNumber) {
    const comparison = kind.startsWith('s') ? '<' : '>';
    lines.push(
      `_Static_assert((__typeof__(${value}))-1 ${comparison} 0, "${name}.${field}: sign");`,
    );
  }
  const since = fieldsSince[`${name}.${field}`];
  return since === undefined ? lines : [`#if LINUX_VERSION_CODE >= ${since}`, ...lines, '#endif'];
}

function assertionsOfLayout(layout: Layout<string>): string[] {
  const { name, bytes, fields } = layout;
  return [
    `_Static_assert(sizeof(struct ${name}) == ${bytes}, "${name}: size");`,
    ...Object.keys(fields)
      .filter((field) => !isFiller(field))
      .flatMap((field) => assertionsOfField(layout, field)),
  ];
}

function numbersOf(exported: object, names: RegExp): [string, number][] {
  return Object.entries(exported).filter(
    (entry): entry is [string, number] => names.test(entry[0]) && typeof entry[1] === 'number',
  );
}

const assertionOfNumber = ([name, value]: readonly [string, number]): string =>
  `_Static_assert((unsigned int)(${name}) == 0x${value.toString(16)}u, "${name}");`;

const header = [
  '#include <stddef.h>',
  '#include <linux/version.h>',
  '#include <linux/videodev2.h>',
];

/** What a compiler says of a C source: nothing when it accepts it. */
function complaints(compiler: string, lines: readonly string[]): string {
  const args = ['-std=gnu11', '-fsyntax-only', '-x', 'c', '-'];
  const input = `${lines.join('\n')}\n`;
  const { status, stderr, error } = spawnSync(compiler, args, { input, encoding: 'utf8' });
  if (status === 0) return '';
  return error?.message ?? (stderr || `status ${status}`);
}

/** `false` to ask this compiler, or why it is not asked. */
function skipWithout(compiler: string): string | false {
  const problem = complaints(compiler, header);
  if (problem === '') return false;
  const isThere = spawnSync(compiler, ['--version']).status === 0;
  return isThere ? `${compiler} has no linux/videodev2.h` : `there is no ${compiler}`;
}

const skips = new Map(compilers.map((compiler) => [compiler, skipWithout(compiler)]));
if (process.env['CI'] === 'true' && native.every((compiler) => skips.get(compiler) !== false)) {
  throw new Error(`no C compiler in CI: ${[...skips.values()].join(', ')}`);
}

for (const compiler of compilers) {
  const options = { skip: skips.get(compiler) ?? false };
  const accept = (lines: readonly string[]): void =>
    assert.equal(complaints(compiler, [...header, ...lines]), '');

  test(`${compiler} lays the structures out as they are here`, options, () => {
    accept(structs.layouts.flatMap(assertionsOfLayout));
  });

  test(`${compiler} knows requests and constants by the same numbers`, options, () => {
    const requests = Object.entries(structs.requests);
    const constants = numbersOf(structs, /^V4L2_/);
    assert.ok(requests.length >= 15 && constants.length >= 35);
    accept([...requests, ...constants].map(assertionOfNumber));
    accept([assertionOfNumber(['VIDEO_MAX_PLANES', structs.planesMax])]);
  });

  test(`${compiler} would tell a wrong place, size, sign and number`, options, () => {
    const { v4l2Buffer } = structs;
    const withField = (name: string, kind: 'u32' | 's64' | 'u64', offset: number) =>
      assertionsOfLayout({
        ...v4l2Buffer,
        fields: { ...v4l2Buffer.fields, [name]: { kind, offset } },
      });
    const wrong = [
      withField('sequence', 'u32', 60),
      withField('sequence', 'u64', 56),
      withField('tv_sec', 'u64', 24),
      assertionsOfLayout({ ...v4l2Buffer, bytes: 84 }),
      [assertionOfNumber(['VIDIOC_DQBUF', structs.requests.VIDIOC_QBUF])],
    ];
    for (const lines of wrong) {
      assert.match(complaints(compiler, [...header, ...lines]), /static assertion failed/);
    }
  });
}

test('every structure there is belongs to the list that is held against the header', () => {
  const isLayout = (value: unknown): value is Layout<string> =>
    typeof value === 'object' && value !== null && 'fields' in value;
  const exported = Object.values(structs).filter(isLayout);
  assert.deepEqual(new Set(exported), new Set(structs.layouts));
});
