import { type ExitCode, exitCodes } from '../../base/fault.ts';

/** Why a service ended, and what can be done about it. */
export type ExitReason = { readonly reason: string; readonly mend: string };

/** sightd's own exit codes. */
const own: Readonly<Record<ExitCode, ExitReason>> = {
  [exitCodes.clean]: { reason: 'it ended by itself', mend: 'Start it again.' },
  [exitCodes.hung]: {
    reason: 'stopping took too long',
    mend: 'Its last log line says what it waited for.',
  },
  [exitCodes.usage]: {
    reason: 'its command line is wrong',
    mend: 'Correct ExecStart= in the unit.',
  },
  [exitCodes.unavailable]: {
    reason: 'the camera or the model cannot be used',
    mend: 'See the parts camera and model above.',
  },
  [exitCodes.internal]: { reason: 'an internal error', mend: 'Report this, with the log.' },
  [exitCodes.restart]: {
    reason: 'it was asked over MQTT to be started again',
    mend: 'The unit starts it by itself with Restart=on-failure.',
  },
  [exitCodes.config]: {
    reason: 'its config is wrong',
    mend: '`sightd config check` says what is wrong.',
  },
  [exitCodes.interrupted]: {
    reason: 'a second interrupt ended it at once',
    mend: 'Start it again.',
  },
};

/** Codes of the shell, and of systemd for what it does before the program runs (systemd.exec(5)). */
const others: Readonly<Record<number, ExitReason>> = {
  126: { reason: 'its program cannot be run', mend: 'Make the program executable.' },
  127: {
    reason: 'its program or Node.js is not found',
    mend: 'Install Node.js, or correct ExecStart=.',
  },
  200: {
    reason: 'its working directory is missing',
    mend: 'Correct WorkingDirectory= in the unit.',
  },
  203: { reason: 'its program cannot be run', mend: 'Correct ExecStart= in the unit.' },
  216: {
    reason: 'its group does not exist',
    mend: 'Make the group, or correct Group= in the unit.',
  },
  217: { reason: 'its user does not exist', mend: 'Make the user, or correct User= in the unit.' },
  226: { reason: 'its sandbox cannot be set up', mend: 'Make the folders that the unit names.' },
  238: { reason: 'its state folder cannot be made', mend: 'Correct StateDirectory= in the unit.' },
  243: {
    reason: 'a credential cannot be handed in',
    mend: 'Make the files that LoadCredential= names.',
  },
};

/** What an exit code of a sightd that systemd started means. */
export function exitReasonOf(code: number): ExitReason {
  const known = others[code] ?? Object.entries(own).find(([own]) => Number(own) === code)?.[1];
  return known ?? { reason: 'no exit code of sightd', mend: 'Look at ExecStart= in the unit.' };
}
