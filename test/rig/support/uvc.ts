import { type ChildProcess, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { command } from './rig.ts';
import { untilGone, untilThere } from './video-node.ts';

/** A virtual USB camera, uvcsim, behind the real uvcvideo driver. */
export type UvcCamera = {
  /** Its link by name, the same at each plugging: `/dev/v4l/by-id/…`. */
  readonly link: string;
  /** Its node now, such as `/dev/video0`; another after a replug while the old one is held open. */
  node(): string;
  /** Pulls the cable: streams get ENODEV, the node vanishes. */
  unplug(): Promise<void>;
  replug(): Promise<void>;
  /** Its firmware hangs: it answers nothing any more, so that frames stop and controls time out. */
  hang(): void;
  recover(): void;
};
export type UvcOptions = {
  /** What it serves as MJPG of 640×480, in turn. Pictures of other sizes are served as they are. */
  readonly files: readonly string[];
  /** The port it is plugged into, 0 to 7: 0 unless said otherwise. */
  readonly port?: number;
};

/** Plugs a camera in; disposing of it unplugs it. */
export async function plugUvcCamera(options: UvcOptions): Promise<UvcCamera & AsyncDisposable> {
  const { files, port = 0 } = options;
  const link = `/dev/v4l/by-id/usb-Rig_Rig_UVC_Camera_RIG000${port + 1}-video-index0`;
  let simulator: ChildProcess | undefined;
  const replug = async (): Promise<void> => {
    simulator = spawn('uvcsim', ['--port', String(port), ...files], { stdio: 'ignore' });
    await untilThere(link);
  };
  const unplug = async (): Promise<void> => {
    simulator?.kill('SIGKILL');
    simulator = undefined;
    await untilGone(link);
  };
  command('modprobe', 'vhci-hcd');
  await replug();
  return {
    link,
    node: () => realpathSync(link),
    unplug,
    replug,
    hang: () => simulator?.kill('SIGUSR1'),
    recover: () => simulator?.kill('SIGUSR2'),
    [Symbol.asyncDispose]: unplug,
  };
}
