import { type Fault, success } from '../../src/base/fault.ts';
import { createRandom } from '../../src/base/random.ts';
import { millis, systemClock } from '../../src/base/time.ts';
import type { LinkState } from '../../src/mqtt/connection.ts';
import { type Link, type LinkOptions, openLink } from '../../src/mqtt/link.ts';

/** A link that tells all it goes through, and is closed when disposed of. */
export type TestLink = AsyncDisposable & {
  readonly link: Link;
  readonly states: LinkState[];
  readonly refused: Fault[];
  /** Resolves with the first state, from the start or from number `from`, that satisfies the condition. */
  until(condition: (state: LinkState) => boolean, from?: number): Promise<LinkState>;
};

let links = 0;

export function openTestLink(url: string, options: Partial<LinkOptions> = {}): TestLink {
  const states: LinkState[] = [];
  const refused: Fault[] = [];
  let waiting: (() => void)[] = [];
  links += 1;
  const link = openLink({
    url,
    clientId: `sightd-test-${process.pid}-${links}`,
    protocol: 'auto',
    credentials: () =>
      success({
        username: undefined,
        password: undefined,
        tls: { ca: undefined, cert: undefined, key: undefined },
      }),
    keepaliveSeconds: 20,
    will: { topic: 'test/status', payload: 'offline' },
    birth: { topic: 'test/status', payload: 'online' },
    backoff: { first: millis(50), cap: millis(200) },
    offlineMessagesMax: 0,
    clock: systemClock,
    wallNow: Date.now,
    random: createRandom(1),
    onState: (state) => {
      states.push(state);
      for (const resume of waiting) resume();
      waiting = [];
    },
    onRefused: (reason) => refused.push(reason),
    ...options,
  });
  const until: TestLink['until'] = async (condition, from = 0) => {
    for (;;) {
      const found = states.slice(from).find(condition);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const close = async (): Promise<void> => {
    const now = AbortSignal.timeout(2000);
    await link.close({ topic: 'test/status', payload: 'stopped' }, now, now);
  };
  return { link, states, refused, until, [Symbol.asyncDispose]: close };
}

export const isOnline = (state: LinkState): boolean => state.kind === 'online';
