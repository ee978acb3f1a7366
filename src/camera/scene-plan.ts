/**
 * What the scene's kernel reads: 32-bit fields at byte offsets of its memory, which holds one scene and
 * nothing else. This file is compiled twice, for the camera worker, which writes the fields, and into
 * the WebAssembly module, which reads them; so it holds nothing but numbers. "Address" is a byte
 * offset in the memory. What the parts hold is said in `Ground` and `Sky`.
 */

/** Pairs of pixels in a row, and the picture's height. */
export const PAIRS = 0;
export const HEIGHT = 4;
/** Addresses of the picture, four bytes a pair, and of the ground's parts, two bytes a pair. */
export const PICTURE = 8;
export const OPEN = 12;
export const LUMA = 16;
export const CHROMA = 20;
export const HAZE = 24;
/** Address of the clouds, how many rows, pairs from one to the next, and pairs until they repeat. */
export const CLOUDS = 28;
export const CLOUD_ROWS = 32;
export const CLOUD_STRIDE = 36;
export const CLOUD_PERIOD = 40;
/** Address of the grain, 16-bit numbers: a power of two of pairs of them, and the first ones again. */
export const GRAIN = 44;
export const GRAIN_LENGTH = 4096;
/** Address of 16-bit numbers: the glow's falling-off, and a row's blend from zenith to horizon. */
export const FALLOFF = 48;
export const FALLOFF_LENGTH = 1024;
export const ROW_BLEND = 52;
/** Address of a byte a row: whether any sky shows in it. */
export const HAS_SKY = 56;

// The light of the moment. A colour is its luma, U and V.
export const GAIN = 60;
export const TINT = 64;
/** The air's luma, and its chroma as two 16-bit numbers as the tint's, in whole levels. */
export const AIR_LUMA = 68;
export const AIR_CHROMA = 72;
export const ZENITH = 76;
export const HORIZON = 88;
export const GLOW = 100;
export const CLOUD_LIT = 112;
export const CLOUD_DARK = 124;
/** Clouds gone by, in 1/256 of a pair. */
export const DRIFT = 136;
/** Float64s: where the sun is, in pixels from the left, and above the horizon in heights. */
export const SUN_X = 144;
export const SUN_Y = 152;

/** How far the lamps are on that go with the dark, and 16-bit numbers: each lamp by its number, 1 to 7. */
export const LAMPS = 240;
export const LAMP_LEVELS = 244;
export const LAMP_COUNT = 8;
/** Addresses of the pairs that lamps light, see `Lit`. */
export const LIT_ROW = 260;
export const LIT_PAIR = 264;
export const LIT_LAMP = 268;
export const LIT_GLOW = 272;

// What is laid over the picture for one frame.
/** Addresses of what is kept of what it hides, see `assembly/kept.ts`: bytes, and the runs of them. */
export const KEPT = 160;
export const RUNS = 164;
/** The light of a sprite: gain and tint as above, and how far its lamps are on, in 1/256. */
export const OVER_GAIN = 168;
export const OVER_TINT = 172;
export const OVER_LEVEL = 176;
/** Address of a sprite's grain, as long as the other. */
export const OVER_GRAIN = 180;
/** Float64s: a disc's middle and radius in pixels, the moon's bite or 0, and the colour in levels. */
export const DISC_X = 184;
export const DISC_Y = 192;
export const DISC_RADIUS = 200;
export const DISC_BITE = 208;
export const DISC_LUMA = 216;
export const DISC_U = 224;
export const DISC_V = 232;

export const SCENE_PLAN_BYTES = 288;

/** A sprite's own fields: pairs of pixels in a row, rows, and the addresses of its parts: see `Sprite`. */
export const SPRITE_PAIRS = 0;
export const SPRITE_HEIGHT = 4;
export const SPRITE_SPANS = 8;
export const SPRITE_OPEN = 12;
export const SPRITE_LUMA = 16;
export const SPRITE_CHROMA = 20;
export const SPRITE_GLOW_LUMA = 24;
export const SPRITE_GLOW_CHROMA = 28;
export const SPRITE_WORDS = 8;

/** Pairs that are read past the end of a row of the ground, of the clouds and of the grain. */
export const SPARE_PAIRS = 8;
