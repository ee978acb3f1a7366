import type { Fault, FaultCode } from '../base/fault.ts';
import { isDue, type Micros, seconds } from '../base/time.ts';

/** `worse`: something is wrong now. `better`: what was told is over. */
export type FaultChange = { readonly kind: 'worse' | 'better'; readonly fault: Fault };

/** From what is wrong at each look, what is to be told of. */
export type FaultNews = (present: readonly Fault[], now: Micros) => readonly FaultChange[];

const toldAgainAfter = seconds(600);

/** The same is told once in ten minutes, however often it comes and goes: events are stored and sent. */
export function createFaultNews(): FaultNews {
  const toldAt = new Map<FaultCode, Micros>();
  /** What was told and is not over. */
  let told: readonly Fault[] = [];
  return (present, now) => {
    const over = told.filter((one) => !has(present, one));
    const fresh = present.filter(
      (one) => !has(told, one) && isDue(now, toldAt.get(one.code), toldAgainAfter),
    );
    for (const { code } of fresh) toldAt.set(code, now);
    told = [...told.filter((one) => has(present, one)), ...fresh];
    return [
      ...over.map((one) => ({ kind: 'better' as const, fault: one })),
      ...fresh.map((one) => ({ kind: 'worse' as const, fault: one })),
    ];
  };
}

const has = (faults: readonly Fault[], { code }: Fault): boolean =>
  faults.some((one) => one.code === code);
