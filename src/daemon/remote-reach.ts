import { join, posix } from 'node:path';
import { unreachable } from '../base/assert.ts';
import { type Config, isLosslessRun } from '../contract/config.ts';
import type { PathError } from '../contract/messages.ts';
import type { Layer } from './config-layers.ts';
import { isTree, valueAt } from './config-problem.ts';

/** How far a remote change reaches: a new section of the config does not compile without an answer. */
type Reach =
  | { readonly kind: 'remote' }
  /** May be set remotely, except where every frame counts. */
  | { readonly kind: 'remote unless lossless' }
  | { readonly kind: 'local'; readonly because: string };

const frames: Reach = { kind: 'remote unless lossless' };
const remote: Reach = { kind: 'remote' };
const local = (because: string): Reach => ({ kind: 'local', because });

const reaches: Readonly<Record<keyof Config, Reach>> = {
  device: local('it names the topics that this document came by'),
  camera: frames,
  queue: frames,
  model: frames,
  inference: frames,
  label: remote,
  publish: remote,
  snapshot: remote,
  mqtt: local('a mistake there would cut the device off'),
  homeAssistant: remote,
  outbox: local('what waits in it was promised under the bounds it was opened with'),
  remoteConfig: local('it decides who may change what'),
  commands: local('it decides whether the device obeys'),
  health: remote,
  log: remote,
  stateDir: local('the last known good config lies there'),
};

/** What the device's owner has allowed, from its own config. */
export type ReachPolicy = {
  readonly stateDir: string;
  readonly folders: readonly string[];
  readonly isLossless: boolean;
};

export const reachPolicyOf = (config: Config): ReachPolicy => ({
  stateDir: config.stateDir,
  folders: config.remoteConfig.folders,
  isLossless: isLosslessRun(config.camera),
});

/** What of a layer may not be set remotely, each with the reason. */
export function reachErrors(layer: Layer, policy: ReachPolicy): readonly PathError[] {
  return [
    ...Object.keys(layer).flatMap((section) => sectionErrors(section, policy)),
    ...cameraErrors(layer, policy),
    ...modelErrors(layer, policy),
  ];
}

function sectionErrors(section: string, policy: ReachPolicy): readonly PathError[] {
  if (!Object.hasOwn(reaches, section)) return []; // Unknown; the schema says so.
  const reach = reaches[section as keyof Config];
  switch (reach.kind) {
    case 'remote':
      return [];
    case 'remote unless lossless':
      if (!policy.isLossless) return [];
      return [{ path: section, message: 'a lossless replay is under way; wait for its end' }];
    case 'local': {
      const message = `cannot be set remotely: ${reach.because}; change it in the device's config file`;
      return [{ path: section, message }];
    }
    default:
      return unreachable(reach);
  }
}

function cameraErrors(layer: Layer, policy: ReachPolicy): readonly PathError[] {
  const errors: PathError[] = [];
  const path = valueAt(layer, ['camera', 'path']);
  if (typeof path === 'string' && !isBelowAny(path, policy.folders)) {
    errors.push({ path: 'camera.path', message: outside(policy.folders) });
  }
  const device = valueAt(layer, ['camera', 'device']);
  // rpicam names its cameras by number.
  if (typeof device === 'string' && !/^\d+$/.test(device) && !isBelowAny(device, ['/dev'])) {
    const message = 'not a device; give a path below /dev, or the number of a Raspberry Pi camera';
    errors.push({ path: 'camera.device', message });
  }
  if (valueAt(layer, ['camera', 'pace']) === 'fast') {
    const message = 'ends the daemon with the last frame; set it in the config file of such a run';
    errors.push({ path: 'camera.pace', message });
  }
  return errors;
}

/** A replay that ends would end the daemon, and again after every restart. */
export function endErrors(layer: Layer, effective: Config): readonly PathError[] {
  const { source, loop } = effective.camera;
  if (!isTree(layer['camera']) || source !== 'replay' || loop) return [];
  return [
    { path: 'camera.loop', message: 'a replay that ends would stop the daemon; set it to true' },
  ];
}

function modelErrors(layer: Layer, { stateDir, folders }: ReachPolicy): readonly PathError[] {
  const use = valueAt(layer, ['model', 'use']);
  if (typeof use !== 'string' || !/\/|\.onnx$|\.json$/.test(use)) return [];
  const allowed = [join(posix.resolve(stateDir), 'models'), ...folders];
  return isBelowAny(use, allowed) ? [] : [{ path: 'model.use', message: outside(allowed) }];
}

const outside = (folders: readonly string[]): string =>
  folders.length === 0
    ? 'no folder may be named remotely; the device allows some with remoteConfig.folders'
    : `outside the folders that may be named remotely: ${folders.join(', ')} (remoteConfig.folders)`;

/** Whether an absolute path lies below one of the folders, whatever `..` it holds. */
function isBelowAny(path: string, folders: readonly string[]): boolean {
  if (!path.startsWith('/') || path.includes('\0')) return false;
  const plain = posix.normalize(path);
  return folders.some((folder) =>
    plain.startsWith(`${posix.normalize(folder).replace(/\/$/, '')}/`),
  );
}
