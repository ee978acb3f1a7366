import type { ModelInput } from '../contract/manifest.ts';
import { colorMatrixOf, mixingOf, neutralOf, type SourceColor } from './color-matrix.ts';
import * as field from './plan-layout.ts';
import type { InputRegions, MemoryViews } from './workspace-regions.ts';

/** The grey of a letterbox's bars, in 8-bit levels: what detection models are trained with. */
const barLevel = 114;

/** Writes the colour matrix, and the bars' value in all rows and in the vectors that restore it. */
export function writeColors(
  views: MemoryViews,
  regions: InputRegions,
  input: ModelInput,
  source: SourceColor,
): void {
  const mixes = colorMatrixOf(source, input.color);
  const { mixing, planes } = mixingOf(mixes);
  const set = (at: number, value: number): void => {
    views.words[(regions.plan + at) / 4] = value;
  };
  set(field.MIXING, mixing);
  planes.forEach((plane, i) => {
    set(field.MIXING_ROW_0 + i * 4, regions.rows + plane * regions.rowsDistance);
  });
  mixes.forEach(({ factors, bias }, channel) => {
    const one = 1 << field.MIXED_SHIFT;
    // Samples are centred on level 128; half a level makes the later shift round.
    const sum = factors[0] + factors[1] + factors[2];
    const constant = Math.round((128 * sum + bias + 0.5) * one);
    // Level · 64 from level · 256: a quarter, in units of 1/32768.
    const lanes = planes.map((plane) => Math.round((factors[plane] * 32768) / 4));
    [...lanes, constant].forEach((value, i) => {
      const vector = regions.matrix / 2 + (channel * 4 + i) * 8;
      views.shorts.fill(value, vector, vector + 8);
    });
  });
  neutralOf(source, barLevel).forEach((level, plane) => {
    const sample = Math.round((level - 128) * 256);
    const row = (regions.rows + plane * regions.rowsDistance) / 2;
    views.shorts.fill(sample, row, row + regions.rowsDistance / 2);
    const bar = regions.bars / 2 + plane * 8;
    views.shorts.fill(sample, bar, bar + 8);
  });
}
