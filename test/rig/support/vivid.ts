import { writeFileSync } from 'node:fs';
import { command } from './rig.ts';
import { untilGone, untilThere } from './video-node.ts';

/** The kernel's virtual video driver: cameras that deliver test pictures, and errors on demand. */
export type Vivid = {
  /** `/dev/video10` and on, one for each camera. */
  readonly nodes: readonly string[];
  /** Takes a camera away, as pulling its cable would: its node vanishes, its streams get ENODEV. */
  unplug(index: number): Promise<void>;
  /** Brings it back, under the same node. */
  replug(index: number): Promise<void>;
};
export type VividOptions = {
  /** One unless said otherwise. */
  readonly cameras?: number;
  /** With the multi-planar API in place of the single-planar. */
  readonly isMultiplanar?: boolean;
  /** Webcams unless said otherwise; or HDMI grabbers, which scale their picture to any size or to none. */
  readonly input?: 'webcam' | 'hdmi-scaled' | 'hdmi';
};

const firstNode = 10;

/**
 * Loads vivid with cameras only; disposing of it unloads it, which fails while a stream is open.
 * The controls that inject errors are set with `setControl` and listed in docs/rig.md.
 */
export async function loadVivid(options: VividOptions = {}): Promise<Vivid & AsyncDisposable> {
  const { cameras = 1, isMultiplanar = false, input = 'webcam' } = options;
  const indices = Array.from({ length: cameras }, (_, index) => index);
  const nodes = indices.map((index) => `/dev/video${firstNode + index}`);
  const nodeOf = (index: number): string => {
    const node = nodes[index];
    if (node === undefined) throw new Error(`vivid has no camera ${index}`);
    return node;
  };
  const bind = (index: number, word: 'bind' | 'unbind'): void =>
    writeFileSync(`/sys/bus/platform/drivers/vivid/${word}`, `vivid.${index}`);
  const forEach = (value: string): string => indices.map(() => value).join(',');
  // Type 1 is a capture node alone, input type 0 a webcam, 3 HDMI; mode 7 crops, composes and scales.
  const parameters = {
    n_devs: String(cameras),
    node_types: forEach('0x1'),
    num_inputs: forEach('1'),
    input_types: forEach(input === 'webcam' ? '0' : '3'),
    ...(input === 'webcam' ? {} : { ccs_cap_mode: forEach(input === 'hdmi' ? '0' : '7') }),
    vid_cap_nr: indices.map((index) => firstNode + index).join(','),
    multiplanar: forEach(isMultiplanar ? '2' : '1'),
  };
  command('modprobe', 'vivid', ...Object.entries(parameters).map((pair) => pair.join('=')));
  for (const node of nodes) await untilThere(node);
  return {
    nodes,
    unplug: (index) => {
      bind(index, 'unbind');
      return untilGone(nodeOf(index));
    },
    replug: (index) => {
      bind(index, 'bind');
      return untilThere(nodeOf(index));
    },
    [Symbol.asyncDispose]: async () => {
      command('modprobe', '-r', 'vivid');
      for (const node of nodes) await untilGone(node);
    },
  };
}
