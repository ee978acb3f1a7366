import { join } from 'node:path';
import sharp from 'sharp';
import { temporaryFolder } from '../../support/data.ts';

/** Two pictures of 640×480 with something in them, as JPEG files. */
export async function stripes(): Promise<readonly string[]> {
  const folder = temporaryFolder();
  return Promise.all(
    [0, 1].map(async (turn) => {
      const [width, height] = [640, 480];
      const pixels = new Uint8Array(width * height * 3);
      for (let at = 0; at < width * height; at += 1) {
        const level = 40 + 20 * ((Math.floor((at % width) / 80) + turn) % 8);
        pixels.fill(level, at * 3, at * 3 + 3);
      }
      const file = join(folder, `stripes-${turn}.jpg`);
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .jpeg()
        .toFile(file);
      return file;
    }),
  );
}
