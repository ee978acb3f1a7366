import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from './data.ts';

/** A real broker, Debian's mosquitto, on a free port of the loopback interface. */
export type Mosquitto = {
  readonly port: number;
  readonly url: string;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it in order: sessions and retained messages are there when it starts again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  subscribe(topic: string): Promise<Subscriber>;
  /** The same with a session that the broker keeps: what comes meanwhile is delivered later. */
  subscribeForGood(topic: string): Promise<Subscriber>;
};

/** A real subscriber, mosquitto_sub. */
export type Subscriber = AsyncDisposable & {
  readonly messages: Message[];
  /** Resolves when a message satisfies the condition, with that message. */
  until(condition: (message: Message) => boolean): Promise<Message>;
  close(): Promise<void>;
};
export type Message = { readonly topic: string; readonly payload: string };

const path = `${process.env['PATH']}:/usr/sbin:/sbin`;
const env = { ...process.env, PATH: path };
/** In the rig's virtual machine everything takes its time. */
const patienceMs = process.env['SIGHTD_RIG'] === 'machine' ? 180_000 : 60_000;

/** `false` to run a test, or why it is skipped; in CI the broker must be there. */
export function skipWithoutMosquitto(): string | false {
  const isThere = ['mosquitto', 'mosquitto_sub', 'mosquitto_pub'].every(
    (name) => spawnSync('which', [name], { env }).status === 0,
  );
  if (isThere) return false;
  if (process.env['CI'] === 'true') throw new Error('mosquitto is missing in CI');
  return 'needs mosquitto and mosquitto-clients (sudo apt install mosquitto mosquitto-clients)';
}

/** `extra` are lines of its config, for a broker that does not answer anybody: then its port is waited for. */
export async function startMosquitto(extra?: string): Promise<Mosquitto & AsyncDisposable> {
  const port = await freePort();
  const folder = temporaryFolder();
  const file = join(folder, 'mosquitto.conf');
  // As root it becomes another user, who may not write there.
  const keeping = `user root\npersistence true\npersistence_location ${folder}/\nautosave_interval 0\n`;
  const lines = extra ?? `allow_anonymous true\nmax_queued_messages 0\n${keeping}`;
  writeFileSync(file, `listener ${port} 127.0.0.1\n${lines}`);
  let broker: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    broker = spawn('mosquitto', ['-c', file], { env, stdio: 'ignore' });
    if (extra === undefined) await untilAnswers(port);
    else await untilListening(port, patienceMs);
  };
  const endWith = async (signal: NodeJS.Signals): Promise<void> => {
    const current = broker;
    broker = undefined;
    if (current !== undefined) await end(current, signal);
  };
  const kill = (): Promise<void> => endWith('SIGKILL');
  const subscribers: Subscriber[] = [];
  const keep = (subscriber: Subscriber): Subscriber => {
    subscribers.push(subscriber);
    return subscriber;
  };
  await start();
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    kill,
    stop: () => endWith('SIGTERM'),
    start,
    subscribe: async (topic) => keep(await subscribe(port, topic, [])),
    subscribeForGood: async (topic) => keep(await subscribe(port, topic, ['-c', '-i', 'keeper'])),
    [Symbol.asyncDispose]: async () => {
      // A test that failed has left them, and would not end while they look for their broker.
      for (const subscriber of subscribers) await subscriber.close();
      await kill();
    },
  };
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await exited;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Waits until something listens on a port of the loopback interface. */
export async function untilListening(port: number, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
    if (isThere) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const publishArguments = (port: number, topic: string): string[] => [
  '-h',
  '127.0.0.1',
  '-p',
  String(port),
  '-V',
  '5',
  '-q',
  '1',
  '-r',
  '-t',
  topic,
  '-m',
  'ready',
];

async function untilAnswers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { status } = spawnSync('mosquitto_pub', publishArguments(port, 'probe'), { env });
    if (status === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('mosquitto does not answer');
}

/** Subscribes, and resolves once the broker has confirmed it: a retained message came back. */
async function subscribe(
  port: number,
  topic: string,
  session: readonly string[],
): Promise<Subscriber> {
  execFileSync('mosquitto_pub', publishArguments(port, 'probe'), { env });
  const subscriber = startSubscriber(port, ['-V', '5', '-t', topic, '-t', 'probe', ...session]);
  await subscriber.until((message) => message.topic === 'probe');
  return subscriber;
}

/** mosquitto_sub with these arguments, which name the topics. */
export function startSubscriber(
  port: number,
  args: readonly string[],
  wrapper: readonly string[] = [],
): Subscriber {
  const [command = '', ...before] = [...wrapper, 'mosquitto_sub'];
  const child = spawn(
    command,
    [...before, '-h', '127.0.0.1', '-p', String(port), '-q', '1', '-F', '%t %p', ...args],
    { env, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const messages: Message[] = [];
  let waiting: (() => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const at = line.indexOf(' ');
    messages.push({ topic: line.slice(0, at), payload: line.slice(at + 1) });
    for (const resume of waiting) resume();
    waiting = [];
  });
  const until = async (condition: (message: Message) => boolean): Promise<Message> => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      for (const resume of waiting) resume();
    }, patienceMs);
    try {
      for (;;) {
        const found = messages.find(condition);
        if (found !== undefined) return found;
        if (isLate)
          throw new Error(`no such message within ${patienceMs} ms of ${messages.length}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const close = (): Promise<void> => end(child);
  return { messages, until, close, [Symbol.asyncDispose]: close };
}
