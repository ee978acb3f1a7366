import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type Answer, answerSchemas, type CommandName } from '../../src/contract/commands.ts';
import { end, type Mosquitto } from './mosquitto.ts';

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

export const later = (seconds: number): string =>
  new Date(Date.now() + seconds * 1000).toISOString();

const patienceMs = 60_000;

/** A command that would be obeyed, with keys of its own. */
export const commandOf = (more: object = {}): object => ({
  id: randomUUID(),
  expiresAt: later(60),
  ...more,
});

/** Runs one of mosquitto's clients to its end; its output, and its exit code. */
export async function runClient(
  broker: Mosquitto,
  program: string,
  args: readonly string[],
  input: string | Uint8Array | undefined,
): Promise<{ readonly output: Buffer; readonly code: number | null }> {
  const child = spawn(program, ['-h', '127.0.0.1', '-p', String(broker.port), ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { output: Buffer.concat(parts), code };
}

/** Asks with mosquitto_rr and MQTT 5: a response topic and correlation data of its own. */
export async function ask(broker: Mosquitto, name: CommandName, payload: unknown): Promise<Answer> {
  const correlation = randomUUID();
  const { output, code } = await runClient(
    broker,
    'mosquitto_rr',
    [
      ...['-V', '5', '-q', '1', '-W', '30', '-t', `sightd/porch/command/${name}`],
      ...['-e', `answers/${correlation}`, '-D', 'publish', 'correlation-data', correlation],
      ...['-F', '%D %p', '-m', JSON.stringify(payload)],
    ],
    undefined,
  );
  const text = output.toString();
  if (code !== 0 || !text.startsWith(`${correlation} `)) {
    throw new Error(`mosquitto_rr ended with ${code}: ${text}`);
  }
  return answerSchemas[name].parse(JSON.parse(text.slice(correlation.length + 1)));
}

/** Asks with MQTT 3.1.1: the answer comes on the device's own topic. */
export async function askPlainly(
  broker: Mosquitto,
  name: CommandName,
  payload: unknown,
): Promise<Answer> {
  const { output } = await runClient(
    broker,
    'mosquitto_rr',
    [
      ...['-V', '311', '-q', '1', '-W', '30', '-t', `sightd/porch/command/${name}`],
      ...['-e', `sightd/porch/response/${name}`, '-m', JSON.stringify(payload)],
    ],
    undefined,
  );
  return answerSchemas[name].parse(JSON.parse(output.toString()));
}

/** Subscribes to a topic: `all` gives the payloads of the next `count` messages, one after the other. */
export async function watch(
  broker: Mosquitto,
  topic: string,
  count: number,
  ending: readonly string[],
): Promise<{ all(): Promise<Buffer> }> {
  const probe = `probe/${randomUUID()}`;
  await runClient(broker, 'mosquitto_pub', ['-r', '-t', probe, '-m', 'ready'], undefined);
  const args = ['-h', '127.0.0.1', '-p', String(broker.port), '-V', '5', '-q', '1', ...ending];
  const child = spawn('mosquitto_sub', [...args, '-C', `${count + 1}`, '-t', probe, '-t', topic], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // A retained message: then the subscriptions are there.
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (part: Buffer) => {
      parts.push(part);
      resolve();
    });
  });
  return {
    all: async () => {
      const timer = setTimeout(() => void end(child), patienceMs);
      await closed;
      clearTimeout(timer);
      return Buffer.concat(parts).subarray('ready'.length);
    },
  };
}

/** The next snapshot's bytes. */
export const watchSnapshot = (broker: Mosquitto): ReturnType<typeof watch> =>
  watch(broker, 'sightd/porch/snapshot', 1, ['-N']);
