/** The scene's kernel: what the module exports. */
import { drawDisc } from './disc.ts';
import { restore } from './kept.ts';
import { drawRow } from './rows.ts';
import { layOver } from './sprite.ts';

export { drawDisc, drawRow, layOver, restore };
