import type { Fault, Outcome } from '../base/fault.ts';
import { fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Clock, WallClock } from '../base/time.ts';
import {
  type Answer,
  type Command,
  type CommandName,
  type CommandResult,
  commandNames,
} from '../contract/commands.ts';
import type { Config } from '../contract/config.ts';
import type { Topics } from '../contract/contract.ts';
import type { Link } from '../mqtt/link.ts';
import type { Incoming } from '../mqtt/subscriptions.ts';
import { createAnswers } from './command-answers.ts';
import {
  afterCommand,
  type CommandPolicy,
  decide,
  noCommands,
  snapshotPolicy,
} from './command-decision.ts';
import { type Address, addressOf } from './response-address.ts';

/** Takes commands from the broker, has them done, and answers every one of them exactly once. */
export interface Commands {
  /** From now on commands are refused, and those at work are interrupted. */
  stop(): void;
  /** Resolves when all answers are sent, or when `signal` aborts. */
  close(signal: AbortSignal): Promise<void>;
}

/** Does what a command asks for. */
export type Perform = (command: Command, context: WorkContext) => Promise<Outcome<CommandResult>>;

export type WorkContext = {
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal;
  /** The broker has the answer, or it was given up. */
  readonly answered: Promise<void>;
};

export type CommandsOptions = {
  readonly config: Config['commands'];
  readonly topics: Topics;
  readonly session: string;
  readonly link: Pick<Link, 'subscribe' | 'publish' | 'untilOnline'>;
  readonly log: Log;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  /** The device's clock as it is now, which expiry is held against; milliseconds since 1970. */
  readonly wallNow: () => number;
  readonly perform: Perform;
};

export function openCommands(options: CommandsOptions): Commands {
  const { topics, link, log, clock } = options;
  const answers = createAnswers({ link, clock });
  const stopping = new AbortController();
  const policy = policyOf(options.config);
  const working = new Set<Promise<void>>();
  let state = noCommands(policy, clock.now());

  const answer = (
    address: Address,
    id: string | null,
    outcome: Outcome<CommandResult>,
    onSent: (() => void) | undefined,
  ): Promise<void> | undefined => {
    const head = {
      session: options.session,
      at: options.wallClock.isoOf(clock.now()),
      clockSynced: options.wallClock.isSynced(),
    };
    return answers.offer({ address, payload: JSON.stringify(answerOf(head, id, outcome)), onSent });
  };

  const refuse = (name: CommandName, address: Address, id: string | null, reason: Fault) => {
    // One line a command would be a flood of its own.
    log.debug({ command: name, id, fault: reason }, 'command refused');
    return answer(address, id, { ok: false, fault: reason }, undefined);
  };

  const onIncoming = (name: CommandName, message: Incoming): Promise<void> | undefined => {
    // Takes away what was retained by mistake; nobody asks for anything.
    if (message.retained && message.payload.length === 0) return undefined;
    const { address, fault: unanswerable } = addressOf(message.properties, topics, name);
    const instant = { now: clock.now(), wall: options.wallNow() };
    const decision = decide({ ...message, name }, state, policy, instant);
    const id = decision.kind === 'go' ? decision.command.id : decision.id;
    if (unanswerable !== undefined) return refuse(name, address, id, unanswerable);
    if (stopping.signal.aborted) return refuse(name, address, id, isStopping);
    if (decision.kind === 'refused') return refuse(name, address, id, decision.fault);
    state = decision.state;
    log.info({ command: name, id }, 'command');
    const obeying = obey(decision.command, address).finally(() => working.delete(obeying));
    working.add(obeying);
    return undefined;
  };

  const obey = async (command: Command, address: Address): Promise<void> => {
    let tellAnswered = (): void => {};
    const sent = new Promise<void>((resolve) => {
      tellAnswered = resolve;
    });
    const outcome = await options.perform(command, { signal: stopping.signal, answered: sent });
    state = afterCommand(state, command.name);
    if (!outcome.ok) log.warn({ command: command.name, fault: outcome.fault }, 'command failed');
    await answer(address, command.id, outcome, tellAnswered);
  };

  for (const name of commandNames) {
    const topic = `${topics.command}/${name}`;
    link.subscribe(topic, (message) => onIncoming(name, message), 'published');
  }
  return {
    stop: () => stopping.abort(),
    close: async (signal) => {
      const late = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([Promise.all(working), late]);
      await answers.untilEmpty(signal);
      answers.stop();
    },
  };
}

const isStopping: Fault = fault(
  'command.stopping',
  'sightd is stopping',
  'Send it again when `status` says online.',
);

const policyOf = ({ ratePerMinute, burst }: Config['commands']): CommandPolicy => ({
  all: { burst, perSecond: ratePerMinute / 60 },
  snapshots: snapshotPolicy,
});

type Head = Pick<Answer, 'session' | 'at'>;

function answerOf(head: Head, id: string | null, outcome: Outcome<CommandResult>): object {
  if (outcome.ok) return { ...head, id, ok: true, result: outcome.value };
  const { code, message, mend } = outcome.fault;
  return { ...head, id, ok: false, error: { code, message, mend } };
}
