/**
 * The picture of both test cameras: eight vertical bars at 75 %, from the left, as Y, Cb, Cr in
 * BT.601 limited range. vivid draws it as its test pattern 0; the USB camera in YUYV, over a strip
 * of eight rows whose brightness changes with every frame.
 */
export const colourBars = [
  { name: 'white', ycbcr: [180, 128, 128] },
  { name: 'yellow', ycbcr: [162, 44, 142] },
  { name: 'cyan', ycbcr: [131, 156, 44] },
  { name: 'green', ycbcr: [112, 72, 58] },
  { name: 'magenta', ycbcr: [84, 184, 198] },
  { name: 'red', ycbcr: [65, 100, 212] },
  { name: 'blue', ycbcr: [35, 212, 114] },
  { name: 'black', ycbcr: [16, 128, 128] },
] as const;
