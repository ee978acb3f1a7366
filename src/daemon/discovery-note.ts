import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import type { Announced } from '../mqtt/home-assistant.ts';
import { platforms } from '../mqtt/home-assistant-entities.ts';
import { removeFile, replaceFile } from './atomic-file.ts';

/** What the broker may hold of earlier announcements: by topic, the components that it tells of. */
export type Note = Readonly<Record<string, Announced>>;

export interface NoteStore {
  /** Empty where there is none; the announcement of a note that cannot be read is forgotten. */
  read(): Outcome<Note>;
  /** An empty note leaves no file. */
  write(note: Note): Outcome<undefined>;
}

const noteSchema = z.record(z.string().min(1), z.record(z.string(), z.enum(platforms)));

/** In memory alone without a folder. */
export function openNoteStore(stateDir: string | undefined): NoteStore {
  if (stateDir === undefined) {
    return { read: () => success({}), write: () => success(undefined) };
  }
  const path = join(stateDir, 'home-assistant.json');
  return {
    read: () => {
      try {
        return success(noteSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          return success({});
        const mend =
          'Entities of an earlier announcement may have to be deleted in Home Assistant.';
        return failure(
          fault('state.broken', `${path} cannot be used: ${messageOf(error).split('\n')[0]}`, mend),
        );
      }
    },
    write: (note) => {
      try {
        if (Object.keys(note).length === 0) removeFile(path);
        else replaceFile(path, `${JSON.stringify(note)}\n`);
        return success(undefined);
      } catch (error) {
        const mend = 'Make stateDir a folder that this user may write to, with space left.';
        return failure(
          fault('state.unwritable', `cannot write to ${stateDir}: ${messageOf(error)}`, mend),
        );
      }
    },
  };
}
