/** Characters of an unfinished line that are kept; lines that matter are shorter. */
const lineCharactersMax = 4096;

/** Puts text that comes in pieces of any size together into lines; `onLine` gets each without its end. */
export function createLineSplitter(onLine: (line: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const lines = (rest + piece).split('\n');
    // What a line says first says what it is about.
    rest = (lines.pop() ?? '').slice(0, lineCharactersMax);
    for (const line of lines) onLine(line);
  };
}
