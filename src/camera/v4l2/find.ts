import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { type CaptureDevice, type DeviceIdentity, openCaptureDevice } from './device.ts';
import { captureFormatOf } from './formats.ts';
import { listFormats } from './modes.ts';

/** A V4L2 camera that is there, or a node that could be one and cannot be opened. */
export type FoundCamera = {
  readonly path: string;
  /** Below /dev/v4l/by-id (USB: vendor, product, serial) or by-path (where it is attached). */
  readonly links: readonly string[];
  readonly state:
    | { readonly kind: 'usable'; readonly identity: DeviceIdentity }
    | { readonly kind: 'unusable'; readonly identity: DeviceIdentity; readonly why: string }
    | { readonly kind: 'closed'; readonly fault: Fault };
};

/**
 * Parts of a Raspberry Pi's camera and video hardware that show themselves as capture nodes. Their raw
 * Bayer pictures are of use only to libcamera, which is what the rpicam source goes through.
 */
const notForPeople: readonly string[] = [
  'unicam',
  'rp1-cfe',
  'bcm2835-isp',
  'pispbe',
  'bcm2835-codec',
  'rpi-hevc-dec',
];

/** All cameras, in the order of their numbers. */
export function findCameras(): readonly FoundCamera[] {
  const links = linksByPath();
  return videoNodes().flatMap((path) => {
    const found = { path, links: links.get(path) ?? [] };
    const opened = openCaptureDevice(path);
    if (!opened.ok) {
      // Nodes for metadata, output and conversion are not cameras, and not worth a word.
      if (opened.fault.code === 'camera.unsupported') return [];
      return [{ ...found, state: { kind: 'closed' as const, fault: opened.fault } }];
    }
    using device = opened.value;
    if (notForPeople.includes(device.identity.driver)) return [];
    return [{ ...found, state: stateOf(device) }];
  });
}

/** Named in the config, such a node is opened all the same: somebody may have set it up. */
const partOnly =
  'a part of a camera, to be set up with media-ctl first; libcamera does that: libcamerify sightd run';

function stateOf(device: CaptureDevice): FoundCamera['state'] {
  const { identity } = device;
  if (device.isPart) return { kind: 'unusable', identity, why: partOnly };
  const offers = listFormats(device);
  if (offers.some(({ fourcc }) => captureFormatOf(fourcc) !== undefined)) {
    return { kind: 'usable', identity };
  }
  const list = offers.map(({ fourcc }) => fourcc).join(', ') || 'none';
  return { kind: 'unusable', identity, why: `no pixel format that sightd takes (it has ${list})` };
}

/** /dev/video0, /dev/video1, … in the order of their numbers. */
function videoNodes(): readonly string[] {
  const numberOf = (name: string): number => Number(name.slice('video'.length));
  return namesIn('/dev')
    .filter((name) => /^video\d+$/.test(name))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map((name) => join('/dev', name));
}

function linksByPath(): ReadonlyMap<string, readonly string[]> {
  const links = new Map<string, string[]>();
  for (const folder of ['/dev/v4l/by-id', '/dev/v4l/by-path']) {
    for (const name of namesIn(folder)) {
      const link = join(folder, name);
      const path = targetOf(link);
      if (path !== undefined) links.set(path, [...(links.get(path) ?? []), link]);
    }
  }
  return links;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No such folder: no camera was ever there.
  }
}

function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined; // It went between listing and looking.
  }
}

/** Vendor, product and serial; cameras of one model without a serial share it, and one of them has it. */
const byIdOf = ({ links }: FoundCamera): string | undefined =>
  links.find((link) => link.startsWith('/dev/v4l/by-id/'));

const byPathOf = ({ links }: FoundCamera): string | undefined =>
  links.find((link) => link.startsWith('/dev/v4l/by-path/'));

/** Whether a camera of the same name is at the same place. */
function isSamePlace(a: FoundCamera, b: FoundCamera): boolean {
  const [one, other] = [byPathOf(a), byPathOf(b)];
  const isPathKnown = one !== undefined && other !== undefined;
  if (isPathKnown && one !== other) return false;
  if (a.state.kind === 'closed' || b.state.kind === 'closed') return isPathKnown;
  const [first, second] = [a.state.identity, b.state.identity];
  return first.driver === second.driver && first.card === second.card && first.bus === second.bus;
}

/**
 * The camera that was known before, maybe under another number: at its place unless its by-id link says
 * that it is another one, or else wherever its by-id link is now.
 */
export function findAgain(
  cameras: readonly FoundCamera[],
  known: FoundCamera,
): FoundCamera | undefined {
  const id = byIdOf(known);
  const isOther = (one: FoundCamera): boolean =>
    id !== undefined && byIdOf(one) !== undefined && byIdOf(one) !== id;
  const stayed = cameras.find((one) => isSamePlace(one, known) && !isOther(one));
  return stayed ?? (id === undefined ? undefined : cameras.find((one) => byIdOf(one) === id));
}

/** The node to open: the camera that the config names, or the one that was open before, or the first. */
export function chooseCamera(
  cameras: readonly FoundCamera[],
  device: string | undefined,
  known: FoundCamera | undefined,
): Outcome<FoundCamera> {
  const again = known === undefined ? undefined : findAgain(cameras, known);
  // Who names a place means what is there.
  const isPlace = device?.startsWith('/dev/v4l/by-path/') === true;
  if (known !== undefined && again !== undefined && (!isPlace || isSamePlace(again, known))) {
    return success(again);
  }
  if (device === undefined) return firstUsable(cameras);
  const path = targetOf(device) ?? device;
  const named = cameras.find((one) => one.path === path);
  if (named === undefined) {
    const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
    const sentence = isThere ? `${device} is not a camera` : `there is no camera at ${device}`;
    return failure(
      fault(
        isThere ? 'camera.unsupported' : 'camera.missing',
        sentence,
        'Plug it in, or name another in camera.device; `sightd cameras` shows what is there.',
      ),
    );
  }
  if (known === undefined) return success(named);
  // Without a by-id link it cannot be known which camera this is.
  if (named.state.kind === 'closed') return failure(named.state.fault);
  return failure(
    fault(
      'camera.unplugged',
      `${device} is now another camera than before (${byIdOf(known) ?? known.path})`,
      'Plug the camera in again, or restart sightd to use this one.',
    ),
  );
}

function firstUsable(cameras: readonly FoundCamera[]): Outcome<FoundCamera> {
  const usable = cameras.find(({ state }) => state.kind === 'usable');
  if (usable !== undefined) return success(usable);
  const closed = cameras.find(({ state }) => state.kind === 'closed');
  if (closed?.state.kind === 'closed') return failure(closed.state.fault);
  return failure(
    fault(
      'camera.none',
      'there is no camera',
      'Plug one in; sightd opens it by itself. To try without one, set camera.source to scene.',
    ),
  );
}

/** Changes whenever a camera comes, goes, or gets other permissions. */
export function presenceOfCameras(): string {
  return videoNodes()
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return `${path} ${found?.ino} ${found?.ctimeMs}`;
    })
    .join('\n');
}
