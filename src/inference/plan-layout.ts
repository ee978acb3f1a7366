/**
 * The plan: what the kernel reads to prepare one tensor, as 32-bit fields at byte offsets. This file
 * is compiled twice, for the daemon, which writes the plan, and into the WebAssembly module, which
 * reads it; so it holds nothing but numbers. "Address" is a byte offset in the memory.
 */

/*
 * The kernel makes rows that run as the frame's rows do. They are the tensor's rows, or, where the
 * picture is turned by 90 or 270 degrees, its columns; then they are turned 8 at a time.
 */

// The picture's rows among all; the rows outside them are bars.
export const PICTURE_TOP = 0;
export const PICTURE_ROWS = 4;

/** Elements across one row, at least 8; the kernel works on 8 at a time. */
export const ROW_WIDTH = 8;
export const TENSOR_CHANNELS = 12;
/** Where the row `y` of 8-bit channel `c` goes: `BYTES + y · BYTES_ROW + c · BYTES_CHANNEL`. */
export const BYTES = 16;
export const BYTES_ROW = 20;
/** Bytes between two channels' rows; 0 when the channels are interleaved. */
export const BYTES_CHANNEL = 24;

/** Address of the float32 tensor, 0 for a uint8 tensor. */
export const FLOATS = 28;
export const FLOATS_ROW = 32;
export const FLOATS_CHANNEL = 36;
/** Address of `byte · factor + offset`: per channel, 3 vectors of factors, then 3 of offsets. */
export const NORMALISATION = 40;

/** Address of the colour matrix: per tensor channel 3 factors and a bias, each as a whole vector. */
export const MATRIX = 44;
/** Address of the 3 resampled rows in the order of the planes, and the bytes from one to the next. */
export const ROWS = 48;
export const ROWS_DISTANCE = 52;
/** Byte offset in a row just past the picture, and the address of 3 vectors, the bars' value. */
export const ROWS_PICTURE_END = 56;
export const BARS = 60;

export const STRIP_COUNT = 64;
export const STRIPS = 80;
export const STRIP_COUNT_MAX = 3;

/** A strip is a run of bytes per frame row that is blended vertically, then unpacked into planes. */
export const STRIP_UNPACKING = 0;
/** Byte offset from the frame's start to the first byte that matters in its first row. */
export const STRIP_START = 4;
export const STRIP_STRIDE = 8;
/** How often the unpacking step is done per row. */
export const STRIP_STEPS = 12;
/** Address of the vertical taps, per picture row. */
export const STRIP_TAPS = 16;
/** Addresses of the planes that the step writes, in the order of the unpacking. */
export const STRIP_PLANE_0 = 20;
export const STRIP_PLANE_1 = 24;
export const STRIP_PLANE_2 = 28;
export const STRIP_BYTES = 32;

/** The first frame row, how many, and the weights' address; unless one has half of the weight or more: */
export const ROW_TAPS_FIRST = 0;
/** then 0. That row comes first, the weights are those of the rows above and below it … */
export const ROW_TAPS_COUNT = 4;
export const ROW_TAPS_WEIGHTS = 8;
/** … which are so many rows away: 1, or 0 where there is no such row. */
export const ROW_TAPS_ABOVE = 12;
export const ROW_TAPS_BELOW = 16;
export const ROW_TAPS_BYTES = 20;

/** How the bytes of a strip become planes. */
export const UNPACK_YUYV = 0;
export const UNPACK_RGB3 = 1;
export const UNPACK_UYVY = 2;
/** One channel, a byte a sample. */
export const UNPACK_SINGLE = 3;
/** Two channels in turn, a byte each. */
export const UNPACK_PAIRS = 4;

export const GROUP_COUNT = 68;
export const GROUPS = 176;
export const GROUP_COUNT_MAX = 3;

/** A group is the planes that share one horizontal resampling. */
export const GROUP_PLANE = 0;
export const GROUP_PLANE_COUNT = 4;
/** Bytes between its planes, and between the rows they become. */
export const GROUP_PLANE_DISTANCE = 8;
/** Samples in a plane, and how often neighbours are averaged before the taps. */
export const GROUP_SAMPLES = 12;
export const GROUP_HALVINGS = 16;
/** How many taps an element has, and how the columns are laid out. */
export const GROUP_TAPS = 20;
/** Address of the horizontal taps, and how many times 8 elements they make. */
export const GROUP_COLUMNS = 24;
export const GROUP_STEPS = 28;
/** Address of the first element of the first row it makes. */
export const GROUP_TARGET = 32;
export const GROUP_BYTES = 36;

/** 4 elements a column, of two taps. */
export const TAPS_TWO = 2;
/** 4 elements a column, of two taps and two more: the latter in the vector that begins two samples later. */
export const TAPS_FOUR = 4;
/** 2 elements a column, of four taps that may lie too far apart for 4 elements. */
export const TAPS_FOUR_WIDE = 5;

/**
 * Horizontal taps for 8 products: the selection of 8 samples out of 8 neighbours (16 lanes for a
 * swizzle), their weights, and the byte offset of the first neighbour in the plane.
 */
export const COLUMN_SELECTION = 0;
export const COLUMN_WEIGHTS = 16;
/** For `TAPS_FOUR`, the weights of the same selection out of the neighbours from two samples later on. */
export const COLUMN_WEIGHTS_AFTER = 32;
export const COLUMN_OFFSET = 48;
export const COLUMN_BYTES = 64;

/** How three rows become three colours, and the rows' addresses in the order of the matrix's columns. */
export const MIXING = 284;
export const MIXING_ROW_0 = 288;
export const MIXING_ROW_1 = 292;
export const MIXING_ROW_2 = 296;

/** The whole matrix. */
export const MIX_ALL = 0;
/** A first row that all colours share alike; the first colour lacks the third row, the third the second. */
export const MIX_LUMA = 1;
/** Each row is a colour already. */
export const MIX_NONE = 2;

/** Rows in all, bars included. */
export const ROW_COUNT = 300;

/** 1 where the rows are the tensor's columns, else 0 and the fields after it mean nothing. */
export const TURNED = 304;
/** Where the turned element (x, y) of 8-bit channel `c` goes: the address, bytes from row to row … */
export const TURNED_BYTES = 308;
export const TURNED_ROW = 312;
/** … and between channels; 0 when the channels are interleaved. */
export const TURNED_CHANNEL = 316;
/** Address of a block: 8 × 8 elements on their way from rows to columns, `BLOCK_ROW` bytes a row. */
export const BLOCK = 320;

export const PLAN_BYTES = 324;

/** 8 bytes for each of three channels; a vector may be read from the last one. */
export const BLOCK_ROW = 32;
export const BLOCK_BYTES = 256;

/** One vector: 16 bytes, 8 samples. */
export const VECTOR_BYTES = 16;
/** A sample in a plane or row is `(level − 128) · 256`, signed 16 bits. */
export const SAMPLE_BYTES = 2;
/** Vertical weights sum to this, less where a single one would not fit 16 bits. */
export const ROW_WEIGHT_ONE = 32768;
export const ROW_WEIGHT_MAX = 32767;
/** Horizontal weights sum to this; the power of two that the sum is divided by. */
export const COLUMN_WEIGHT_ONE = 16384;
export const COLUMN_WEIGHT_SHIFT = 14;
/** The matrix's results are levels times 64, so that they keep room for values out of range. */
export const MIXED_SHIFT = 6;
