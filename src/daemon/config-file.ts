import { readFileSync } from 'node:fs';
import { type Document, isNode, isScalar, LineCounter, parse, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { nearest } from '../base/nearest.ts';
import { type Config, configSchema } from '../contract/config.ts';
import { complaintsOf, isTree, knownKeys, nameOf, schemaAt, type Tree } from './config-problem.ts';

/** One thing wrong with a config: where, what was found, what was expected. */
export type ConfigProblem = {
  /** Dotted path, as in `camera.width`. */
  readonly path: string;
  /** Line in the file, from 1; absent for values that come from the environment. */
  readonly line: number | undefined;
  /** The environment variable that the value came from, if it did. */
  readonly variable: string | undefined;
  readonly message: string;
};

export type ConfigReading =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export type Environment = Readonly<Record<string, string | undefined>>;

type Override = { readonly path: readonly string[]; readonly variable: string };

/** A config file larger than this is not one. */
const configBytesMax = 1024 * 1024;
/** More aliases than there are keys; finding the value of each takes a walk through the file. */
const aliasesMax = 100;

/** Reads the file's text, or says why it cannot be had. */
export function readConfigText(path: string): Outcome<string> {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= configBytesMax) return success(text);
    return failure(
      fault('config.unreadable', `${path} is larger than 1 MiB`, 'Is this the config file?'),
    );
  } catch (error) {
    return failure(
      fault(
        'config.unreadable',
        `cannot read the config file ${path}: ${messageOf(error)}`,
        'Name an existing file with --config, or leave it out to run with the defaults.',
      ),
    );
  }
}

/**
 * Turns a config file's text and the environment into a config. Every problem is reported, not only
 * the first. An environment variable `SIGHTD_SECTION_KEY` goes over the file.
 */
export function parseConfig(text: string, environment: Environment): ConfigReading {
  if (isTooDeep(text)) {
    const message = 'nested far deeper than any config';
    return { ok: false, problems: [{ path: '', line: undefined, variable: undefined, message }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return { ok: false, problems: document.errors.map((error) => syntaxProblem(error, lines)) };
  }
  const structural = structureProblemOf(document, lines);
  if (structural !== undefined) return { ok: false, problems: [structural] };
  const tree: unknown = document.toJS() ?? {};
  if (!isTree(tree)) {
    const message = `a config is a mapping of sections, not ${nameOf(tree)}`;
    return { ok: false, problems: [{ path: '', line: 1, variable: undefined, message }] };
  }
  // A name with nothing after it is an empty section.
  for (const section of sectionNames) if (tree[section] === null) tree[section] = {};
  const { overrides, warnings, problems } = applyEnvironment(tree, environment);
  const parsed = configSchema.safeParse(tree);
  if (parsed.success && problems.length === 0) return { ok: true, config: parsed.data, warnings };
  const found = parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => problemsOf(issue, tree, document, lines, overrides));
  return { ok: false, problems: [...problems, ...found] };
}

/** Nesting that no config has, and that would exhaust the parser's stack. */
function isTooDeep(text: string): boolean {
  return (text.match(/[[{]/g)?.length ?? 0) > 1000 || /(?:[-?] ){50}/.test(text);
}

/** One line a problem: `config.yaml:4: camera.widht: …`. */
export function describeProblem(problem: ConfigProblem, file: string): string {
  const place = problem.variable ?? (problem.line === undefined ? file : `${file}:${problem.line}`);
  return problem.path === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.path}: ${problem.message}`;
}

function syntaxProblem(
  error: { message: string; pos: [number, number] },
  lines: LineCounter,
): ConfigProblem {
  const message = `not YAML: ${error.message.split('\n')[0]?.replace(/:$/, '')}`;
  return { path: '', line: lines.linePos(error.pos[0]).line, variable: undefined, message };
}

/** Keys of the config that hold keys of their own. */
const sectionNames = knownKeys([]).filter((name) => knownKeys([name]).length > 0);
/** Keys of the config that hold a plain value. */
const plainNames = knownKeys([]).filter((name) => knownKeys([name]).length === 0);

const constantCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Variables that are about the process, not about its config. */
const otherVariables: ReadonlySet<string> = new Set(['SIGHTD_TRACE', 'SIGHTD_INJECT']);

/** Puts `SIGHTD_SECTION_KEY` variables into the tree; a key that no section has is a problem. */
function applyEnvironment(tree: Tree, environment: Environment) {
  const overrides: Override[] = [];
  const warnings: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('SIGHTD_') || otherVariables.has(variable) || text === undefined)
      continue;
    const name = variable.slice('SIGHTD_'.length);
    const plain = plainNames.find((candidate) => name === constantCase(candidate));
    if (plain !== undefined) {
      tree[plain] = isText([plain]) ? text : scalarOf(text);
      overrides.push({ path: [plain], variable });
      continue;
    }
    const section = sectionNames.find((candidate) =>
      name.startsWith(`${constantCase(candidate)}_`),
    );
    if (section === undefined) {
      warnings.push(`${variable} names no section of the config and is ignored`);
      continue;
    }
    const keyName = name.slice(constantCase(section).length + 1);
    const key = knownKeys([section]).find((candidate) => constantCase(candidate) === keyName);
    if (key === undefined) {
      const near = nearest(keyName, knownKeys([section]).map(constantCase));
      const hint =
        near === undefined ? '' : `; did you mean SIGHTD_${constantCase(section)}_${near}?`;
      problems.push({
        path: '',
        line: undefined,
        variable,
        message: `${section} has no such key${hint}`,
      });
      continue;
    }
    tree[section] ??= {};
    const values = tree[section];
    if (!isTree(values)) continue; // What the file has there is a problem already.
    values[key] = isText([section, key]) ? text : scalarOf(text);
    overrides.push({ path: [section, key], variable });
  }
  return { overrides, warnings, problems };
}

/** Whether a key takes text and nothing else. */
const isText = (path: readonly string[]): boolean => schemaAt(path) instanceof z.ZodString;

/**
 * What YAML allows and a config does not have. An alias names a plain value only, so that nothing can
 * multiply or go in circles; `__proto__` would be lost in a mapping with free keys.
 */
function structureProblemOf(document: Document, lines: LineCounter): ConfigProblem | undefined {
  let problem: ConfigProblem | undefined;
  let aliases = 0;
  const refuse = (node: unknown, path: string, message: string): symbol => {
    const line = isNode(node) && node.range != null ? lines.linePos(node.range[0]).line : undefined;
    problem = { path, line, variable: undefined, message };
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_, alias) => {
      aliases += 1;
      if (aliases > aliasesMax) return refuse(alias, '', `more than ${aliasesMax} aliases`);
      if (isScalar(alias.resolve(document))) return undefined;
      return refuse(alias, '', `the alias *${alias.source} names no plain value before it`);
    },
    Pair: (_, { key }) =>
      String(key) === '__proto__' ? refuse(key, '__proto__', 'unknown key') : undefined,
  });
  return problem;
}

/** A variable's text as YAML reads it: numbers, booleans and `{a: 1}` too; else the text itself. */
function scalarOf(text: string): unknown {
  try {
    return parse(text) ?? text;
  } catch {
    return text;
  }
}

function problemsOf(
  issue: z.core.$ZodIssue,
  tree: Tree,
  document: Document,
  lines: LineCounter,
  overrides: readonly Override[],
): ConfigProblem[] {
  const path = issue.path.map(String);
  const variable = overrides.find((override) =>
    override.path.every((key, at) => path[at] === key),
  )?.variable;
  const at = (whole: readonly string[], message: string): ConfigProblem => ({
    path: whole.join('.'),
    line: variable === undefined ? lineOf(document, lines, whole) : undefined,
    variable,
    message,
  });
  return complaintsOf(issue, tree).map((complaint) => at(complaint.path, complaint.message));
}

/** The line of the deepest part of the path that the file has; unknown keys are found by their name. */
function lineOf(
  document: Document,
  lines: LineCounter,
  path: readonly string[],
): number | undefined {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true);
    const items = isNode(parent) && 'items' in parent ? (parent.items as { key?: unknown }[]) : [];
    const key = items.find((pair) => String(pair.key) === path[depth - 1])?.key;
    if (isNode(key) && key.range != null) return lines.linePos(key.range[0]).line;
  }
  return undefined;
}
