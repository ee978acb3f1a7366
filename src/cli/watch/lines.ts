import { unreachable } from '../../base/assert.ts';
import {
  type EventMessage,
  type HealthMessage,
  type ReportedMessage,
  sentenceOf,
} from '../../contract/messages.ts';
import type { Said, Watched } from './message.ts';
import type { WatchedDevice } from './state.ts';
import { percentOf, printable, subjectOf } from './text.ts';

/** For a pipe: a line for what a message changed, undefined where that is nothing or a result. */
export function changeLine(
  before: WatchedDevice | undefined,
  { device, reading }: Watched,
  after: WatchedDevice | undefined,
): string | undefined {
  const line = (name: string, text: string): string => printable(`${device} ${name} ${text}`);
  switch (reading.kind) {
    case 'cleared':
      return before === undefined ? undefined : line(reading.name, 'taken away');
    case 'unreadable':
      return before?.problem === after?.problem
        ? undefined
        : line(reading.name, `of another shape: ${reading.problem}`);
    case 'read': {
      const text = changeOf(before, reading.said, after);
      return text === undefined ? undefined : line(reading.said.name, text);
    }
    default:
      return unreachable(reading);
  }
}

function changeOf(
  before: WatchedDevice | undefined,
  said: Said,
  after: WatchedDevice | undefined,
): string | undefined {
  switch (said.name) {
    case 'result':
      return undefined;
    case 'status': {
      const { state, session, version } = said.message;
      if (after?.status !== said.message) return `${state}, late, of session ${session}`;
      const isSame = before?.status?.state === state && before.status.session === session;
      return isSame ? undefined : `${state} sightd ${version} session ${session}`;
    }
    case 'label': {
      const { id, label, score, previous } = said.message;
      if (before?.label?.id === id) return undefined;
      return `${label ?? 'nothing'} ${percentOf(score)}, before ${previous ?? 'nothing'}`;
    }
    case 'event': {
      if (before?.events === after?.events) return undefined;
      return eventText(said.message);
    }
    case 'health': {
      const text = healthText(said.message);
      return before?.health !== undefined && healthText(before.health) === text ? undefined : text;
    }
    case 'config/reported':
      return before?.reported?.id === said.message.id ? undefined : verdictText(said.message);
    default:
      return unreachable(said);
  }
}

function eventText({ code, message, mend }: EventMessage): string {
  return `${code}: ${message}${mend === undefined ? '' : ` ${mend}`}`;
}

function verdictText({ version, state, errors }: ReportedMessage): string {
  const which = subjectOf(version, state);
  const why = errors.map(sentenceOf);
  return [`${which} ${state}`, ...why].join('; ');
}

function healthText({ state, camera: { fault } }: HealthMessage): string {
  return fault === undefined ? state : `${state}: ${fault.message} ${fault.mend}`;
}

/** For a script: the message as it came; `problem` where it is none of the contract. */
export function jsonLine({ device, topic, retained, reading, json }: Watched, at: string): string {
  const problem = reading.kind === 'unreadable' ? { problem: reading.problem } : {};
  return JSON.stringify({ at, device, topic, retained, message: json ?? null, ...problem });
}
