import type { ReportedMessage } from '../../contract/messages.ts';
/** Text on a terminal, by the cells that it takes. Labels and messages are written by anybody. */

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';
export type Span = { readonly text: string; readonly style: Style | undefined };
export type Line = readonly Span[];

export const span = (text: string, style?: Style): Span => ({ text, style });
export const plainOf = (line: Line): string => line.map(({ text }) => text).join('');

/** Control and format characters could move the cursor or turn the text around. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '·');

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const narrowest = /\p{M}/u;

/** Cells that a text takes; near enough for what labels are made of. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOfCharacter(character);
  return cells;
}

const cellsOfCharacter = (character: string): number => {
  if (character < '\u0300') return 1;
  if (narrowest.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
};

/** At most so many cells; what is cut off is shown by an ellipsis. */
export function cut(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  if (cells <= 0) return '';
  let used = 0;
  let kept = '';
  for (const character of text) {
    const width = cellsOfCharacter(character);
    if (used + width > cells - 1) break;
    used += width;
    kept += character;
  }
  return `${kept}…`;
}

/** Exactly so many cells. */
export function fit(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, cells);
  const space = ' '.repeat(Math.max(0, cells - cellsOf(shown)));
  return align === 'left' ? shown + space : space + shown;
}

/** The line in at most so many cells. */
export function cutLine(line: Line, cells: number): Line {
  const kept: Span[] = [];
  let left = cells;
  for (const { text, style } of line) {
    if (left <= 0) break;
    const shown = cut(text, left);
    kept.push({ text: shown, style });
    left -= cellsOf(shown);
  }
  return kept;
}

/** Lines of at most so many cells, broken at blanks; a word that is longer is cut. */
export function wrapped(text: string, cells: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${word}`;
    if (last !== undefined && cellsOf(joined) <= cells) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.map((line) => cut(line, cells));
}

export const percentOf = (score: number): string => `${(score * 100).toFixed(0)} %`;

/** The time of day of an ISO 8601 text, in UTC as it stands there. */
export const timeOfDay = (iso: string): string => iso.slice(11, 19);

export function durationOf(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole} s`;
  if (whole < 6000) return `${Math.round(whole / 60)} min`;
  return whole < 172_800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86_400)} days`;
}

/** What a verdict is about. Without a version, a refusal is of a document that could not be read. */
export function subjectOf(version: number | null, state: ReportedMessage['state']): string {
  if (version !== null) return `version ${version}`;
  return state === 'rejected' ? 'a document' : "the device's own";
}
