import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import { type Clock, type Millis, millis, seconds, type WallClock } from '../base/time.ts';
import type { SnapshotResult } from '../contract/commands.ts';
import type { Config } from '../contract/config.ts';
import type { FramePicture, PictureRequest } from '../contract/threads.ts';
import type { Link } from '../mqtt/link.ts';
import type { CameraState } from './pipeline-events.ts';

/** Publishes pictures of what the camera sees: when asked, and when the settled label changes. */
export interface Snapshots {
  /** Takes a picture, no larger than this, and publishes it. */
  take(limits: PictureLimits, signal: AbortSignal): Promise<Outcome<SnapshotResult>>;
  /** An inference worker has made a picture. */
  onPicture(picture: FramePicture): void;
  /** The settled label after each classified frame. */
  onLabel(label: string | undefined): void;
  stop(): void;
}

export type PictureLimits = {
  readonly sideMax: number | undefined;
  readonly quality: number | undefined;
};

export type SnapshotsOptions = {
  readonly topic: string;
  readonly session: string;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
  /** The config in force. */
  readonly config: () => Config;
  readonly camera: () => CameraState;
  readonly photograph: (request: PictureRequest) => void;
  readonly encode: Encode;
};

export type Encode = (
  pixels: Uint8Array,
  width: number,
  height: number,
  quality: number,
) => Promise<Outcome<Uint8Array>>;

/** A frame that is coming comes within two periods; a slow model takes a second or two. */
const patience = seconds(3);
/** A broker or a connection that does not take the picture within this will not do so in time. */
const sendingMax = seconds(20);
/** A label that changes all the time is shown once a second. */
const labelPause = millis(1000);

export function createSnapshots(options: SnapshotsOptions): Snapshots {
  const { clock, log } = options;
  const stopped = new AbortController();
  let id = 0;
  let onPicture: ((picture: FramePicture) => void) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let settled: string | undefined;
  let isDue = false;
  let isFollowing = false;

  /** The frame that is classified next, or undefined when none came. */
  const photograph = async (
    sideMax: number,
    signal: AbortSignal,
  ): Promise<FramePicture | undefined> => {
    id += 1;
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener('abort', end, { once: true });
    const asked = id;
    const taken = new Promise<FramePicture>((resolve) => {
      onPicture = (picture) => {
        if (picture.id === asked) resolve(picture);
      };
    });
    const { camera } = options.config();
    options.photograph({ id: asked, sideMax, rotate: camera.rotate });
    const late = clock.sleep(patienceOf(camera.fps), over.signal).then(() => undefined);
    const picture = signal.aborted ? undefined : await Promise.race([taken, late]);
    over.abort();
    signal.removeEventListener('abort', end);
    onPicture = undefined;
    return picture;
  };

  const takeNow = async (
    limits: PictureLimits,
    signal: AbortSignal,
  ): Promise<Outcome<SnapshotResult>> => {
    const camera = options.camera();
    if (camera.kind === 'waiting') {
      const sentence = `there is no camera to take a picture with: ${camera.fault.message}`;
      return failure(fault('snapshot.no-frame', sentence, camera.fault.mend));
    }
    const { snapshot } = options.config();
    const sideMax = Math.min(snapshot.sideMax, limits.sideMax ?? snapshot.sideMax);
    const quality = Math.min(snapshot.quality, limits.quality ?? snapshot.quality);
    const picture = await photograph(sideMax, signal);
    if (picture === undefined) return failure(signal.aborted ? interrupted : noFrame);
    const now = settled ?? null;
    const { pixels, width, height } = picture;
    const jpeg = await options.encode(pixels, width, height, quality);
    if (!jpeg.ok) return jpeg;
    return publish(resultOf(picture, jpeg.value.length, now, options), jpeg.value);
  };

  const publish = async (
    result: SnapshotResult,
    payload: Uint8Array,
  ): Promise<Outcome<SnapshotResult>> => {
    const outcome = await options.link.publish(
      {
        topic: result.topic,
        payload,
        qos: 0,
        retain: false,
        expirySeconds: undefined,
        userProperties: propertiesOf(result, options.session),
        correlationData: undefined,
      },
      AbortSignal.timeout(sendingMax),
    );
    if (outcome === 'acknowledged') return success(result);
    if (outcome === 'lost') {
      const sentence = 'the connection to the broker did not take the picture';
      return failure(fault('snapshot.unsent', sentence, 'Try again when it is back.'));
    }
    const sentence = `the broker does not take a picture of ${result.bytes} bytes`;
    const mend = "Lower snapshot.sideMax or quality, or raise the broker's maximum packet size.";
    return failure(fault('mqtt.message-too-large', sentence, mend));
  };

  /** One after the other: there is one request at a time. */
  const take: Snapshots['take'] = (limits, signal) => {
    const taken = last.then(() => takeNow(limits, signal));
    last = taken;
    return taken;
  };

  const follow = async (): Promise<void> => {
    isFollowing = true;
    while (isDue && !stopped.signal.aborted) {
      isDue = false;
      const taken = await take({ sideMax: undefined, quality: undefined }, stopped.signal);
      if (!taken.ok) log.debug({ fault: taken.fault }, 'no snapshot of the new label');
      await clock.sleep(labelPause, stopped.signal);
    }
    isFollowing = false;
  };

  return {
    take,
    onPicture: (picture) => onPicture?.(picture),
    onLabel: (label) => {
      if (label === settled) return;
      settled = label;
      if (options.config().publish.snapshot !== 'label') return;
      isDue = true;
      if (!isFollowing) void follow();
    },
    stop: () => stopped.abort(),
  };
}

const patienceOf = (fps: number): Millis => millis(patience + 2000 / fps);

const noFrame = fault(
  'snapshot.no-frame',
  'no frame was classified in time',
  'See `health` for what the camera and inference are doing, or use the command doctor.',
);

const interrupted = fault('command.interrupted', 'sightd is stopping', 'Try again later.');

function resultOf(
  { width, height, sequence, capturedAt, top }: FramePicture,
  bytes: number,
  settled: string | null,
  { topic, wallClock }: SnapshotsOptions,
): SnapshotResult {
  const [best] = top;
  return {
    topic,
    bytes,
    width,
    height,
    sequence,
    capturedAt: wallClock.isoOf(capturedAt),
    label: best?.label ?? '',
    score: Math.round((best?.score ?? 0) * 100_000) / 100_000,
    settled,
  };
}

/** For MQTT 5; an empty `settled` is none. */
function propertiesOf(result: SnapshotResult, session: string): Readonly<Record<string, string>> {
  const { sequence, capturedAt, label, score, settled } = result;
  return {
    session,
    sequence: String(sequence),
    capturedAt,
    label,
    score: String(score),
    settled: settled ?? '',
  };
}
