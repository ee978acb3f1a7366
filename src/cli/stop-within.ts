/**
 * The signal, at the latest after so long. Not by AbortSignal.any, whose result Node 20 may collect as
 * garbage while somebody listens to it.
 */
export function stopWithin(stop: AbortSignal, seconds: number): AbortSignal {
  const either = new AbortController();
  setTimeout(() => either.abort(), seconds * 1000).unref();
  if (stop.aborted) either.abort();
  stop.addEventListener('abort', () => either.abort(), { once: true });
  return either.signal;
}
