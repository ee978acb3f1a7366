import { type Outcome, success } from '../../base/fault.ts';
import type { SourceRequest } from '../../contract/threads.ts';
import { type Choice, chooseMode } from './choose.ts';
import { type Control, listControls } from './controls.ts';
import { openCaptureDevice } from './device.ts';
import {
  type FormatOffer,
  listFormats,
  listModes,
  listRates,
  type RateOffer,
  type SizeOffer,
} from './modes.ts';
import { wishOf } from './source.ts';

/** All that a camera says about itself, and what `format: auto` would ask of it. */
export type Inspection = {
  readonly formats: readonly InspectedFormat[];
  readonly controls: readonly Control[];
  readonly choice: Choice | undefined;
};
export type InspectedFormat = Omit<FormatOffer, 'sizes'> & {
  readonly sizes: readonly InspectedSize[];
};
/** Rates of a range of sizes are those of its largest. */
export type InspectedSize = SizeOffer & { readonly rates: RateOffer };

/** Looks at a camera without disturbing who may be streaming from it. */
export function inspectCamera(path: string, request: SourceRequest): Outcome<Inspection> {
  const opened = openCaptureDevice(path);
  if (!opened.ok) return opened;
  using device = opened.value;
  const offers = listFormats(device);
  const wish = wishOf(request);
  return success({
    formats: offers.map((offer) => ({
      ...offer,
      sizes: offer.sizes.map((size) => ({
        ...size,
        rates: listRates(device, offer.fourcc, size.kind === 'range' ? size.max : size),
      })),
    })),
    controls: listControls(device),
    choice: chooseMode(listModes(device, offers, wish), wish),
  });
}
