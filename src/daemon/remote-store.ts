import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Fault, failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { pathErrorSchema } from '../contract/messages.ts';
import { type FileCalls, removeFile, replaceFile } from './atomic-file.ts';
import { type Kept, nothingKept, type Versioned } from './trial.ts';

/** What remote config keeps on disk: the last known good layer, and the mark of a trial. */
export interface RemoteStore {
  read(): Found;
  keep(kept: Kept): Outcome<undefined>;
  mark(target: Versioned): Outcome<undefined>;
  clear(): Outcome<undefined>;
  /** Why the last write could not be done; undefined when it was. */
  trouble(): Fault | undefined;
}

export type Found = {
  readonly kept: Kept;
  readonly marked: Versioned | undefined;
  /** What was broken and is set aside. */
  readonly faults: readonly Fault[];
};

const version = z.int().min(1);
const versionedSchema = z.strictObject({
  version: version.nullable(),
  layer: z.record(z.string(), z.unknown()),
});
const keptSchema = z.strictObject({
  good: versionedSchema,
  highest: z.int().min(0),
  failed: z.strictObject({ version, errors: z.array(pathErrorSchema) }).nullable(),
});
/** The sum is of the content as JSON.stringify writes it, which is what it reads as again. */
const sealedSchema = z.strictObject({ sha256: z.string(), content: z.unknown() });

export function openRemoteStore(stateDir: string, calls?: FileCalls): RemoteStore {
  const goodPath = join(stateDir, 'config', 'last-known-good.json');
  const trialPath = join(stateDir, 'config', 'trial.json');
  let trouble: Fault | undefined;
  const attempt = (what: () => void): Outcome<undefined> => {
    try {
      what();
      return success(undefined);
    } catch (error) {
      const sentence = `cannot write to ${stateDir}: ${messageOf(error)}`;
      const mend = 'Make stateDir a folder that this user may write to, with space left.';
      trouble = fault('state.unwritable', sentence, mend);
      return failure(trouble);
    }
  };
  const write = (path: string, content: unknown): Outcome<undefined> => {
    const outcome = attempt(() => replaceFile(path, sealed(content), calls));
    if (outcome.ok) trouble = undefined;
    return outcome;
  };
  return {
    read: () => {
      const kept = readSealed(goodPath, keptSchema);
      const marked = readSealed(trialPath, versionedSchema);
      return {
        kept: kept.value ?? nothingKept,
        marked: marked.value,
        faults: [kept.fault, marked.fault].filter((one) => one !== undefined),
      };
    },
    keep: (kept) => write(goodPath, kept),
    mark: (target) => write(trialPath, target),
    clear: () => attempt(() => removeFile(trialPath, calls)),
    trouble: () => trouble,
  };
}

const sumOf = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex');

const sealed = (content: unknown): string =>
  `${JSON.stringify({ sha256: sumOf(content), content })}\n`;

/** What a file holds; a file that is broken is renamed, so that it can be looked at. */
function readSealed<T>(
  path: string,
  schema: z.ZodType<T>,
): { readonly value: T | undefined; readonly fault: Fault | undefined } {
  if (!existsSync(path)) return { value: undefined, fault: undefined };
  try {
    const { sha256, content } = sealedSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (sumOf(content) !== sha256) throw new Error('its checksum is wrong');
    return { value: schema.parse(content), fault: undefined };
  } catch (error) {
    return { value: undefined, fault: setAside(path, error) };
  }
}

function setAside(path: string, error: unknown): Fault {
  const [reason = ''] = messageOf(error).split('\n');
  let where = '';
  try {
    renameSync(path, `${path}.broken`);
    where = `; it is now ${path}.broken`;
  } catch {
    // A folder that cannot be written: said again when something is to be kept.
  }
  const mend = 'The config file alone is in force; send the desired config with a higher version.';
  return fault('state.broken', `${path} cannot be used: ${reason}${where}`, mend);
}
