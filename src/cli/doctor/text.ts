import type { DeviceCheckup, DeviceDoctor } from '../../contract/doctor.ts';
import { wrapped } from '../camera-text.ts';
import { styled, type Terminal } from '../terminal.ts';
import { printable } from '../watch/text.ts';

/** A checkup as people read it: a mark, the part, a sentence; the mend below it. */

const marks = {
  ok: { mark: '✓', style: 'green' },
  warn: { mark: '!', style: 'yellow' },
  fail: { mark: '✗', style: 'red' },
} as const;

const partWidth = 8;
const indent = 2 + partWidth;
/** Narrower terminals break the lines themselves. */
const columnsMin = 60;

export function checkupText({ part, state, message, mend }: DeviceCheckup, terminal: Terminal) {
  const { mark, style } = marks[state];
  const head = `${styled(terminal, style, mark)} ${styled(terminal, 'bold', part.padEnd(partWidth))}`;
  const sentence = hung(message, terminal).join('\n');
  const help = mend === undefined ? [] : hung(mend, terminal);
  const below = help.map(
    (line) => `${' '.repeat(indent)}${styled(terminal, 'dim', line.trimStart())}`,
  );
  return `${[`${head}${sentence}`, ...below].join('\n')}\n`;
}

/** Broken into lines on a terminal, of which all but the first are indented; one line in a pipe. */
function hung(text: string, terminal: Terminal): readonly string[] {
  // Names of cameras and what brokers say is written by anybody.
  const shown = printable(text);
  if (!terminal.isTerminal) return [shown];
  const columns = Math.max(columnsMin, terminal.columns()) - indent;
  return wrapped(shown.split(' '), columns).map((line, at) =>
    at === 0 ? line : `${' '.repeat(indent)}${line}`,
  );
}

/** The last line: how all of it is. */
export function verdictText({ state, parts }: DeviceDoctor, terminal: Terminal): string {
  const namesOf = (wanted: DeviceCheckup['state']): string =>
    parts.flatMap((one) => (one.state === wanted ? [one.part] : [])).join(', ');
  const [failed, warned] = [namesOf('fail'), namesOf('warn')];
  const words = [
    failed === '' ? '' : `to be mended: ${failed}`,
    warned === '' ? '' : `worth a look: ${warned}`,
  ].filter((word) => word !== '');
  const { style } = marks[state];
  return `${styled(terminal, style, words.length === 0 ? 'all is well' : words.join('; '))}\n`;
}
