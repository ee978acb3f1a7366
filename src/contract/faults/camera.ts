import type { FaultEntry } from './entry.ts';

const ends = 'The run ends with exit code 69; started again, it ends the same way.';
const waits =
  'It waits, without a restart, and opens the camera as soon as it can: after a change at once, else at least every 30 s.';
const ladder =
  'It begins the stream anew once, opens the device anew three times, puts another camera thread in its place, and last ends the process to be started again.';

/** Faults of the component `camera`. */
export const cameraEntries = {
  'camera.replay-missing': {
    meaning: 'There is nothing at `camera.path`.',
    daemon: ends,
    person: 'Correct `camera.path`, or put the files there.',
  },
  'camera.replay-empty': {
    meaning: 'The folder at `camera.path` has no image, or none that can still be read.',
    daemon: ends,
    person: 'Put images there (.jpg, .png, .webp, .avif, .gif, .tiff), or correct `camera.path`.',
  },
  'camera.replay-unreadable': {
    meaning: 'The folder cannot be listed, or the file is no video that ffmpeg can play.',
    daemon: ends,
    person: 'Check its permissions, and that `ffplay` plays it; or correct `camera.path`.',
  },
  'camera.frame-unreadable': {
    meaning: 'One image of a replay cannot be decoded.',
    daemon: 'It counts the frame as failed and goes on with the next.',
    person: 'Replace or remove the file.',
  },
  'camera.none': {
    meaning: '`camera.source: auto` finds no camera, or no Raspberry Pi camera is connected.',
    daemon: waits,
    person:
      'Plug one in. A Raspberry Pi camera: power off and check the ribbon cable at both ends. `sightd cameras` shows what is there.',
  },
  'camera.missing': {
    meaning: 'There is no camera where `camera.device` says.',
    daemon: waits,
    person: 'Plug it in, or name another in `camera.device`; `sightd cameras` shows what is there.',
  },
  'camera.busy': {
    meaning: 'Another program has the camera; the message names it where the system tells.',
    daemon: 'It waits, without a restart, and asks again at least every 2 s.',
    person: 'End the other program.',
  },
  'camera.forbidden': {
    meaning: 'The user that sightd runs as may not open the camera.',
    daemon: waits,
    person: 'Add that user to the group that the message names (`video`), and restart the service.',
  },
  'camera.unsupported': {
    meaning:
      'What `camera.device` names is no camera, or none that can stream; or rpicam-vid does not work on this system.',
    daemon: waits,
    person: 'Name another camera, or mend what the message says of rpicam-vid.',
  },
  'camera.format-unavailable': {
    meaning: 'The camera does not offer `camera.format`.',
    daemon: waits,
    person: 'Set `camera.format` to auto, or to one that `sightd cameras` shows.',
  },
  'camera.refused': {
    meaning: 'The driver refuses a request, or the USB bus has no bandwidth left.',
    daemon: ladder,
    person:
      'Ask for another format, a smaller size or a lower rate, or move the camera to another USB controller.',
  },
  'camera.unplugged': {
    meaning: 'The camera left while it was used, or its number now belongs to another one.',
    daemon: waits,
    person: 'Plug it in again. If it leaves by itself, check its cable and power supply.',
  },
  'camera.broken': {
    meaning: 'The camera fails: its driver reports an error, or rpicam-vid ended.',
    daemon: ladder,
    person: 'Check its cable and power supply; try another camera.',
  },
  'camera.stalled': {
    meaning: 'The camera is open and gives no frame for `health.frameDeadlineSeconds`.',
    daemon: ladder,
    person: 'If it comes again and again, check the cable and the power supply.',
  },
  'camera.memory': {
    meaning: "The kernel has no memory for the camera's frames.",
    daemon: ladder,
    person: 'Ask for smaller frames; on a Raspberry Pi, give the kernel more CMA memory.',
  },
  'camera.frame-broken': {
    meaning: 'A frame was damaged or cut short.',
    daemon: 'It counts the frame as failed and goes on with the next.',
    person: 'Nothing for single ones; if there are many, check the cable.',
  },
  'camera.picture': {
    meaning: 'A picture for `snapshot` could not be made.',
    daemon: 'It answers the command with this and goes on.',
    person: 'Ask again, for a smaller one.',
  },
  'camera.control': {
    meaning: 'A control of `camera.controls` does not exist, or refuses its value.',
    daemon: 'It says so and uses the camera without it.',
    person: 'Correct it; `sightd cameras` shows the controls and their ranges.',
  },
  'camera.tool-missing': {
    meaning:
      'What reads the frames is not installed: rpicam-vid for a Raspberry Pi camera, ffmpeg for a video.',
    daemon: 'It waits for rpicam-vid as for a camera; a replay ends with exit code 69.',
    person: '`sudo apt install rpicam-apps` (without a desktop: `rpicam-apps-lite`), or `ffmpeg`.',
  },
  'camera.died': {
    meaning: 'The camera thread ended by an error.',
    daemon:
      'It starts another one, within a budget; past that, it ends the process to be started again.',
    person: 'Report it, with the log from before.',
  },
  'camera.frozen': {
    meaning:
      'The camera gives frames, but the same one, byte for byte, for `health.frozenSeconds`.',
    daemon:
      'It opens the device anew, three times, puts another camera thread in its place, and last ends the process to be started again.',
    person:
      'If it comes again and again, check cable and power; where a picture may stand still, set `health.frozenSeconds` to 0.',
  },
  'camera.hung': {
    meaning:
      'The camera thread does not answer: it is in a call to the driver that does not return.',
    daemon:
      'A thread in such a call cannot be ended: it ends the process, with the reason kept, to be started again.',
    person: 'Look at the kernel log (`dmesg`); unplug the camera, or reboot.',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
