import { type ExitCode, exitCodes, fault } from '../base/fault.ts';
import type { Config } from '../contract/config.ts';
import {
  type DeviceCheckup,
  type DeviceDoctor,
  type DevicePart,
  deviceParts,
} from '../contract/doctor.ts';
import { warn, worstOf } from '../daemon/checkups.ts';
import { parseArguments } from './arguments.ts';
import { requestOf } from './cameras.ts';
import type { Command } from './command.ts';
import { defaultConfigPath } from './config-source.ts';
import { checkBroker } from './doctor/broker.ts';
import { checkCamera } from './doctor/camera.ts';
import { checkConfig } from './doctor/config.ts';
import {
  lookAtClock,
  lookAtDisk,
  lookAtMemory,
  lookAtPower,
  lookAtUnit,
} from './doctor/machine.ts';
import { checkModel } from './doctor/model.ts';
import { createProgress } from './doctor/progress.ts';
import { checkupText, verdictText } from './doctor/text.ts';
import { unitNameOf } from './doctor/unit-facts.ts';
import { complainOf } from './terminal.ts';

/** What takes longer is given up and said to be unknown. */
const patienceMs = 8000;

export const doctor: Command = {
  summary: 'what is wrong with this device, and how to mend it',
  help: `Usage: sightd doctor [--config FILE] [--unit NAME] [--json]

Goes through config, camera, model, broker, clock, power, disk, memory and the systemd unit: how each
is, and what to do about it. It takes nothing from a daemon that runs; what this user may not look at
is said to be unknown.

  -c, --config FILE   the config (default ${defaultConfigPath} where it exists, else the
                      built-in defaults), with SIGHTD_SECTION_KEY in the environment over it
      --unit NAME     the systemd unit (default sightd.service)
      --json          one JSON object instead of text: state, and parts with part, state (ok, warn,
                      fail), message and mend
  -h, --help          this text

Exit codes: 0 nothing fails, 64 wrong usage, 69 something fails, 78 wrong config.
`,
  run: async ({ args, terminal, environment, stop }) => {
    const options = {
      config: { type: 'string', short: 'c' },
      unit: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    const parsed = parseArguments('doctor', args, options, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const unit = unitNameOf(parsed.value.text('unit') ?? 'sightd.service');
    if (unit === undefined) {
      const sentence = 'sightd doctor: --unit takes the name of a systemd unit';
      return complainOf(terminal, fault('usage.argument', sentence, 'For example sightd.service.'));
    }
    const isJson = parsed.value.isSet('json');
    const progress = createProgress(terminal, process.stderr.isTTY === true);
    const { checkup, config } = checkConfig(parsed.value.text('config'), environment);
    using deadline = openDeadline(stop);
    const examination = { config, unit, environment, stop: deadline.signal };
    const parts: DeviceCheckup[] = [];
    for (const { part, found } of [
      { part: 'config', found: Promise.resolve(checkup) },
      ...begin(examination),
    ] as const) {
      progress.waitFor(part);
      const one = await found;
      progress.clear();
      if (stop.aborted) return exitCodes.interrupted;
      parts.push(one);
      if (!isJson) terminal.write(checkupText(one, terminal));
    }
    const result: DeviceDoctor = { state: worstOf(parts), parts };
    terminal.write(isJson ? `${JSON.stringify(result, null, 2)}\n` : verdictText(result, terminal));
    return exitOf(result);
  },
};

function exitOf({ state, parts }: DeviceDoctor): ExitCode {
  if (state !== 'fail') return exitCodes.clean;
  const isConfig = parts.some((one) => one.part === 'config' && one.state === 'fail');
  return isConfig ? exitCodes.config : exitCodes.unavailable;
}

type Examination = {
  readonly config: Config;
  readonly unit: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stop: AbortSignal;
};

/**
 * Most at once, for some of them wait for others' answers; told in the order in which frames go. Loading
 * a model occupies this thread, so it comes when those are asked that answer at once.
 */
function begin({ config, unit, environment, stop }: Examination) {
  const machine = {
    clock: lookAtClock(),
    power: lookAtPower(stop),
    disk: lookAtDisk(config.stateDir),
    memory: lookAtMemory(),
    unit: lookAtUnit(unit, stop),
  };
  const checks: Readonly<Record<Exclude<DevicePart, 'config'>, Promise<DeviceCheckup>>> = {
    camera: checkCamera(requestOf(config), stop),
    model: Promise.all(Object.values(machine)).then(() => checkModel(config)),
    broker: checkBroker(config, unit, environment, stop),
    ...machine,
  };
  return deviceParts.flatMap((part) =>
    part === 'config' ? [] : [{ part, found: unlessLate(part, checks[part], stop) }],
  );
}

function unlessLate(
  part: DevicePart,
  check: Promise<DeviceCheckup>,
  stop: AbortSignal,
): Promise<DeviceCheckup> {
  const late = new Promise<DeviceCheckup>((resolve) => {
    const giveUp = (): void => {
      const sentence = `nothing was found out within ${patienceMs / 1000} s`;
      const mend = 'Try again; if it stays so, the system itself may hang: see dmesg.';
      // What ends because of the deadline may still say more.
      setTimeout(() => resolve(warn(part, sentence, mend)), 500).unref();
    };
    stop.addEventListener('abort', giveUp, { once: true });
  });
  return Promise.race([check, late]);
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** `stop`, at the latest when the patience is over. */
function openDeadline(stop: AbortSignal): Deadline {
  const over = new AbortController();
  const abort = (): void => over.abort();
  const timer = setTimeout(abort, patienceMs);
  stop.addEventListener('abort', abort, { once: true });
  return {
    signal: over.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', abort);
    },
  };
}
