import { cursorTo, moveCursor } from 'node:readline';
import type { Clock } from '../base/time.ts';
import { droppedOf, type Ledger } from '../contract/ledger.ts';
import type { HealthMessage } from '../contract/messages.ts';
import type { Running } from '../daemon/daemon-options.ts';
import type { Published } from '../daemon/publisher.ts';
import type { EmbeddedBroker } from '../mqtt/broker.ts';
import { bar } from './bar.ts';
import { styled, type Terminal } from './terminal.ts';

/** Shows a running daemon to a person: redrawn in place on a terminal, a line a second in a pipe. */
export interface LiveView {
  onRunning(running: Running): void;
  onPublished(published: Published): void;
  onHealth(health: HealthMessage): void;
  close(ledger: Ledger | undefined): void;
}

export type LiveViewOptions = {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly broker: EmbeddedBroker;
  readonly isJson: boolean;
};

const redrawMs = 200;
const barCells = 32;

export function createLiveView(options: LiveViewOptions): LiveView {
  const { terminal } = options;
  const isLive = terminal.isTerminal && !options.isJson;
  let running: Running | undefined;
  let published: Published | undefined;
  let health: HealthMessage | undefined;
  let drawnLines = 0;
  let timer: NodeJS.Timeout | undefined;

  const redraw = (): void => {
    if (published === undefined || running === undefined) return;
    // The cursor cannot go back to lines that have left the screen.
    const lines = render(terminal, running, published, health).slice(0, terminal.rows() - 1);
    if (drawnLines > 0) {
      moveCursor(process.stdout, 0, -drawnLines);
      cursorTo(process.stdout, 0);
    }
    // Each line is cleared to its end, and what was below to the end of the screen.
    terminal.write(`${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    drawnLines = lines.length;
  };

  const writeLine = (): void => {
    if (published === undefined || health === undefined) return;
    terminal.write(
      `${options.isJson ? jsonLine(published, health) : textLine(published, health)}\n`,
    );
  };

  return {
    onRunning: (now) => {
      running = now;
      if (options.isJson) return;
      terminal.write(introduction(terminal, now, options.broker));
      if (isLive) timer = setInterval(redraw, redrawMs);
    },
    onPublished: (now) => {
      published = now;
    },
    onHealth: (now) => {
      const isNews = now.camera.fault?.code !== health?.camera.fault?.code;
      health = now;
      // Until the first frame there is nothing to draw it into.
      if (isNews && now.camera.fault !== undefined && (published === undefined || !isLive)) {
        terminal.complain(`${faultLines(now.camera.fault).join('\n')}\n`);
      }
      if (!isLive && now.state !== 'stopping') writeLine();
    },
    close: (ledger) => {
      clearInterval(timer);
      if (isLive) redraw();
      if (ledger !== undefined && !options.isJson)
        terminal.write(`\nStopped. ${ledgerSentence(ledger)}\n`);
    },
  };
}

function introduction(terminal: Terminal, running: Running, broker: EmbeddedBroker): string {
  const bold = (text: string): string => styled(terminal, 'bold', text);
  const dim = (text: string): string => styled(terminal, 'dim', text);
  const { topics, source, model } = running;
  const prefix = topics.result.slice(0, topics.result.lastIndexOf('/'));
  return `
${bold('sightd')} is looking at ${bold(source.name)} with the model ${bold(model.name)} ${dim(model.version)}

  broker     mqtt://127.0.0.1:${broker.port}   ws://127.0.0.1:${broker.webSocketPort}
  topics     ${prefix}/{result,label,health,status}
  listen     mosquitto_sub -p ${broker.port} -t '${prefix}/#' -v
  stop       Ctrl-C drains and stops; a second Ctrl-C ends at once

`;
}

function render(
  terminal: Terminal,
  running: Running,
  published: Published,
  health: HealthMessage | undefined,
): string[] {
  const dim = (text: string): string => styled(terminal, 'dim', text);
  const { classification, label } = published;
  const width = Math.max(...classification.top.map((entry) => entry.label.length), 8);
  // The model's own order of labels, where there are few: bars that stay in place can be read.
  const isSmall = running.model.labels.length <= classification.top.length;
  const rows = isSmall
    ? [...classification.top].sort((a, b) => a.index - b.index)
    : classification.top;
  const bars = rows.map(({ label: name, score }) => {
    const isSettled = name === label;
    const text = `${isSettled ? '▶' : ' '} ${name.padEnd(width)} ${bar(score, barCells)} ${(score * 100).toFixed(0).padStart(3)} %`;
    return clipped(terminal, styled(terminal, isSettled ? ['bold', 'green'] : 'reset', text), text);
  });
  const frame = `frame ${classification.sequence}   ${published.latencyMs.toFixed(1)} ms from capture to result, ${classification.inference.toFixed(1)} ms of it inference`;
  const fault = health?.camera.fault;
  const trouble = fault === undefined ? [] : faultLines(fault);
  return [
    '',
    ...bars,
    '',
    dim(clipped(terminal, frame, frame)),
    ...figures(terminal, health),
    ...trouble.map((line) => clipped(terminal, styled(terminal, 'yellow', line), line)),
    '',
  ];
}

/** Why there is no picture, and what to do about it. */
const faultLines = (fault: { readonly message: string; readonly mend: string }): string[] => [
  `waiting for the camera: ${fault.message}`,
  `  ${fault.mend}`,
];

function figures(terminal: Terminal, health: HealthMessage | undefined): string[] {
  if (health === undefined) return [];
  const { rates, ledger, latencyMs } = health;
  const latency =
    latencyMs === undefined
      ? ''
      : `   latency p50 ${latencyMs.p50.toFixed(1)} p99 ${latencyMs.p99.toFixed(1)} ms`;
  const lines = [
    `${rates.captured.toFixed(1)} fps captured   ${rates.classified.toFixed(1)} fps classified${latency}`,
    `${ledger.captured} captured   ${ledger.classified} classified   ${droppedOf(ledger)} dropped   ${ledger.failed} failed   ${ledger.inFlight} in flight`,
    `${health.memoryMegabytes.toFixed(0)} MB   ${health.cpuPercent.toFixed(0)} % of a core`,
  ];
  return lines.map((line) => styled(terminal, 'dim', clipped(terminal, line, line)));
}

/** `styledText` as it is when `plain` fits the terminal, else the plain text cut off. */
function clipped(terminal: Terminal, styledText: string, plain: string): string {
  const columns = terminal.columns();
  return plain.length < columns ? styledText : plain.slice(0, columns - 1);
}

function textLine(published: Published, health: HealthMessage): string {
  const [best] = published.classification.top;
  const { rates, ledger } = health;
  const score = `${((best?.score ?? 0) * 100).toFixed(0)} %`;
  return [
    `${(best?.label ?? '').padEnd(12)} ${bar(best?.score ?? 0, barCells)} ${score.padStart(5)}`,
    `${rates.classified.toFixed(1)} fps`,
    `${published.latencyMs.toFixed(1)} ms`,
    `${droppedOf(ledger)} dropped`,
  ].join('   ');
}

function jsonLine(published: Published, health: HealthMessage): string {
  const { classification, label } = published;
  return JSON.stringify({
    sequence: classification.sequence,
    label: label ?? null,
    top: classification.top,
    latencyMs: published.latencyMs,
    rates: health.rates,
    ledger: health.ledger,
  });
}

const ledgerSentence = (ledger: Ledger): string =>
  `Of ${ledger.captured} frames ${ledger.classified} were classified, ${droppedOf(ledger)} dropped for newer ones, ${ledger.failed} failed, ${ledger.inFlight} left.`;
