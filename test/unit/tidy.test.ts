import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/paths.ts';

/*
 * The rules of "The tree is the architecture" in the style guide, as pure functions over a tree of
 * sources, held against made-up trees and against `src/`.
 */

/** Paths relative to `src/`, each with its text. */
type Tree = ReadonlyMap<string, string>;

const linesMax = 330;

/** What each layer may import besides itself; `main.ts` is a layer of one file. */
const below = ['ring', 'contract', 'base'];
const world = ['camera', 'inference', 'mqtt', 'systemd', 'web'];
const importTable: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli', 'base'],
  cli: ['daemon', ...world, ...below],
  daemon: [...world, ...below],
  ...Object.fromEntries(world.map((layer) => [layer, below])),
  ring: ['contract', 'base'],
  contract: ['base'],
  base: [],
};

/** Packages that more than one file may import, and in which layers. */
const sharedPackages: Readonly<Record<string, readonly string[]>> = {
  // The vocabulary of contract/, and of whoever parses at an edge.
  zod: ['contract', 'cli', 'daemon', 'camera', 'inference', 'mqtt', 'systemd', 'web'],
  yaml: ['cli', 'daemon'],
};

/** What is reached by other means than an import: why is said beside it. */
const roots: readonly RegExp[] = [
  /^main\.ts$/,
  /(^|\/)worker\.ts$/,
  /^(inference\/assembly\/tensor|camera\/assembly\/scene)\.ts$/, // Compiled to WebAssembly by scripts/setup.mjs.
  /\.d\.ts$/, // Declares globals; found by the compiler.
];

const layerOf = (path: string): string => path.split('/')[0] ?? path;

/** What a file imports, types too: `import`, `export … from` and `import()`. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const forms = [
    /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''));
}

const isRelative = (specifier: string): boolean => specifier.startsWith('.');

/** AssemblyScript names its files without their ending. */
function targetOf(path: string, specifier: string): string {
  const target = posix.join(posix.dirname(path), specifier);
  return /\.[a-z]+$/.test(target) ? target : `${target}.ts`;
}

function importProblems(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) =>
    importsOf(text)
      .filter(isRelative)
      .flatMap((specifier) => {
        const target = targetOf(path, specifier);
        if (!tree.has(target)) return [`${path} imports ${target}, which is not there`];
        const from = layerOf(path);
        const to = layerOf(target);
        const isAllowed = from === to || importTable[from]?.includes(to) === true;
        return isAllowed ? [] : [`${path} imports ${target}: ${from} may not import ${to}`];
      }),
  );
}

const layerProblems = (tree: Tree): string[] =>
  [...tree.keys()]
    .filter((path) => !Object.hasOwn(importTable, layerOf(path)))
    .map((path) => `${path} lies in no layer`);

/** `csv-parse/sync` is of csv-parse, `@scope/name/part` of @scope/name. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function doorProblems(tree: Tree): string[] {
  const doors = new Map<string, Set<string>>();
  for (const [path, text] of tree) {
    for (const specifier of importsOf(text)) {
      if (isRelative(specifier) || specifier.startsWith('node:')) continue;
      const name = packageOf(specifier);
      doors.set(name, (doors.get(name) ?? new Set()).add(path));
    }
  }
  return [...doors].flatMap(([name, files]) => {
    const layers = sharedPackages[name];
    if (layers === undefined) {
      return files.size === 1 ? [] : [`${name} has more than one door: ${[...files].join(', ')}`];
    }
    return [...files]
      .filter((path) => !layers.includes(layerOf(path)))
      .map((path) => `${path} may not import ${name}`);
  });
}

const isThreadFile = (path: string): boolean =>
  path === 'daemon/child.ts' || posix.basename(path) === 'worker.ts';

const threadProblems = (tree: Tree): string[] =>
  [...tree]
    .filter(([path, text]) => {
      const specifiers = importsOf(text);
      return (
        specifiers.some((name) => /^(node:)?worker_threads$/.test(name)) && !isThreadFile(path)
      );
    })
    .map(([path]) => `${path} imports node:worker_threads`);

function reachProblems(tree: Tree): string[] {
  const reached = new Set<string>();
  const pending = [...tree.keys()].filter((path) => roots.some((root) => root.test(path)));
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const specifier of importsOf(tree.get(path) ?? '').filter(isRelative)) {
      pending.push(targetOf(path, specifier));
    }
  }
  return [...tree.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => `${path} is reached by nobody`);
}

/**
 * Packages that a thread may load, besides what it imports only on demand: each costs every thread
 * megabytes, a schema library five.
 */
const threadPackages: readonly string[] = ['koffi', 'sharp', 'onnxruntime-node'];

function threadPackageProblems(tree: Tree): string[] {
  return [...tree.keys()].filter(isWorker).flatMap((worker) => {
    const reached = new Set<string>();
    const problems: string[] = [];
    const pending = [worker];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      // Types are gone when the code runs.
      const text = (tree.get(path) ?? '')
        .replace(/^(import|export) type [^;]*;/gm, '')
        .replaceAll('import(', 'onDemand(');
      for (const specifier of importsOf(text)) {
        if (isRelative(specifier)) pending.push(targetOf(path, specifier));
        else if (!specifier.startsWith('node:') && !threadPackages.includes(packageOf(specifier))) {
          problems.push(`${worker} loads ${specifier} through ${path}`);
        }
      }
    }
    return problems;
  });
}

const isWorker = (path: string): boolean => posix.basename(path) === 'worker.ts';

function textProblems(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) => {
    const problems: string[] = [];
    const lines = text.replace(/\n$/, '').split('\n');
    if (lines.length > linesMax) problems.push(`${path} has ${lines.length} lines`);
    if (layerOf(path) !== 'ring' && /\bAtomics\s*[.[]/.test(text)) {
      problems.push(`${path} uses Atomics`);
    }
    lines.forEach((line, index) => {
      if (/\bTODO\b(?!\(#\d+\): \S)/.test(line)) {
        problems.push(`${path}:${index + 1} has a TODO without an issue`);
      }
    });
    return problems;
  });
}

const problemsOf = (tree: Tree): string[] => [
  ...layerProblems(tree),
  ...importProblems(tree),
  ...doorProblems(tree),
  ...threadProblems(tree),
  ...threadPackageProblems(tree),
  ...reachProblems(tree),
  ...textProblems(tree),
];

function readTree(): Tree {
  const folder = join(packageRoot, 'src');
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => posix.relative(folder, join(entry.parentPath, entry.name)));
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

const source = readTree();

test('the sources are found, and each has its imports read', () => {
  assert.ok(source.size > 50);
  assert.ok(importsOf(source.get('main.ts') ?? '').includes('./cli/run.ts'));
  assert.ok(importsOf(source.get('daemon/pipeline.ts') ?? '').includes('../contract/threads.ts'));
});

test('every file of src lies in a layer', () => assert.deepEqual(layerProblems(source), []));

test('imports of src point down', () => assert.deepEqual(importProblems(source), []));

test('every package has one door', () => assert.deepEqual(doorProblems(source), []));

test('threads are made and met only where they should be', () =>
  assert.deepEqual(threadProblems(source), []));

test('threads load no packages but those that they need', () =>
  assert.deepEqual(threadPackageProblems(source), []));

test('every file of src is reached from main or a worker', () =>
  assert.deepEqual(reachProblems(source), []));

test('no file of src is too long, touches shared memory outside ring/, or defers work unnamed', () =>
  assert.deepEqual(textProblems(source), []));

// The rules themselves, on trees made up to break them.

/** A tree that keeps every rule, with these files added or replaced. */
const treeWith = (files: Readonly<Record<string, string>>): Tree =>
  new Map(
    Object.entries({
      'main.ts': "import { a } from './cli/a.ts';\n",
      'cli/a.ts': "import type { D } from '../daemon/d.ts';\nimport { z } from 'zod';\n",
      'daemon/d.ts': "import { b } from '../base/b.ts';\nimport { r } from '../ring/r.ts';\n",
      'ring/r.ts': 'Atomics.load(words, 0);\n',
      'base/b.ts': "import p from 'pino';\n// TODO(#12): more.\n",
      'camera/worker.ts': "import { parentPort } from 'node:worker_threads';\n",
      ...files,
    }),
  );

const rows: readonly [what: string, files: Readonly<Record<string, string>>, problem: RegExp][] = [
  [
    'an import that points up',
    { 'base/b.ts': "import { r } from '../ring/r.ts';\n" },
    /^base\/b\.ts imports ring\/r\.ts: base may not import ring$/,
  ],
  [
    'an import that points sideways, of a type only',
    {
      'camera/worker.ts': "import type { M } from '../mqtt/m.ts';\n",
      'mqtt/m.ts': '',
    },
    /camera may not import mqtt/,
  ],
  [
    'a schema library in a thread, by way of another file',
    {
      'camera/worker.ts': "import type { A } from './a.ts';\nimport { b } from './b.ts';\n",
      'camera/a.ts': "import { z } from 'zod';\n",
      'camera/b.ts': "import { c } from '../contract/c.ts';\n",
      'contract/c.ts': "import { z } from 'zod';\n",
    },
    /^camera\/worker\.ts loads zod through contract\/c\.ts$/,
  ],
  [
    'an import over several lines',
    { 'ring/r.ts': "import {\n  type A,\n  b,\n} from '../daemon/d.ts';\n" },
    /ring may not import daemon/,
  ],
  [
    'a dynamic import past the layer below',
    { 'main.ts': "import './cli/a.ts';\nawait import('./daemon/d.ts');\n" },
    /main\.ts may not import daemon/,
  ],
  [
    'an export of what another file has',
    { 'ring/r.ts': "export { d } from '../daemon/d.ts';\n" },
    /ring may not import daemon/,
  ],
  [
    'an import of a file that is not there',
    { 'ring/r.ts': "import { x } from './x.ts';\n" },
    /ring\/x\.ts, which is not there/,
  ],
  [
    'a layer that does not exist',
    { 'cli/a.ts': "import '../daemon/d.ts';\nimport '../utils/u.ts';\n", 'utils/u.ts': '' },
    /^(utils\/u\.ts lies in no layer|cli\/a\.ts .* may not import utils)$/,
  ],
  [
    'a second door to a package',
    {
      'daemon/d.ts': "import p from 'pino/file';\nimport '../base/b.ts';\nimport '../ring/r.ts';\n",
    },
    /^pino has more than one door: daemon\/d\.ts, base\/b\.ts$/,
  ],
  [
    'a shared package in a layer that it is not for',
    { 'base/b.ts': "import { z } from 'zod';\n" },
    /base\/b\.ts may not import zod/,
  ],
  [
    'a thread outside its door',
    {
      'daemon/d.ts':
        "import { Worker } from 'node:worker_threads';\nimport '../base/b.ts';\nimport '../ring/r.ts';\n",
    },
    /daemon\/d\.ts imports node:worker_threads/,
  ],
  [
    'a file that nobody reaches, though it imports itself through another',
    {
      'daemon/x.ts': "import { y } from './y.ts';\n",
      'daemon/y.ts': "import { x } from './x.ts';\n",
    },
    /^daemon\/[xy]\.ts is reached by nobody$/,
  ],
  [
    'an import that is commented out',
    { 'main.ts': "// import { a } from './cli/a.ts';\n/*\nimport './cli/a.ts';\n*/\n" },
    /reached by nobody/,
  ],
  ['shared memory outside ring/', { 'base/b.ts': 'Atomics.notify(a, 0);\n' }, /uses Atomics/],
  ['deferred work', { 'base/b.ts': '// TODO: later\n' }, /base\/b\.ts:1 has a TODO/],
  ['a long file', { 'base/b.ts': 'a();\n'.repeat(331) }, /base\/b\.ts has 331 lines/],
];

test('a tree that keeps the rules has no problem', () => {
  assert.deepEqual(problemsOf(treeWith({})), []);
  assert.deepEqual(problemsOf(treeWith({ 'base/b.ts': 'a();\n'.repeat(330) })), []);
});

for (const [what, files, problem] of rows) {
  test(`${what} is a problem`, () => {
    const problems = problemsOf(treeWith(files));
    assert.ok(problems.length > 0, 'a problem is found');
    for (const one of problems) assert.match(one, problem);
  });
}
