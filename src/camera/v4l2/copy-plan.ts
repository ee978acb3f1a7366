import { failure, fault, type Outcome, success } from '../../base/fault.ts';
import { copyBytes } from '../../base/libc.ts';
import {
  chromaStepOf,
  type FrameColor,
  type FrameGeometry,
  hasChromaPlanes,
  type PixelFormat,
  rowBytesOf,
} from '../../contract/frame.ts';
import { strideOf } from './formats.ts';
import type { Granted } from './negotiate.ts';

/** How a frame gets from the driver's planes into a slot. */
export type CopyPlan = {
  readonly geometry: FrameGeometry;
  readonly planes: readonly PlaneCopy[];
};

/** One of the driver's planes and the parts of the slot that it fills, in its own order. */
export type PlaneCopy = {
  readonly parts: readonly SlotPart[];
  /** What the plane holds at least: the padding behind the last row may be missing. */
  readonly bytesLeast: number;
  /** Where and how much to copy at once; undefined when rows must be put further apart or closer. */
  readonly whole: { readonly target: number; readonly bytes: number } | undefined;
};

/** Rows that lie one after the other in the driver's plane and go one after the other into the slot. */
export type SlotPart = {
  readonly target: number;
  readonly targetStride: number;
  readonly sourceStride: number;
  readonly rowBytes: number;
  readonly rows: number;
};

/**
 * Plans the copy for what the driver granted. Planes in one buffer (all formats but NM12 and its like)
 * are one copy; the driver's row padding stays.
 */
export function planCopy(format: PixelFormat, granted: Granted, path: string): Outcome<CopyPlan> {
  const { width, height, color, planes } = granted;
  const step = chromaStepOf(format);
  if (width % step.x !== 0 || height % step.y !== 0) {
    const sentence = `${path}: the driver gives ${width}×${height}, which ${format} cannot have`;
    return failure(fault('camera.refused', sentence, 'Set camera.width and camera.height.'));
  }
  // Rows of chroma in planes of their own are half a luma row.
  const stride = strideOf(format, width, planes[0]?.bytesPerLine ?? 0);
  const evenStride = hasChromaPlanes(format) ? stride + (stride % 2) : stride;
  // V4L2 has no quantization for luma alone; cameras without colour, and vivid, use the whole range.
  const range: FrameColor = format === 'GREY' ? 'bt601-full' : color;
  const geometry: FrameGeometry = { format, width, height, stride: evenStride, color: range };
  const parts = partsOf(geometry);
  if (planes.length === 1) return success({ geometry, planes: [planeOf(parts)] });
  return success({
    geometry,
    planes: parts.map((part, index) =>
      planeOf([
        { ...part, sourceStride: Math.max(part.rowBytes, planes[index]?.bytesPerLine ?? 0) },
      ]),
    ),
  });
}

function partsOf({ format, width, height, stride }: FrameGeometry): readonly SlotPart[] {
  const part = (target: number, rowStride: number, rowBytes: number, rows: number): SlotPart => ({
    target,
    targetStride: rowStride,
    sourceStride: rowStride,
    rowBytes,
    rows,
  });
  const luma = part(0, stride, rowBytesOf(format, width), height);
  if (chromaStepOf(format).y === 1) return [luma];
  const end = stride * height;
  if (!hasChromaPlanes(format)) return [luma, part(end, stride, width, height / 2)];
  const chroma = (target: number): SlotPart => part(target, stride / 2, width / 2, height / 2);
  return [luma, chroma(end), chroma(end + (stride / 2) * (height / 2))];
}

function planeOf(parts: readonly SlotPart[]): PlaneCopy {
  const bytes = parts.reduce((sum, part) => sum + part.sourceStride * part.rows, 0);
  const last = parts[parts.length - 1];
  const padding = last === undefined ? 0 : last.sourceStride - last.rowBytes;
  const isAlike = parts.every((part) => part.sourceStride === part.targetStride);
  return {
    parts,
    bytesLeast: bytes - padding,
    whole: isAlike ? { target: parts[0]?.target ?? 0, bytes } : undefined,
  };
}

/** Copies one plane of the driver's frame, which holds at least `bytesLeast`. */
export function copyPlane(target: Uint8Array, source: Uint8Array, plane: PlaneCopy): void {
  if (plane.whole !== undefined) {
    const { target: at, bytes } = plane.whole;
    copyBytes(
      at === 0 ? target : target.subarray(at),
      source.length > bytes ? source.subarray(0, bytes) : source,
    );
    return;
  }
  let from = 0;
  for (const part of plane.parts) {
    for (let row = 0; row < part.rows; row += 1) {
      const begin = from + row * part.sourceStride;
      const pixels = source.subarray(begin, begin + part.rowBytes);
      target.set(pixels, part.target + row * part.targetStride);
    }
    from += part.sourceStride * part.rows;
  }
}
