import type { Log } from '../base/log.ts';
import type { Clock, WallClock } from '../base/time.ts';
import type { Topics } from '../contract/contract.ts';
import type { Link } from '../mqtt/link.ts';
import type { LiveConfig } from './live-config.ts';
import type { Pipeline } from './pipeline-interface.ts';
import { createSnapshots, type Encode, type Snapshots } from './snapshots.ts';

export type SnapshotParts = {
  readonly pipeline: Pick<Pipeline, 'photograph' | 'camera'>;
  readonly live: Pick<LiveConfig, 'current'>;
  readonly link: Pick<Link, 'publish'>;
  readonly topics: Topics;
  readonly session: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
};

/** Has pictures made by the pipeline, encoded in sharp's threads, and published. */
export function openSnapshots(parts: SnapshotParts): Snapshots {
  const { pipeline, live, topics } = parts;
  return createSnapshots({
    ...parts,
    topic: topics.snapshot,
    config: live.current,
    camera: pipeline.camera,
    photograph: pipeline.photograph,
    encode,
  });
}

/** sharp takes megabytes of memory: it is loaded for who wants pictures. */
const encode: Encode = async (pixels, width, height, quality) => {
  const { encodeJpeg } = await import('../camera/image.ts');
  return encodeJpeg(pixels, width, height, quality);
};
