import { join, resolve } from 'node:path';
import { exitCodes, type Fault, failure, fault, type Outcome, success } from '../base/fault.ts';
import { seconds, systemClock } from '../base/time.ts';
import type { RpicamCamera } from '../camera/rpicam/camera-list.ts';
import { listRpicams } from '../camera/rpicam/find.ts';
import { planStream, type StreamPlan } from '../camera/rpicam/layout.ts';
import { chooseCamera, type FoundCamera, findCameras } from '../camera/v4l2/find.ts';
import { type Inspection, inspectCamera } from '../camera/v4l2/inspect.ts';
import type { Config } from '../contract/config.ts';
import type { SourceRequest } from '../contract/threads.ts';
import { frameNeedOf } from '../daemon/frame-need.ts';
import { loadModel } from '../inference/manifest.ts';
import { parseArguments } from './arguments.ts';
import { takePicture } from './camera-test.ts';
import { cameraText, rpicamText } from './camera-text.ts';
import type { Command } from './command.ts';
import { loadConfig } from './config-source.ts';
import { complainOf, styled, type Terminal } from './terminal.ts';

export const cameras: Command = {
  summary: 'the cameras found: formats, sizes, rates, controls',
  help: `Usage: sightd cameras [--config FILE] [--json] [--test [--output DIR]]

Lists every camera with its formats, sizes, rates and controls, and says which one the config's
\`camera.source\` (\`auto\`, unless it names another) would take, in which mode, and why.

  -c, --config FILE   the config whose model, size and rate count (default: as \`sightd run\`)
      --json          one JSON object instead of text
      --test          take a picture with each usable camera and write it as a JPEG
      --output DIR    where to write the pictures (default: here)
  -h, --help          this text

Exit codes: 0 there is a camera to take, 69 there is none or a picture could not be taken.
`,
  run: async ({ args, terminal, environment, stop }) => {
    const options = {
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean' },
      test: { type: 'boolean' },
      output: { type: 'string' },
    } as const;
    const parsed = parseArguments('cameras', args, options, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const loaded = loadConfig(parsed.value.text('config'), environment, terminal);
    if (!loaded.ok) return loaded.exit;
    const request = requestOf(loaded.config);
    const listing = await listCameras(request);
    const isJson = parsed.value.isSet('json');
    const folder = resolve(parsed.value.text('output') ?? '.');
    const pictures = parsed.value.isSet('test')
      ? await takePictures(listing, request, folder, terminal, stop)
      : [];
    if (isJson) terminal.write(`${JSON.stringify(jsonOf(listing, pictures), null, 2)}\n`);
    else terminal.write(textOf(listing, pictures, terminal));
    const isFailed = pictures.some(({ outcome }) => !outcome.ok);
    const isTaken = listing.choice !== undefined && !isClosed(listing, listing.choice);
    return isTaken && !isFailed ? exitCodes.clean : exitCodes.unavailable;
  },
};

type ListedCamera = {
  readonly found: FoundCamera;
  /** Undefined for a camera that cannot be opened. */
  readonly inspection: Inspection | undefined;
};

type Listing = {
  readonly cameras: readonly ListedCamera[];
  readonly rpicams: readonly RpicamCamera[];
  /** What a CSI camera would be asked for. */
  readonly plan: StreamPlan | undefined;
  /** The source that chooses: the config's, or `auto`. */
  readonly source: 'auto' | 'v4l2' | 'rpicam';
  /** The path of the V4L2 camera, or the number of the CSI camera, that it would take. */
  readonly choice: string | undefined;
  /** Why it would take none. */
  readonly obstacle: Fault | undefined;
};

type Picture = {
  /** The path of a V4L2 camera, or the number of a CSI camera. */
  readonly camera: string;
  readonly outcome: Outcome<string>;
};

/** What the daemon would ask of the camera. */
export function requestOf(config: Config): SourceRequest {
  const model = loadModel(config.model.use);
  const { region, rotate } = config.camera;
  return {
    config: config.camera,
    // Without a model, what most models look at.
    need: model.ok
      ? frameNeedOf(model.value.input, { region, rotate })
      : { width: 256, height: 256 },
    frameDeadline: seconds(config.health.frameDeadlineSeconds),
    frozenAfter: undefined,
  };
}

async function listCameras(request: SourceRequest): Promise<Listing> {
  const { config, need } = request;
  const found = findCameras();
  const rpicams = await listRpicams();
  const plan = planStream({ ...config, device: undefined }, need);
  const source = config.source === 'v4l2' || config.source === 'rpicam' ? config.source : 'auto';
  const choice = choose(source, config.device, found, rpicams);
  return {
    cameras: found.map((camera) => {
      const inspection = inspectCamera(camera.path, request);
      return { found: camera, inspection: inspection.ok ? inspection.value : undefined };
    }),
    rpicams: rpicams.ok ? rpicams.value : [],
    plan: plan.ok ? plan.value : undefined,
    source,
    choice: choice.ok ? choice.value : undefined,
    obstacle: choice.ok ? undefined : choice.fault,
  };
}

const isClosed = (listing: Listing, camera: string): boolean =>
  listing.cameras.some(({ found }) => found.path === camera && found.state.kind === 'closed');

/** As `camera/open.ts` does it. */
function choose(
  source: Listing['source'],
  device: string | undefined,
  found: readonly FoundCamera[],
  rpicams: Outcome<readonly RpicamCamera[]>,
): Outcome<string> {
  if (source === 'rpicam') return chooseRpicam(device, rpicams);
  const camera = chooseCamera(found, device, undefined);
  if (camera.ok) return success(camera.value.path);
  if (source === 'v4l2' || camera.fault.code !== 'camera.none') return camera;
  const rpicam = chooseRpicam(device, rpicams);
  const isNone = !rpicam.ok && ['camera.none', 'camera.tool-missing'].includes(rpicam.fault.code);
  return isNone ? camera : rpicam;
}

function chooseRpicam(
  device: string | undefined,
  rpicams: Outcome<readonly RpicamCamera[]>,
): Outcome<string> {
  if (!rpicams.ok) return rpicams;
  const [first] = rpicams.value;
  const camera =
    device === undefined ? first : rpicams.value.find(({ index }) => String(index) === device);
  if (camera !== undefined) return success(String(camera.index));
  return failure(
    device === undefined
      ? fault('camera.none', 'no Raspberry Pi camera is connected', 'Check its ribbon cable.')
      : fault(
          'camera.missing',
          `there is no Raspberry Pi camera ${device}`,
          'Set camera.device to the number of one that is listed, or leave it out.',
        ),
  );
}

async function takePictures(
  listing: Listing,
  request: SourceRequest,
  folder: string,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<readonly Picture[]> {
  const targets = [
    // What is wrong with the others is said where they are listed.
    ...listing.cameras
      .filter(({ found }) => found.state.kind !== 'unusable')
      .map(({ found }) => ({ source: 'v4l2' as const, device: found.path })),
    ...listing.rpicams.map(({ index }) => ({ source: 'rpicam' as const, device: String(index) })),
  ];
  const pictures: Picture[] = [];
  for (const { source, device } of targets) {
    if (stop.aborted) break;
    const name = source === 'rpicam' ? `csi${device}` : device.split('/').pop();
    terminal.complain(`sightd: taking a picture with ${nameOf(device)}\n`);
    const file = join(folder, `camera-${name}.jpg`);
    const config = { ...request.config, source, device };
    // People want to see more than the model does.
    const need = {
      width: Math.max(640, request.need.width),
      height: Math.max(480, request.need.height),
    };
    const taken = await takePicture({ ...request, config, need }, file, systemClock, stop);
    pictures.push({ camera: device, outcome: taken.ok ? success(file) : taken });
  }
  return pictures;
}

const nameOf = (camera: string): string =>
  camera.startsWith('/') ? camera : `CSI camera ${camera}`;

function textOf(listing: Listing, pictures: readonly Picture[], terminal: Terminal): string {
  const { cameras: listed, rpicams, plan, source, choice, obstacle } = listing;
  const takerOf = (camera: string): string | undefined => (camera === choice ? source : undefined);
  const parts = [
    ...listed.map(({ found, inspection }) =>
      cameraText(found, inspection, takerOf(found.path), terminal),
    ),
    ...rpicams.map((camera) => rpicamText(camera, plan, takerOf(String(camera.index)), terminal)),
  ];
  if (pictures.length > 0) {
    parts.push(pictures.map((picture) => pictureText(picture, terminal)).join(''));
  }
  if (obstacle !== undefined) parts.push(`${obstacle.message}\n  ${obstacle.mend}\n`);
  return parts.join('\n');
}

function pictureText({ camera, outcome }: Picture, terminal: Terminal): string {
  if (outcome.ok) return `${nameOf(camera)}: wrote ${outcome.value}\n`;
  const { message, mend } = outcome.fault;
  // Most faults of a device begin with its path.
  const what = message.startsWith(`${camera}: `) ? message.slice(camera.length + 2) : message;
  return `${styled(terminal, 'red', `${nameOf(camera)}: no picture: ${what}`)}\n  ${mend}\n`;
}

function jsonOf(listing: Listing, pictures: readonly Picture[]): object {
  return {
    cameras: listing.cameras.map(({ found, inspection }) => ({
      source: 'v4l2',
      path: found.path,
      links: found.links,
      ...(found.state.kind === 'closed' ? { fault: found.state.fault } : found.state.identity),
      usable: found.state.kind === 'usable',
      chosen: found.path === listing.choice,
      formats: inspection?.formats.map(({ format, ...rest }) => ({
        ...rest,
        taken: format !== undefined,
      })),
      controls: inspection?.controls.map((control) => ({
        ...control,
        items: Object.fromEntries(control.items),
      })),
      auto: found.state.kind === 'usable' ? autoOf(inspection) : null,
    })),
    rpicams: listing.rpicams.map((camera) => ({
      source: 'rpicam',
      ...camera,
      chosen: String(camera.index) === listing.choice,
      auto: listing.plan === undefined ? null : { fourcc: 'YU12', ...listing.plan.size },
    })),
    pictures: pictures.map(({ camera, outcome }) => ({
      camera,
      ...(outcome.ok ? { file: outcome.value } : { fault: outcome.fault }),
    })),
    obstacle: listing.obstacle ?? null,
  };
}

function autoOf(inspection: Inspection | undefined): object | null {
  if (inspection?.choice === undefined) return null;
  const { mode, why } = inspection.choice;
  return { fourcc: mode.fourcc, width: mode.width, height: mode.height, why };
}
