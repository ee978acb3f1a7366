import type { FrameSize } from '../../src/contract/frame.ts';

/** What the padding between rows holds. */
export const paddingByte = 0xcc;

const lumaOf = (frame: number, x: number, y: number): number => (16 + frame * 7 + x + 2 * y) & 0xff;
const chromaOf = (frame: number, plane: number, x: number, y: number): number =>
  (64 + frame * 3 + plane * 50 + x + y) & 0xff;

/**
 * A picture that moves, as planar YUV 4:2:0 with padded rows: each sample is known from its plane, its
 * place and the number of its frame.
 */
export function movingPicture(size: FrameSize, stride: number): (frame: number) => Uint8Array {
  const planes = planesOf(size, stride);
  const last = planes.at(-1);
  const bytes = last === undefined ? 0 : last.start + last.stride * last.height;
  return (frame) => {
    const pixels = new Uint8Array(bytes).fill(paddingByte);
    planes.forEach((plane, index) => {
      for (let y = 0; y < plane.height; y += 1) {
        const row = plane.start + y * plane.stride;
        for (let x = 0; x < plane.width; x += 1) {
          pixels[row + x] = index === 0 ? lumaOf(frame, x, y) : chromaOf(frame, index, x, y);
        }
      }
    });
    return pixels;
  };
}

function planesOf({ width, height }: FrameSize, stride: number) {
  const luma = stride * height;
  const half = { width: width / 2, height: height / 2, stride: stride / 2 };
  return [
    { start: 0, width, height, stride },
    { start: luma, ...half },
    { start: luma + luma / 4, ...half },
  ];
}
