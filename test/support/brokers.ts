import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './data.ts';
import { end, freePort, untilListening } from './mosquitto.ts';

/** A broker of Debian's on a free port of the loopback interface, ended when disposed of. */
export type Broker = AsyncDisposable & { readonly port: number; readonly url: string };

const path = `${process.env['PATH']}:/usr/sbin:/sbin`;
/** RabbitMQ takes about ten seconds on an idle machine. */
const startMs = 120_000;

/** `false` to run a test, or why it is skipped; in CI the program must be there. */
export function skipWithout(program: string): string | false {
  if (spawnSync('which', [program], { env: { PATH: path } }).status === 0) return false;
  if (process.env['CI'] === 'true') throw new Error(`${program} is missing in CI`);
  return `needs ${program} (sudo apt install ${program})`;
}

/** Debian's rabbitmq-server in the PATH becomes another user, who may not write to a test's folder. */
const rabbitServer = '/usr/lib/rabbitmq/bin/rabbitmq-server';

const urlOf = (port: number): string => `mqtt://127.0.0.1:${port}`;

/** NATS keeps MQTT's sessions and retained messages in JetStream, which wants a folder. */
export async function startNats(): Promise<Broker> {
  const folder = temporaryFolder();
  const port = await freePort();
  const natsPort = await freePort();
  const file = join(folder, 'nats.conf');
  const store = JSON.stringify(join(folder, 'jetstream'));
  writeFileSync(
    file,
    `server_name: test
listen: "127.0.0.1:${natsPort}"
jetstream { store_dir: ${store} }
mqtt { listen: "127.0.0.1:${port}" }
`,
  );
  const child = spawn('nats-server', ['-c', file], { env: { PATH: path }, stdio: 'ignore' });
  await untilListening(port, startMs);
  return { port, url: urlOf(port), [Symbol.asyncDispose]: () => end(child) };
}

/** RabbitMQ as a node of its own: nothing outside its folder, and its own port mapper. */
export async function startRabbit(): Promise<Broker> {
  const folder = temporaryFolder();
  const [port, amqpPort, distributionPort, mapperPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  writeFileSync(join(folder, 'enabled_plugins'), '[rabbitmq_mqtt].\n');
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${amqpPort}
mqtt.listeners.tcp.1 = 127.0.0.1:${port}
mqtt.allow_anonymous = true
`,
  );
  const env = {
    PATH: path,
    // Its own cookie, and no file in anybody's home.
    HOME: folder,
    // The mapper of a private port ends with the node that it was started for.
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `sightd-test-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    // One scheduler's worth of a small machine is enough, and it starts faster.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
  };
  // A process group of its own: the shell script, the Erlang machine and its helpers end together.
  const child = spawn(rabbitServer, [], { env, stdio: 'ignore', detached: true });
  const close = async (): Promise<void> => {
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const isGone = child.exitCode !== null || child.signalCode !== null;
    if (child.pid !== undefined && !isGone) process.kill(-child.pid, 'SIGKILL');
    if (!isGone) await exited;
    await endMapper(env);
  };
  try {
    await untilListening(port, startMs);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, url: urlOf(port), [Symbol.asyncDispose]: close };
}

/** Erlang's port mapper outlives its node; it may be ended once it has noticed that the node is gone. */
async function endMapper(env: Record<string, string>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const { status } = spawnSync('epmd', ['-kill'], { env, stdio: 'ignore' });
    if (status === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`epmd on port ${env['ERL_EPMD_PORT']} does not end`);
}
