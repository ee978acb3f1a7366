import { join, resolve } from 'node:path';
import { exitCodes, type Fault } from '../base/fault.ts';
import { seconds, systemClock } from '../base/time.ts';
import type { RpicamCamera } from '../camera/rpicam/camera-list.ts';
import { listRpicams } from '../camera/rpicam/find.ts';
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

Lists every camera with its formats, sizes, rates and controls, and says which one
\`source: auto\` would choose, in which mode, and why.

  -c, --config FILE   the config whose model, size and rate count (default: as \`sightd run\`)
      --json          one JSON object instead of text
      --test          take a picture with each camera and write it as a JPEG
      --output DIR    where to write the pictures (default: here)
  -h, --help          this text

Exit codes: 0 there is a camera, 69 there is none or a picture could not be taken.
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
    const isFailed = pictures.some((picture) => picture.fault !== undefined);
    const isThere = listing.cameras.some(({ inspection }) => inspection !== undefined);
    return (isThere || listing.rpicams.length > 0) && !isFailed
      ? exitCodes.clean
      : exitCodes.unavailable;
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
  /** The path of the V4L2 camera, or the number of the CSI camera, that `auto` would take. */
  readonly choice: string | undefined;
  /** Why `auto` would take none. */
  readonly obstacle: Fault | undefined;
};

type Picture = {
  readonly camera: string;
  readonly file: string;
  readonly fault: Fault | undefined;
};

function requestOf(config: Config): SourceRequest {
  const model = loadModel(config.model.use);
  const { region, rotate } = config.camera;
  return {
    config: config.camera,
    // Without a model, what most models look at.
    need: model.ok
      ? frameNeedOf(model.value.input, { region, rotate })
      : { width: 256, height: 256 },
    frameDeadline: seconds(config.health.frameDeadlineSeconds),
  };
}

async function listCameras(request: SourceRequest): Promise<Listing> {
  const found = findCameras();
  const listed = found.map((camera) => {
    const inspection = inspectCamera(camera.path, request);
    return { found: camera, inspection: inspection.ok ? inspection.value : undefined };
  });
  const rpicams = await listRpicams();
  const list = rpicams.ok ? rpicams.value : [];
  const choice = chooseCamera(found, request.config.device, undefined);
  const csi = found.length === 0 ? list[0]?.index : undefined;
  return {
    cameras: listed,
    rpicams: list,
    choice: choice.ok ? choice.value.path : csi?.toString(),
    obstacle: choice.ok || csi !== undefined ? undefined : choice.fault,
  };
}

async function takePictures(
  listing: Listing,
  request: SourceRequest,
  folder: string,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<readonly Picture[]> {
  const targets = [
    ...listing.cameras.map(({ found }) => ({ source: 'v4l2' as const, device: found.path })),
    ...listing.rpicams.map(({ index }) => ({ source: 'rpicam' as const, device: String(index) })),
  ];
  const pictures: Picture[] = [];
  // People want to see more than the model does.
  for (const { source, device } of targets) {
    if (stop.aborted) break;
    terminal.complain(`sightd: taking a picture with ${device}\n`);
    const file = join(folder, `camera-${device.split('/').pop()}.jpg`);
    const config = { ...request.config, source, device };
    const need = {
      width: Math.max(640, request.need.width),
      height: Math.max(480, request.need.height),
    };
    const taken = await takePicture({ ...request, config, need }, file, systemClock, stop);
    pictures.push({ camera: device, file, fault: taken.ok ? undefined : taken.fault });
  }
  return pictures;
}

function textOf(listing: Listing, pictures: readonly Picture[], terminal: Terminal): string {
  const parts = [
    ...listing.cameras.map(({ found, inspection }) =>
      cameraText(found, inspection, found.path === listing.choice, terminal),
    ),
    ...listing.rpicams.map((camera) =>
      rpicamText(camera, String(camera.index) === listing.choice, terminal),
    ),
    ...pictures.map(({ camera, file, fault }) =>
      fault === undefined
        ? `${camera}: wrote ${file}\n`
        : `${styled(terminal, 'red', `${camera}: no picture: ${fault.message}`)}\n  ${fault.mend}\n`,
    ),
  ];
  const { obstacle } = listing;
  if (obstacle !== undefined) parts.push(`${obstacle.message}\n  ${obstacle.mend}\n`);
  return parts.join('\n');
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
      auto: autoOf(inspection),
    })),
    rpicams: listing.rpicams.map((camera) => ({
      source: 'rpicam',
      ...camera,
      chosen: String(camera.index) === listing.choice,
    })),
    pictures,
    obstacle: listing.obstacle,
  };
}

function autoOf(inspection: Inspection | undefined): object | null {
  if (inspection?.choice === undefined) return null;
  const { mode, why } = inspection.choice;
  return { fourcc: mode.fourcc, width: mode.width, height: mode.height, why };
}
