import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { nearest } from '../base/nearest.ts';
import { type Injection, injectionFaults, injectionSchema } from '../contract/injections.ts';
import { isTree, nameOf } from './config-problem.ts';

/** A line of an injection file; the first one is 1. */
export type InjectionLine = { readonly number: number; readonly text: string };

/** Lines that say something: not empty, and no comment. */
const isSaying = ({ text }: InjectionLine): boolean => !/^\s*(#|$)/.test(text);

/** A line as the fault that it asks for, or what is wrong with it. */
export function parseInjection(text: string): Outcome<Injection> {
  const refuse = (sentence: string) =>
    failure(fault('usage.argument', sentence, 'docs/runbook.md lists what can be injected.'));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return refuse(`not JSON: ${messageOf(error)}`);
  }
  const named = isTree(document) ? document['fault'] : undefined;
  if (typeof named !== 'string' || !injectionFaults.includes(named)) {
    const near = typeof named === 'string' ? nearest(named, injectionFaults) : undefined;
    const hint =
      near === undefined ? `one of ${injectionFaults.join(', ')}` : `did you mean ${near}?`;
    return refuse(`fault: got ${nameOf(named)}; ${hint}`);
  }
  const parsed = injectionSchema.safeParse(document);
  if (parsed.success) return success(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  return refuse(problems.join('; '));
}

/** Turns text that comes in pieces into lines; the last one waits until it is whole. */
export function createLineSplitter() {
  let rest = '';
  let count = 0;
  const numbered = (text: string): InjectionLine => {
    count += 1;
    return { number: count, text };
  };
  return {
    add: (text: string): readonly InjectionLine[] => {
      const pieces = (rest + text).split('\n');
      rest = pieces.pop() ?? '';
      return pieces.map(numbered).filter(isSaying);
    },
    /** What waits counts as a line. */
    end: (): readonly InjectionLine[] => {
      const last = rest;
      rest = '';
      return [last]
        .filter((text) => text !== '')
        .map(numbered)
        .filter(isSaying);
    },
  };
}

/** A file to which lines are added while it is read. */
export interface InjectionFile {
  /** The lines since the last call: at the first one all there are, also a last one without a line end. */
  added(): readonly InjectionLine[];
}

/** More in one step would be no list of faults. */
const chunkBytesMax = 1024 * 1024;

export function openInjectionFile(path: string): InjectionFile {
  let splitter = createLineSplitter();
  let decoder = new StringDecoder('utf8');
  let offset = 0;
  let isFirst = true;
  const read = (): string => {
    const chunk = readFrom(path, offset);
    if (chunk === 'shorter') {
      // Written anew: what it says now counts from its start.
      splitter = createLineSplitter();
      decoder = new StringDecoder('utf8');
      offset = 0;
      return read();
    }
    offset += chunk.length;
    return decoder.write(chunk);
  };
  return {
    added: () => {
      // First: it may begin with another splitter.
      const text = read();
      const lines = splitter.add(text);
      const last = isFirst ? splitter.end() : [];
      isFirst = false;
      return [...lines, ...last];
    },
  };
}

/** The bytes from an offset on; none of a file that is not there just now. */
function readFrom(path: string, offset: number): Buffer | 'shorter' {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size < offset) return 'shorter';
    const chunk = Buffer.alloc(Math.min(size - offset, chunkBytesMax));
    return chunk.subarray(0, readSync(descriptor, chunk, 0, chunk.length, offset));
  } finally {
    closeSync(descriptor);
  }
}

/** So many problems are enough for one sentence. */
const problemsMax = 5;

/** Whether a file can be used: it is there, and each of its lines is right. */
export function checkInjections(path: string): Outcome<void> {
  const refuse = (sentence: string) =>
    failure(fault('usage.argument', sentence, 'docs/runbook.md lists what can be injected.'));
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return refuse(`cannot read ${path}: ${messageOf(error)}`);
  }
  const splitter = createLineSplitter();
  const problems = [...splitter.add(text), ...splitter.end()].flatMap((line) => {
    const parsed = parseInjection(line.text);
    return parsed.ok ? [] : [`${path}:${line.number}: ${parsed.fault.message}`];
  });
  return problems.length === 0
    ? success(undefined)
    : refuse(problems.slice(0, problemsMax).join('; '));
}
