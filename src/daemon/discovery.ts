import { isDeepStrictEqual } from 'node:util';
import type { Fault } from '../base/fault.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { type Clock, millis } from '../base/time.ts';
import { homepage, version } from '../base/version.ts';
import type { Topics } from '../contract/contract.ts';
import {
  type Announced,
  announcedIn,
  birthTopicOf,
  discoveryOf,
  discoveryTopicOf,
} from '../mqtt/home-assistant.ts';
import { thresholdEntitiesMax } from '../mqtt/home-assistant-entities.ts';
import type { Link } from '../mqtt/link.ts';
import type { Delivered } from '../mqtt/outgoing.ts';
import type { Note, NoteStore } from './discovery-note.ts';
import type { Setup } from './setup.ts';

/** Announces the device to Home Assistant, and takes the announcement away where it is not wanted. */
export interface Discovery {
  /** Goes on with these: announces what is new, or takes away what is not wanted any more. */
  configure(setup: Setup): void;
  /** Ends what it waits for; what is announced stays. */
  close(): void;
}

export type DiscoveryOptions = {
  readonly setup: Setup;
  readonly device: string;
  readonly topics: Topics;
  readonly hasTemperature: boolean;
  readonly takesCommands: boolean;
  readonly note: NoteStore;
  readonly link: Pick<Link, 'retain' | 'release' | 'deliver' | 'untilOnline' | 'subscribe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/**
 * When Home Assistant starts, every device of the house answers: each takes a moment of its own within
 * this, as its documentation asks for.
 */
const birthDelayMax = millis(5000);
/** A broker that did not take the deletion is asked again after this. */
const removalPause = millis(5000);

/** What is announced now. */
type Current = {
  readonly topic: string;
  readonly payload: string;
  /** What it announces or has taken away, which the next message has to know. */
  readonly told: Announced;
  readonly birth: Birth;
};
/** How Home Assistant's start is heard of. */
type Birth = { readonly topic: string; readonly subscription: Disposable };

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { link, clock, log, device } = options;
  const closing = new AbortController();
  const removals = new Map<string, AbortController>();
  let note: Note = readNote(options);
  let current: Current | undefined;
  let isAnswering = false;

  const keep = (next: Note): void => {
    if (isDeepStrictEqual(next, note)) return;
    note = next;
    const written = options.note.write(note);
    if (!written.ok) warn(log, written.fault);
  };

  /** Home Assistant has started: a random moment later it is told again. */
  const onBirth = async (): Promise<void> => {
    if (isAnswering) return;
    isAnswering = true;
    await clock.sleep(millis(options.random() * birthDelayMax), closing.signal);
    isAnswering = false;
    if (current === undefined || closing.signal.aborted) return;
    link.retain(current.topic, current.payload);
    log.info({ topic: current.topic }, 'announced to Home Assistant, which has started');
  };

  const listen = (topic: string): Birth => {
    if (current?.birth.topic === topic) return current.birth;
    current?.birth.subscription[Symbol.dispose]();
    const subscription = link.subscribe(topic, ({ payload, retained }) => {
      // One that the broker had kept is no news: what is retained was sent with the connection.
      if (!retained && Buffer.from(payload).toString() === 'online') void onBirth();
    });
    return { topic, subscription };
  };

  const announce = ({ config, model }: Setup): string => {
    const { base } = config.mqtt;
    const { prefix } = config.homeAssistant;
    const topic = discoveryTopicOf(prefix, base, device);
    const former = current?.topic === topic ? current.told : (note[topic] ?? {});
    const facts = { ...options, config, base, labels: model.labels, version, homepage, former };
    const { message } = discoveryOf(facts);
    const payload = JSON.stringify(message);
    const { all: told, here } = announcedIn(message);
    const isNews = current?.topic !== topic || current.payload !== payload;
    // On disk first: what the broker may hold must be known to whoever is to take it away.
    keep({ ...note, [topic]: here });
    current = { topic, payload, told, birth: listen(birthTopicOf(prefix)) };
    if (!isNews) return topic;
    removals.get(topic)?.abort();
    removals.delete(topic);
    link.retain(topic, payload);
    log.info({ topic, components: Object.keys(here).length }, 'announced to Home Assistant');
    const left = Object.keys(config.label.thresholds).length - thresholdEntitiesMax;
    if (left > 0) log.warn({ left }, 'not all thresholds are in Home Assistant');
    return topic;
  };

  /** Deletes an announcement for good: an empty retained message takes a retained one away (MQTT 3.3.1.3). */
  const remove = async (topic: string): Promise<void> => {
    if (removals.has(topic)) return;
    const removal = new AbortController();
    removals.set(topic, removal);
    link.release(topic);
    const outcome = await deliverDeletion(topic, removal.signal, options);
    if (removal.signal.aborted) return;
    removals.delete(topic);
    log.info({ topic, outcome }, 'taken away from Home Assistant');
    if (outcome !== 'acknowledged') return;
    const { [topic]: _, ...others } = note;
    keep(others);
  };

  const configure: Discovery['configure'] = (setup) => {
    let wanted: string | undefined;
    if (setup.config.homeAssistant.enabled) {
      wanted = announce(setup);
    } else {
      current?.birth.subscription[Symbol.dispose]();
      current = undefined;
    }
    for (const topic of Object.keys(note)) if (topic !== wanted) void remove(topic);
  };

  configure(options.setup);
  return {
    configure,
    close: () => {
      closing.abort();
      for (const removal of removals.values()) removal.abort();
    },
  };
}

/** Until the broker has answered, or the removal is called off. */
async function deliverDeletion(
  topic: string,
  signal: AbortSignal,
  { link, clock }: Pick<DiscoveryOptions, 'link' | 'clock'>,
): Promise<Delivered> {
  while (!signal.aborted) {
    await link.untilOnline(signal);
    const outcome = await link.deliver(
      { topic, payload: '', retain: true, expirySeconds: undefined, userProperties: {} },
      signal,
    );
    if (outcome !== 'lost') return outcome;
    await clock.sleep(removalPause, signal);
  }
  return 'lost';
}

function readNote({ note, log }: DiscoveryOptions): Note {
  const found = note.read();
  if (found.ok) return found.value;
  log.warn({ fault: found.fault }, 'the note of what Home Assistant was told is forgotten');
  return {};
}

function warn(log: Log, reason: Fault): void {
  log.warn({ fault: reason }, 'what Home Assistant was told cannot be noted');
}
