import { execFile } from 'node:child_process';
import { freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { isClockSynced } from '../../base/clock-sync.ts';
import { systemClock } from '../../base/time.ts';
import { findTool } from '../../camera/rpicam/tool.ts';
import { type CheckupOf, checkClock, ok, warn } from '../../daemon/checkups.ts';
import { openThermometer, systemFiles } from '../../daemon/temperature.ts';
import { parseThrottled, readThrottled, type Throttled } from '../../daemon/throttled.ts';
import { checkDisk, probeFolder } from './disk.ts';
import { checkMemory, groupOf } from './memory.ts';
import { checkPower } from './power.ts';
import { checkUnit } from './unit.ts';
import { parseUnitFacts, unitProperties } from './unit-facts.ts';

/** What is asked of this machine, each by its own way. */

export const lookAtClock = async (): Promise<CheckupOf<'clock'>> =>
  checkClock(Date.now(), isClockSynced());

export const lookAtDisk = async (folder: string): Promise<CheckupOf<'disk'>> =>
  checkDisk(folder, probeFolder(folder));

export const lookAtMemory = async (): Promise<CheckupOf<'memory'>> =>
  checkMemory({
    freeBytes: freemem(),
    totalBytes: totalmem(),
    group: groupOf(systemFiles.textOf),
  });

export async function lookAtPower(stop: AbortSignal): Promise<CheckupOf<'power'>> {
  const flags = (await askFirmware(stop)) ?? readThrottled();
  return checkPower(flags, openThermometer()());
}

/** By the Raspberry Pi's own program, which knows more than the kernel passes on. */
async function askFirmware(stop: AbortSignal): Promise<Throttled | undefined> {
  const tool = findTool(['vcgencmd'], process.env['PATH']);
  if (tool === undefined) return undefined;
  const answer = await ask(tool.path, ['get_throttled'], stop);
  return answer.kind === 'said' ? parseThrottled(answer.text) : undefined;
}

export async function lookAtUnit(unit: string, stop: AbortSignal): Promise<CheckupOf<'unit'>> {
  const tool = findTool(['systemctl'], process.env['PATH']);
  if (tool === undefined) return ok('unit', 'there is no systemd here to start sightd');
  const args = ['show', unit, `--property=${unitProperties.join(',')}`, '--no-pager'];
  const answer = await ask(tool.path, args, stop);
  if (answer.kind === 'said') {
    return checkUnit(unit, parseUnitFacts(answer.text), systemClock.now());
  }
  // systemctl(1) in a container, or with another init.
  if (/not been booted with systemd|connect to bus/.test(answer.text)) {
    return ok('unit', 'systemd does not run here: what starts sightd was not looked at');
  }
  const sentence = `systemctl does not answer: ${answer.text}`;
  return warn('unit', sentence, `See: systemctl status ${unit}`);
}

/** Programs that ask the system answer at once, or something is wrong with it. */
const answerWithinMs = 7000;
const answerBytesMax = 64 * 1024;

/** What a program wrote, or its last complaint. */
async function ask(
  path: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly kind: 'said' | 'failed'; readonly text: string }> {
  const options = {
    env: { ...process.env, LC_ALL: 'C', SYSTEMD_COLORS: '0' },
    timeout: answerWithinMs,
    killSignal: 'SIGKILL',
    maxBuffer: answerBytesMax,
    signal,
  } as const;
  try {
    const { stdout } = await promisify(execFile)(path, [...args], options);
    return { kind: 'said', text: stdout };
  } catch (error) {
    const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return { kind: 'failed', text: words.split('\n').join(' ') || 'no answer' };
  }
}
