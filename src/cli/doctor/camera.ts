import { existsSync, readFileSync } from 'node:fs';
import { type Fault, fault } from '../../base/fault.ts';
import { systemClock } from '../../base/time.ts';
import { holdersOf, otherProcesses, type Process, processText } from '../../camera/holders.ts';
import { createSourceOpener } from '../../camera/open.ts';
import { findTool, rpicamMissing, videoTools } from '../../camera/rpicam/tool.ts';
import { chooseCamera, type FoundCamera, findCameras } from '../../camera/v4l2/find.ts';
import { frameBytesOf } from '../../contract/frame.ts';
import type { SourceRequest } from '../../contract/threads.ts';
import { type CheckupOf, fail, ok, warn } from '../../daemon/checkups.ts';
import { noPulse } from '../../ring/pulse.ts';
import { readFrame } from '../camera-test.ts';

type CameraCheckup = CheckupOf<'camera'>;
const failOf = ({ message, mend }: Fault): CameraCheckup => fail('camera', message, mend);

/**
 * Takes a frame as the daemon would, unless a daemon runs: its camera is left to it, and neither is one
 * taken that it may be about to open.
 */
export async function checkCamera(
  request: SourceRequest,
  stop: AbortSignal,
): Promise<CameraCheckup> {
  const { source, device } = request.config;
  switch (source) {
    case 'scene':
      return ok('camera', 'the built-in scene; no camera is needed');
    case 'replay':
      return tryOut(request, stop);
    case 'rpicam':
      return checkRpicam(rpicamMissing, request, stop);
    case 'auto':
    case 'v4l2': {
      const choice = chooseCamera(findCameras(), device, undefined);
      if (choice.ok) return checkV4l2(choice.value, request, stop);
      const isAll = source === 'v4l2' || choice.fault.code !== 'camera.none';
      return isAll ? failOf(choice.fault) : checkRpicam(withRpicam(choice.fault), request, stop);
    }
  }
}

/** What a camera that nobody sees may be for want of, on a Raspberry Pi. */
function withRpicam(none: Fault): Fault {
  const isPi = readTextOf('/proc/device-tree/model').startsWith('Raspberry Pi');
  if (!isPi) return none;
  return { ...none, mend: `${none.mend} For a camera at the ribbon cable: ${rpicamMissing.mend}` };
}

async function checkV4l2(
  { path, state }: FoundCamera,
  request: SourceRequest,
  stop: AbortSignal,
): Promise<CameraCheckup> {
  if (state.kind === 'closed') return failOf(state.fault);
  const name = `${state.identity.card} at ${path}`;
  const holders = holdersOf(path);
  const own = holders.find(isDaemon);
  if (own !== undefined) return ok('camera', `${name}: in use by sightd (pid ${own.pid})`);
  const [daemon] = otherProcesses().filter(isDaemon);
  if (daemon === undefined) return tryOut(request, stop);
  if (holders.length > 0) {
    const sentence = `${name}: in use by ${holders.map(processText).join(', ')}`;
    return warn('camera', sentence, 'End the other program if sightd waits for this camera.');
  }
  return leftTo(daemon, name);
}

async function checkRpicam(
  missing: Fault,
  request: SourceRequest,
  stop: AbortSignal,
): Promise<CameraCheckup> {
  if (findTool(videoTools, process.env['PATH']) === undefined) return failOf(missing);
  const processes = otherProcesses();
  const users = processes.filter(({ name }) => videoTools.includes(name));
  const daemon = processes.find(isDaemon);
  if (daemon !== undefined && users.length > 0) {
    return ok('camera', `the Raspberry Pi camera: in use by sightd (pid ${daemon.pid})`);
  }
  if (daemon !== undefined) return leftTo(daemon, 'the Raspberry Pi camera');
  const checkup = await tryOut(
    { ...request, config: { ...request.config, source: 'rpicam' } },
    stop,
  );
  return checkup;
}

/** Another user's process does not show what it has open. */
function leftTo({ pid }: Process, name: string): CameraCheckup {
  const sentence = `${name}: left to the sightd that runs (pid ${pid}); whether it has it cannot be seen`;
  const isRoot = process.getuid?.() === 0;
  const mend = isRoot
    ? 'Its log tells what it waits for.'
    : 'As root it may be seen: sudo sightd doctor';
  return warn('camera', sentence, mend);
}

/** `node …/main.js run`, however it was started. */
export function isDaemon({ command }: Process): boolean {
  const at = command.findIndex((part) => /(^|\/)(sightd|main\.js)$/.test(part));
  return at !== -1 && ['run', 'demo'].includes(command[at + 1] ?? '');
}

async function tryOut(request: SourceRequest, stop: AbortSignal): Promise<CameraCheckup> {
  const opened = await createSourceOpener(systemClock, noPulse).open(request, stop);
  if (!opened.ok) return failOf(opened.fault);
  await using source = opened.value;
  const { name, geometryMax } = source.description;
  const frame = await readFrame(source, new Uint8Array(frameBytesOf(geometryMax)), 0, stop);
  if (!frame.ok) return failOf(stop.aborted ? silent(name) : frame.fault);
  const [notice] = source.notices;
  if (notice !== undefined) return warn('camera', `${name}; ${notice.message}`, notice.mend);
  return ok('camera', `${name}: a frame came`);
}

const silent = (name: string): Fault =>
  fault('camera.stalled', `${name}: no frame came`, 'Check its cable and power supply.');

const readTextOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
