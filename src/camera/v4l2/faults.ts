import { constants, readFileSync, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { type Fault, type FaultCode, fault } from '../../base/fault.ts';
import { holdersOf, processText } from '../holders.ts';

const { EACCES, EBUSY, EIO, ENODEV, ENOENT, ENOMEM, ENOSPC, ENXIO, EPERM, EPIPE } = system.errno;

/** `what` is the request that failed, as `VIDIOC_STREAMON`, or `open`. */
export function faultOf(errno: number, path: string, what: string): Fault {
  const say = (code: FaultCode, sentence: string, mend: string): Fault =>
    fault(code, `${path}: ${sentence} (${what}: ${nameOf(errno)})`, mend);
  switch (errno) {
    case ENOENT:
      return say('camera.missing', 'there is no such camera', plugIn);
    case ENODEV:
    case ENXIO:
      return say('camera.unplugged', 'the camera is gone', plugIn);
    case EBUSY:
      return say(
        'camera.busy',
        `the camera is in use${holdersText(path)}`,
        'End the other program.',
      );
    case EACCES:
    case EPERM:
      return say('camera.forbidden', 'this user may not open the camera', permit(path));
    case ENOMEM:
      return say('camera.memory', 'the kernel has no memory for its frames', smaller);
    case ENOSPC:
      return say(
        'camera.refused',
        'the USB bus has no bandwidth left for it',
        'Ask for a smaller size, a lower rate or MJPG, or move the camera to another USB controller.',
      );
    case EPIPE:
      return say('camera.refused', 'its parts are not set up to work together', setUp);
    case EIO:
      return say('camera.broken', 'the camera fails', 'Check its cable and power supply.');
    default:
      return say('camera.refused', 'the driver refuses', 'Try another format or size.');
  }
}

const plugIn = 'Plug it in; sightd opens it by itself. `sightd cameras` shows what is there.';
const setUp = 'Set them up with media-ctl, or let libcamera do it: libcamerify sightd run.';
const smaller = 'Ask for a smaller size; on a Raspberry Pi, give the kernel more CMA memory.';

function nameOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

/** Which group may read and write the device, and how to join it. */
function permit(path: string): string {
  const group = groupOf(path);
  return group === undefined
    ? 'Run sightd as a user who may read and write it.'
    : `Add its user to the group ${group}: sudo usermod -aG ${group} USER, then log in again or restart the service.`;
}

function groupOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  const mayGroup = constants.S_IRGRP | constants.S_IWGRP;
  if (found === undefined || (found.mode & mayGroup) !== mayGroup) return undefined;
  return readText('/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === String(found.gid))?.[0];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Names who has the device open, where that can be known: `, by motion (pid 812)`. */
function holdersText(path: string): string {
  const holders = holdersOf(path).map(processText);
  return holders.length === 0 ? '' : `, by ${holders.join(', ')}`;
}
