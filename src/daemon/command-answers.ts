import { type Clock, type Micros, micros, millis } from '../base/time.ts';
import type { Link } from '../mqtt/link.ts';
import type { Publication } from '../mqtt/outgoing.ts';
import type { Address } from './response-address.ts';

export type WaitingAnswer = {
  readonly address: Address;
  readonly payload: string;
  /** The broker has it, or it was given up. */
  readonly onSent: (() => void) | undefined;
};

/**
 * The way of answers to the broker: each is sent once with QoS 1, a few at a time. Where commands come
 * faster than that, answers wait, up to a number. Beyond it they are sent at once with QoS 0, and
 * reading from the connection waits until they are written: so every command is answered, memory does
 * not grow, and a flood is slowed down to what the connection carries.
 */
export interface Answers {
  /** What it returns is to be waited for before more commands are read. */
  offer(answer: WaitingAnswer): Promise<void> | undefined;
  /** Resolves when all is sent, or when `signal` aborts. */
  untilEmpty(signal: AbortSignal): Promise<void>;
  /** From now on each is sent at once with QoS 0, those that wait too: there is no time for more. */
  stop(): void;
}

export type AnswersOptions = {
  readonly link: Pick<Link, 'publish' | 'untilOnline'>;
  readonly clock: Clock;
};

/** Brokers may allow a client no more than 20 messages at once; the outbox takes half of them. */
const underWayMax = 8;
/** At a kilobyte each, with topic and correlation data at their limits 6 MB. */
export const waitingMax = 2048;
/** Who asked has given up by then: a connection that was lost is not waited for any longer. */
const keptFor = micros(60_000_000);
/** A connection that takes nothing is not asked without a pause. */
const pause = millis(100);

/** What ends with the connection needs no other end. */
const never = new AbortController().signal;

type Waiting = WaitingAnswer & { readonly since: Micros };

export function createAnswers({ link, clock }: AnswersOptions): Answers {
  const stopped = new AbortController();
  const waiting: Waiting[] = [];
  let underWay = 0;
  let isPaused = false;
  let isStopped = false;
  let onEmpty: (() => void)[] = [];

  const advance = (): void => {
    while (!isPaused && underWay < underWayMax) {
      const next = waiting.shift();
      if (next === undefined) break;
      underWay += 1;
      void send(next);
    }
    if (underWay > 0 || waiting.length > 0) return;
    for (const resume of onEmpty) resume();
    onEmpty = [];
  };

  const send = async (answer: Waiting): Promise<void> => {
    const outcome = await link.publish(publicationOf(answer, 1), stopped.signal);
    underWay -= 1;
    const isOld = clock.now() - answer.since > keptFor;
    if (outcome === 'lost' && !isOld && !stopped.signal.aborted) {
      waiting.unshift(answer);
      void resume();
    } else {
      answer.onSent?.();
    }
    advance();
  };

  const resume = async (): Promise<void> => {
    if (isPaused) return;
    isPaused = true;
    await clock.sleep(pause, stopped.signal);
    await link.untilOnline(stopped.signal);
    isPaused = false;
    advance();
  };

  const sendNow = async (answer: WaitingAnswer): Promise<void> => {
    await link.publish(publicationOf(answer, 0), never);
    answer.onSent?.();
  };

  return {
    offer: (answer) => {
      if (isStopped || waiting.length >= waitingMax) {
        return sendNow(answer);
      }
      waiting.push({ ...answer, since: clock.now() });
      advance();
      return undefined;
    },
    untilEmpty: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        onEmpty.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
        advance();
      }),
    stop: () => {
      isStopped = true;
      stopped.abort();
      for (const answer of waiting.splice(0)) void sendNow(answer);
    },
  };
}

const publicationOf = ({ address, payload }: WaitingAnswer, qos: 0 | 1): Publication => ({
  ...address,
  payload,
  qos,
  retain: false,
  expirySeconds: undefined,
  userProperties: {},
});
