import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { failure, fault, messageOf, type Outcome, success } from '../../base/fault.ts';
import { parseCameraList, type RpicamCamera } from './camera-list.ts';
import { createToolLog } from './log.ts';
import { findTool, rpicamMissing, toolEnvironmentOf, videoTools } from './tool.ts';

/** It configures each sensor for each of its modes: seconds, with several cameras. */
const listTimeoutMs = 20_000;
/** A camera takes half a kilobyte. */
const listBytesMax = 2 ** 20;

const tools = [...videoTools, 'rpicam-hello', 'libcamera-hello'];

/** The cameras at the CSI connectors; none is a list without cameras. */
export async function listRpicams(stop?: AbortSignal): Promise<Outcome<readonly RpicamCamera[]>> {
  const tool = findTool(tools, process.env['PATH']);
  if (tool === undefined) return failure(rpicamMissing);
  try {
    const { stdout, stderr } = await promisify(execFile)(tool.path, ['--list-cameras'], {
      env: toolEnvironmentOf(process.env),
      timeout: listTimeoutMs,
      killSignal: 'SIGKILL',
      ...(stop === undefined ? {} : { signal: stop }),
      maxBuffer: listBytesMax,
    });
    // Some versions write the list to stderr.
    return success(parseCameraList(`${stdout}\n${stderr}`));
  } catch (error) {
    return failure(faultOf(tool.name, error));
  }
}

function faultOf(name: string, error: unknown) {
  const log = createToolLog(() => {});
  if (error instanceof Error && 'stderr' in error) log.write(`${error.stderr}\n`);
  if (log.fault !== undefined) return log.fault;
  return fault(
    'camera.broken',
    `${name} cannot list the cameras: ${log.lastWords === '' ? messageOf(error) : log.lastWords}`,
    `Run \`${name} --list-cameras\` to see what it says.`,
  );
}
