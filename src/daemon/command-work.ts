import { unreachable } from '../base/assert.ts';
import { failure, fault, type Outcome, success } from '../base/fault.ts';
import type {
  CommandOf,
  CommandResult,
  ConfigureResult,
  DoctorResult,
  IdentifyResult,
  PurgeResult,
  ReloadResult,
} from '../contract/commands.ts';
import type { Perform, WorkContext } from './commands.ts';
import type { Layer } from './config-layers.ts';
import type { Snapshots } from './snapshots.ts';

/** What commands are done with. */
export type CommandWork = {
  readonly snapshots: Pick<Snapshots, 'take'>;
  readonly identify: () => IdentifyResult;
  readonly reload: () => Outcome<ReloadResult>;
  readonly purge: (signal: AbortSignal) => Promise<Outcome<PurgeResult>>;
  readonly examine: (signal: AbortSignal) => Promise<DoctorResult>;
  readonly configure: (partial: Layer, signal: AbortSignal) => Promise<Outcome<ConfigureResult>>;
  /** False while others take their places already. */
  readonly restart: (part: 'camera' | 'inference') => boolean;
  /** Soon after `answered`, or without it. */
  readonly restartProcess: (answered: Promise<void>) => void;
  /** Whether every frame counts: then nothing that loses one is done. */
  readonly isLossless: () => boolean;
};

export function createPerform(work: CommandWork): Perform {
  return async (command, context): Promise<Outcome<CommandResult>> => {
    switch (command.name) {
      case 'snapshot':
        return work.snapshots.take(
          { sideMax: command.sideMax, quality: command.quality },
          context.signal,
        );
      case 'identify':
        return success(work.identify());
      case 'reload':
        return work.reload();
      case 'restart':
        return restart(command, work, context);
      case 'purge':
        return work.purge(context.signal);
      case 'doctor':
        return success(await work.examine(context.signal));
      case 'configure':
        return work.configure(command.config, context.signal);
      default:
        return unreachable(command);
    }
  };
}

function restart(
  { what }: CommandOf<'restart'>,
  work: CommandWork,
  { answered }: WorkContext,
): Outcome<CommandResult> {
  if (what === 'process') {
    work.restartProcess(answered);
    return success({ what });
  }
  if (work.isLossless()) {
    const sentence = `a lossless run is under way: frames would be lost with another ${what}`;
    return failure(fault('command.impossible', sentence, 'Wait for its end.'));
  }
  if (work.restart(what)) return success({ what });
  const sentence = 'other inference workers are taking their places just now';
  return failure(fault('command.busy', sentence, 'Send it again in a few seconds.'));
}
