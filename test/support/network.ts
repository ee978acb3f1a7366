import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from './data.ts';
import { end } from './mosquitto.ts';

/** Two machines and a cable between them: network namespaces and a pair of virtual interfaces. */
export type Network = AsyncDisposable & {
  /** Before a command: it runs on the device's or on the broker's machine. */
  readonly onDevice: readonly string[];
  readonly onBroker: readonly string[];
  /** The broker's address, as the device sees it. */
  readonly address: string;
  /** From now on every packet is lost, and nobody is told. */
  cut(): void;
  mend(): void;
};

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const deviceAddress = '10.177.0.1';
const brokerAddress = '10.177.0.2';
/** A neighbour that is not there. */
const nobody = '02:00:00:00:00:99';

const ip = (...args: string[]): string =>
  execFileSync('ip', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** `false` to run a test, or why it is skipped; in CI namespaces must be possible. */
export function skipWithoutNamespaces(): string | false {
  const name = `sightd-${process.pid}-probe`;
  const added = spawnSync('ip', ['netns', 'add', name], { env });
  const entered = spawnSync('ip', ['netns', 'exec', name, 'true'], { env });
  spawnSync('ip', ['netns', 'del', name], { env });
  if (added.status === 0 && entered.status === 0) return false;
  const reason = 'needs network namespaces: root, and ip (sudo apt install iproute2)';
  if (process.env['CI'] === 'true') throw new Error(`in CI, the test ${reason}`);
  return reason;
}

export function openNetwork(): Network {
  const device = `sightd-${process.pid}-d`;
  const broker = `sightd-${process.pid}-b`;
  const inside = (name: string, ...args: string[]): string => ip('-n', name, ...args);
  const setNeighbour = (name: string, address: string, verb: 'replace' | 'del'): void => {
    const mac = verb === 'replace' ? ['lladdr', nobody, 'nud', 'permanent'] : [];
    inside(name, 'neigh', verb, address, ...mac, 'dev', 'eth0');
  };
  ip('netns', 'add', device);
  ip('netns', 'add', broker);
  ip(
    'link',
    'add',
    'eth0',
    'netns',
    device,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    broker,
  );
  for (const [name, address] of [
    [device, deviceAddress],
    [broker, brokerAddress],
  ] as const) {
    inside(name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    inside(name, 'link', 'set', 'eth0', 'up');
    inside(name, 'link', 'set', 'lo', 'up');
  }
  return {
    onDevice: ['ip', 'netns', 'exec', device],
    onBroker: ['ip', 'netns', 'exec', broker],
    address: brokerAddress,
    // The packets go to a hardware address that nobody has: unlike an interface that is down, a cable
    // that is out or a firewall that refuses, nothing on either side hears of it.
    cut: () => {
      setNeighbour(device, brokerAddress, 'replace');
      setNeighbour(broker, deviceAddress, 'replace');
    },
    mend: () => {
      setNeighbour(device, brokerAddress, 'del');
      setNeighbour(broker, deviceAddress, 'del');
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of [device, broker]) spawnSync('ip', ['netns', 'del', name], { env });
    },
  };
}

/** Mosquitto on the broker's machine, and all that it logs. */
export async function startBrokerIn(
  network: Network,
): Promise<AsyncDisposable & { readonly port: number; readonly log: readonly string[] }> {
  const port = 1883;
  const file = join(temporaryFolder(), 'mosquitto.conf');
  const lines = ['allow_anonymous true', 'max_queued_messages 0', 'user root', 'log_type all'];
  writeFileSync(file, `listener ${port}\n${lines.join('\n')}\n`);
  const [command = '', ...args] = [...network.onBroker, 'mosquitto', '-c', file];
  const broker: ChildProcess = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    broker.once('exit', () => reject(new Error(`mosquitto ended:\n${log.join('\n')}`)));
    if (broker.stderr === null) return;
    createInterface({ input: broker.stderr }).on('line', (line) => {
      log.push(line);
      if (line.includes(' running')) resolve();
    });
  });
  return { port, log, [Symbol.asyncDispose]: () => end(broker) };
}
