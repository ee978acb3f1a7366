import { join } from 'node:path';
import { temporaryFolder } from './data.ts';
import { drawPicture } from './pictures.ts';
import { type Sightd, startDaemon } from './sightd.ts';

export type LabelDevice = { readonly stateDir: string; start(): Sightd };

export type LabelDeviceOptions = {
  readonly id: string;
  /** Of its broker. */
  readonly url: string;
  readonly changesPerSecond: number;
  /** Over the config it would have. */
  readonly config: { readonly mqtt?: object } & Readonly<Record<string, unknown>>;
  /** A command that runs it, as `ip netns exec` does. */
  readonly wrapper: readonly string[];
};

/** A device that sees something else in every picture: so many changes of the label a second. */
export async function createLabelDevice(options: LabelDeviceOptions): Promise<LabelDevice> {
  const folder = temporaryFolder();
  await drawPicture(join(folder, 'balloon.png'), true);
  await drawPicture(join(folder, 'none.png'), false);
  const stateDir = temporaryFolder();
  const config = {
    device: { id: options.id },
    camera: { source: 'replay', path: folder, loop: true, fps: options.changesPerSecond },
    label: { smoothing: 0, holdSeconds: 0, enter: 0.3, exit: 0.3 },
    publish: { results: false },
    stateDir,
    // It is killed more often than a device is restarted by itself.
    health: { restartsPerHourMax: 0 },
    ...options.config,
    mqtt: { url: options.url, reconnectSecondsMax: 1, ...options.config.mqtt },
  };
  const start = (): Sightd => startDaemon(config, { SIGHTD_STATE_DIR: stateDir }, options.wrapper);
  return { stateDir, start };
}
