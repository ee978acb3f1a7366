import { type Fault, failure, fault, type Outcome, success } from '../base/fault.ts';
import { blockThread, copyBytes } from '../base/libc.ts';
import { type Clock, type Micros, type Millis, millis, seconds } from '../base/time.ts';
import type { FrameGeometry } from '../contract/frame.ts';
import type { CameraInjection, CameraRecovery, SourceRequest } from '../contract/threads.ts';
import type { Pulse } from '../ring/pulse.ts';
import type { SourceOpener } from './open.ts';
import type { FrameSource, Reading } from './source.ts';

/*
 * Troubles of cameras, made on purpose. They wrap the real thing, so that whoever watches sees what it
 * would see of a camera that has them: any source will do, the built-in scene too.
 */

export interface Injector {
  inject(injection: CameraInjection): void;
  /** This was done about the camera: ends what is mended by it. */
  recovered(by: CameraRecovery): void;
  /** An opener whose sources have the troubles. */
  opener(opener: SourceOpener): SourceOpener;
  /** A source that is open, with the troubles. */
  source(source: FrameSource, request: SourceRequest): FrameSource;
}

type Trouble = Exclude<CameraInjection['what'], 'hang' | 'throw'>;
type Active = { readonly until: Micros; readonly mendedBy: CameraInjection['mendedBy'] };

/** What is going on; each at most once. */
type Troubles = {
  isOn(what: Trouble): boolean;
  /** Resolves once this trouble is over, after `patience`, or when aborted. */
  untilOver(what: Trouble, patience: Millis, signal: AbortSignal): Promise<void>;
};

export function createInjector(clock: Clock, pulse: Pulse): Injector {
  const active = new Map<Trouble, Active>();
  let mended = new AbortController();

  const troubles: Troubles = {
    isOn: (what) => clock.now() < (active.get(what)?.until ?? 0),
    untilOver: async (what, patience, signal) => {
      const left = ((active.get(what)?.until ?? 0) - clock.now()) / 1000;
      const over = AbortSignal.any([signal, mended.signal]);
      if (left > 0) await clock.sleep(millis(Math.min(left, patience)), over);
    },
  };

  return {
    inject: ({ what, seconds: length, mendedBy }) => {
      switch (what) {
        case 'hang':
          pulse.begin();
          blockThread(seconds(length));
          pulse.end();
          break;
        case 'throw':
          // Not in the promise that called us: nobody catches it here.
          setImmediate(() => {
            throw new Error('the camera thread was told to die');
          });
          break;
        default:
          active.set(what, { until: (clock.now() + length * 1e6) as Micros, mendedBy });
      }
    },
    recovered: (by) => {
      for (const [what, { mendedBy }] of active) {
        if (mendedBy === 'stream' || (mendedBy === 'device' && by === 'device'))
          active.delete(what);
      }
      mended.abort();
      mended = new AbortController();
    },
    opener: (opener) => ({
      open: async (request, stop) => {
        const reason = openingFault(troubles);
        if (reason !== undefined) return failure(reason);
        const opened = await opener.open(request, stop);
        return opened.ok ? success(wrap(opened.value, request, troubles)) : opened;
      },
      // A camera that is plugged in is seen at once.
      presence: async (request) =>
        `${await opener.presence(request)} ${troubles.isOn('missing') ? 'missing' : ''}`,
      absence: async (request) =>
        troubles.isOn('missing') ? openingFault(troubles) : opener.absence(request),
    }),
    source: (source, request) => wrap(source, request, troubles),
  };
}

const openingFault = (troubles: Troubles): Fault | undefined => {
  if (troubles.isOn('missing')) return injected('camera.missing', 'there is no camera');
  return troubles.isOn('unopenable')
    ? injected('camera.broken', 'the camera cannot be opened')
    : undefined;
};

/** Why the source has no more frames. */
const endOf = (troubles: Troubles): Fault | undefined => {
  if (troubles.isOn('missing')) return injected('camera.unplugged', 'the camera is gone');
  return troubles.isOn('broken') || troubles.isOn('unopenable')
    ? injected('camera.broken', 'the camera fails')
    : undefined;
};

const injected = (code: Parameters<typeof fault>[0], sentence: string): Fault =>
  fault(code, `${sentence} (injected)`, 'Wait until it is over.');

function wrap(source: FrameSource, request: SourceRequest, troubles: Troubles): FrameSource {
  const { frameDeadline } = request;
  let still: { readonly geometry: FrameGeometry; readonly pixels: Uint8Array } | undefined;
  /** What `due` found instead of a frame. */
  let end: Fault | undefined;

  const due = async (signal: AbortSignal): Promise<void> => {
    end = endOf(troubles);
    if (end !== undefined) return;
    if (!troubles.isOn('stall')) return source.due(signal);
    await troubles.untilOver('stall', frameDeadline, signal);
    if (signal.aborted) return;
    if (troubles.isOn('stall')) {
      end = injected('camera.stalled', `no frame for ${frameDeadline / 1000} s`);
      return;
    }
    await source.discard(signal);
    return source.due(signal);
  };

  /** The same picture in place of each other one. */
  const freeze = (reading: Reading, target: Uint8Array): Reading => {
    if (!troubles.isOn('freeze')) still = undefined;
    else if (reading.kind === 'frame') {
      still ??= { geometry: reading.geometry, pixels: target.slice(0, reading.bytesUsed) };
      copyBytes(target, still.pixels);
      return { ...reading, geometry: still.geometry, bytesUsed: still.pixels.length };
    }
    return reading;
  };

  return {
    description: source.description,
    notices: source.notices,
    discard: (signal) => source.discard(signal),
    due,
    read: async (target, signal) => {
      if (end !== undefined) return { kind: 'broken', fault: end };
      return freeze(await source.read(target, signal), target);
    },
    skip: async (signal) => end === undefined && source.skip(signal),
    restart: async (): Promise<Outcome<void>> => {
      const reason = openingFault(troubles);
      if (reason !== undefined) return failure(reason);
      still = undefined;
      return source.restart === undefined
        ? failure(injected('camera.refused', 'it has no stream'))
        : source.restart();
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
