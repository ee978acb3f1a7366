import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data.ts';
import { command, settleDevices, until } from './rig.ts';

/* What v4l2-ctl says about a /dev/video node, and does to it: an opinion that is not sightd's. */

export type VideoFormat = { readonly fourcc: string; readonly sizes: readonly VideoSize[] };
export type VideoSize = {
  readonly width: number;
  readonly height: number;
  /** Frames a second, as the driver lists them. */
  readonly rates: readonly number[];
};
export type Capture = {
  readonly fourcc: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
};

export async function untilThere(node: string): Promise<void> {
  await until(`${node} appears`, () => existsSync(node) || undefined);
  settleDevices();
}

export async function untilGone(node: string): Promise<void> {
  await until(`${node} disappears`, () => !existsSync(node) || undefined);
  settleDevices();
}

export function formatsOf(node: string): VideoFormat[] {
  const sections = command('v4l2-ctl', '-d', node, '--list-formats-ext').split(/^\s*\[\d+\]: /m);
  return sections.slice(1).map((section) => ({
    // Y16 and its like are padded with a space.
    fourcc: section.slice(1, 5).trim(),
    sizes: section.split('Size: Discrete ').slice(1).map(parseSize),
  }));
}

function parseSize(text: string): VideoSize {
  const [width = 0, height = 0] = text.split(/[x\s]/, 2).map(Number);
  const rates = [...text.matchAll(/\(([\d.]+) fps\)/g)].map((match) => Number(match[1]));
  return { width, height, rates };
}

/** Sets a control by the name `v4l2-ctl --list-ctrls` gives it. A button fires whatever the value. */
export function setControl(node: string, name: string, value: number): void {
  command('v4l2-ctl', '-d', node, '-c', `${name}=${value}`);
}

/** The value of a control that is a number, by the same name. */
export function controlOf(node: string, name: string): number {
  return Number(/: (-?\d+)/.exec(command('v4l2-ctl', '-d', node, '-C', name))?.[1]);
}

/** Takes frames, and returns their bytes one after the other. */
export function capture(node: string, { fourcc, width, height, frames }: Capture): Buffer {
  const file = join(temporaryFolder(), 'frames');
  command(
    'v4l2-ctl',
    ...['-d', node, `--set-fmt-video=width=${width},height=${height},pixelformat=${fourcc}`],
    ...['--stream-mmap', `--stream-count=${frames}`, `--stream-to=${file}`],
  );
  return readFileSync(file);
}
