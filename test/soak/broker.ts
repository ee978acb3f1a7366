import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, untilListening } from '../support/mosquitto.ts';

/** A real mosquitto that can be killed, stopped, paused and started again. */
export type Broker = {
  readonly url: string;
  start(): Promise<void>;
  /** As a crash would; what it knows of sessions it has saved just before, or they would be lost with it. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** For whoever has no time to wait. */
  killAtOnce(): void;
  pause(): void;
  goOn(): void;
};

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const startMsMax = 20_000;
/** Writing a few kilobytes takes less. */
const saveMs = 150;

export async function startBroker(folder: string): Promise<Broker> {
  const port = await freePort();
  const kept = join(folder, 'broker');
  mkdirSync(kept, { recursive: true });
  const file = join(folder, 'mosquitto.conf');
  // As root it becomes another user, who may not write there.
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1
user root
allow_anonymous true
max_queued_messages 0
persistence true
persistence_location ${kept}/
autosave_interval 0
`,
  );
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn('mosquitto', ['-c', file], {
      ...{ env, stdio: 'ignore' },
      // What a terminal sends to all is not for it.
      detached: true,
    });
    await untilListening(port, startMsMax);
  };
  const endBy = async (signal: NodeJS.Signals): Promise<void> => {
    const current = child;
    child = undefined;
    if (current !== undefined) await end(current, signal);
  };
  await start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    start,
    kill: async () => {
      child?.kill('SIGUSR1');
      await new Promise((resolve) => setTimeout(resolve, saveMs));
      await endBy('SIGKILL');
    },
    stop: () => endBy('SIGTERM'),
    killAtOnce: () => void child?.kill('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    goOn: () => void child?.kill('SIGCONT'),
  };
}
