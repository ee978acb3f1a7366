/** A run of eighth blocks, so that a bar moves in steps of an eighth of a cell. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A score of 0 to 1 as a bar of so many cells. */
export function bar(score: number, cells: number): string {
  const steps = Math.round(Math.min(1, Math.max(0, score)) * cells * 8);
  const whole = '█'.repeat(Math.floor(steps / 8)) + (eighths[steps % 8] ?? '');
  return whole.padEnd(cells, '·');
}
