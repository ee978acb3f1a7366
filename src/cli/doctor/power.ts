import { type CheckupOf, fail, ok, warn } from '../../daemon/checkups.ts';
import type { Throttled } from '../../daemon/throttled.ts';

/** Where Raspberry Pis begin to lower their clock is 80 °C, and 60 °C for the soft limit of a 3B+. */
const celsiusMost = 80;

const supplyMend =
  "Use the Raspberry Pi's own power supply and a short, thick cable; take power-hungry USB devices off.";
const heatMend = 'Give it a heat sink or a fan, more air, or less to do: a lower camera.fps.';

/** Of the supply and the heat; `flags` and `celsius` are undefined where the machine does not tell. */
export function checkPower(
  flags: Throttled | undefined,
  celsius: number | undefined,
): CheckupOf<'power'> {
  const heat = celsius === undefined ? 'the temperature is not known' : `${celsius} °C`;
  if (flags?.underVoltage) {
    const effect = flags.throttled ? ', and the processor is slowed down' : '';
    return fail(
      'power',
      `the supply is too weak now: less than 4.63 V${effect}; ${heat}`,
      supplyMend,
    );
  }
  if (flags?.throttled || flags?.softLimit || flags?.capped) {
    const what = flags.throttled ? 'is slowed down' : "'s clock is lowered";
    return warn('power', `the processor ${what} now; ${heat}`.replace(" '", "'"), heatMend);
  }
  if (celsius !== undefined && celsius >= celsiusMost) {
    return warn('power', `the processor is hot: ${heat}`, heatMend);
  }
  if (flags?.wasUnderVoltage) {
    const sentence = `the supply was too weak for a while since the start of the machine; now ${heat}`;
    return warn('power', sentence, supplyMend);
  }
  if (flags?.wasThrottled || flags?.wasSoftLimit || flags?.wasCapped) {
    const sentence = `the processor was slowed down since the start of the machine; now ${heat}`;
    return warn('power', sentence, heatMend);
  }
  if (flags === undefined) return ok('power', `${heat}; the supply cannot be looked at here`);
  const known = flags.isComplete ? 'the supply is good' : 'the supply is good now';
  return ok('power', `${known}; ${heat}`);
}
