import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/base/paths.ts';
import { command, until } from './rig.ts';

/** The units of this checkout, installed as a package would install them, and one of them at work. */
export interface Unit extends AsyncDisposable {
  readonly name: string;
  /** Its state directory. */
  readonly stateDir: string;
  /** Writes its config, which is JSON: YAML too. */
  configure(config: object): void;
  /** Puts a drop-in over the unit, in place of one of this name; undefined takes it away. */
  override(name: string, lines: readonly string[] | undefined): void;
  /** Puts a secret where the unit looks for it. */
  putCredential(name: string, text: string): void;
  /** Waits until it has started as its type has it; throws where it does not. */
  start(): void;
  /** Starts it, and leaves what comes of it to be seen. */
  begin(): void;
  stop(): void;
  reload(): void;
  /** Sends a signal to the main process. */
  kill(signal: NodeJS.Signals): void;
  show(property: string): string;
  pid(): number;
  /** What it and its programs have written, and what systemd says of it, since it was handed out. */
  journal(): string[];
  /** What it has left of how its last run ended, without which run that was; undefined before. */
  exitLine(): string | undefined;
  untilShows(property: string, isWanted: string | ((value: string) => boolean)): Promise<string>;
  untilJournal(text: string | RegExp): Promise<string>;
  /** Adds its journal to what goes wrong meanwhile. */
  explained<T>(wait: () => Promise<T>): Promise<T>;
}

const source = join(packageRoot, 'systemd');
const units = '/etc/systemd/system';
const credentials = '/etc/credstore';

const placed: readonly (readonly [string, string])[] = [
  ['sightd.service', `${units}/sightd.service`],
  ['sightd@.service', `${units}/sightd@.service`],
  ['sightd.sysusers.conf', '/etc/sysusers.d/sightd.conf'],
  ['sightd.tmpfiles.conf', '/etc/tmpfiles.d/sightd.conf'],
  ['70-sightd.rules', '/etc/udev/rules.d/70-sightd.rules'],
];

function install(): void {
  for (const [name, target] of placed) {
    mkdirSync(join(target, '..'), { recursive: true });
    copyFileSync(join(source, name), target);
    chmodSync(target, 0o644);
  }
  command('systemd-sysusers', '/etc/sysusers.d/sightd.conf');
  command('systemd-tmpfiles', '--create', '/etc/tmpfiles.d/sightd.conf');
  // Where udev does not run, as in namespaces, nobody reads its rules.
  command('bash', '-c', 'udevadm control --reload; true');
  rmSync('/usr/bin/sightd', { force: true });
  symlinkSync(join(packageRoot, 'dist', 'src', 'main.js'), '/usr/bin/sightd');
}

/** Whether the daemon tells systemd how it is; units of `Type=notify` wait for that. */
export function speaksWithSystemd(): boolean {
  const built = join(packageRoot, 'dist', 'src');
  return ['cli', 'daemon'].some((layer) =>
    readdirSync(join(built, layer))
      .filter((file) => file.endsWith('.js'))
      .some((file) => /systemd\/notifier/.test(readText(join(built, layer, file)))),
  );
}

/** Enough to see what the last start came to. */
const journalLinesMax = 40;

/** Lines that make systemd expect nothing of a daemon that says nothing to it. */
const unspoken = ['[Service]', 'Type=exec', 'WatchdogSec=0'];

/**
 * Installs the units and hands out sightd.service, or the template's with that instance. Disposing of it
 * takes away what it kept, but not the units themselves.
 */
export function openUnit(instance?: string): Unit {
  install();
  const own = instance === undefined ? 'sightd' : `sightd-${instance}`;
  const name = instance === undefined ? 'sightd.service' : `sightd@${instance}.service`;
  const config = `/etc/sightd/${instance ?? 'config'}.yaml`;
  const dropIns = `${units}/${name}.d`;
  const written: string[] = [];
  const systemctl = (...args: readonly string[]): string => command('systemctl', ...args);
  const override: Unit['override'] = (dropIn, lines) => {
    const file = join(dropIns, `${dropIn}.conf`);
    mkdirSync(dropIns, { recursive: true });
    if (lines === undefined) rmSync(file, { force: true });
    else writeFileSync(file, `${lines.join('\n')}\n`);
    systemctl('daemon-reload');
  };
  if (speaksWithSystemd()) systemctl('daemon-reload');
  else override('unspoken', unspoken);
  const cursor = /^-- cursor: (.*)$/m.exec(command('journalctl', '-n', '1', '--show-cursor'))?.[1];
  const show = (property: string): string => systemctl('show', '-P', property, name).trim();
  const journal = (): string[] =>
    command('journalctl', '--no-pager', '-o', 'cat', '-u', name, `--after-cursor=${cursor}`)
      .trimEnd()
      .split('\n');
  const explained: Unit['explained'] = async (wait) => {
    try {
      return await wait();
    } catch (error) {
      throw new Error(`${error}\n${journal().slice(-journalLinesMax).join('\n')}`);
    }
  };

  return {
    name,
    stateDir: `/var/lib/${own}`,
    configure: (value) => {
      writeFileSync(config, JSON.stringify(value));
      command('chgrp', 'sightd', config);
      chmodSync(config, 0o640);
    },
    override,
    putCredential: (id, text) => {
      const file = join(credentials, `${own}.${id}`);
      written.push(file);
      writeFileSync(file, text);
      chmodSync(file, 0o600);
    },
    start: () => {
      systemctl('start', name);
    },
    begin: () => {
      systemctl('start', '--no-block', name);
    },
    stop: () => {
      systemctl('stop', name);
    },
    reload: () => {
      systemctl('reload', name);
    },
    kill: (signal) => {
      systemctl('kill', '--kill-who=main', '--signal', signal, name);
    },
    show,
    pid: () => Number(show('MainPID')),
    journal,
    exitLine: () => {
      const file = `/run/${own}/exit`;
      if (!existsSync(file)) return undefined;
      const [, line, run] = /^(.*) ([0-9a-f]{32})\n$/.exec(readText(file)) ?? [];
      if (line === undefined || run === undefined) throw new Error(`${file}: ${readText(file)}`);
      return line;
    },
    untilShows: (property, isWanted) => {
      const isIt = typeof isWanted === 'string' ? (text: string) => text === isWanted : isWanted;
      return explained(() =>
        until(`${name} shows ${property} ${isWanted}`, () => {
          const value = show(property);
          return isIt(value) ? value : undefined;
        }),
      );
    },
    untilJournal: (text) => {
      const isIt = (line: string): boolean =>
        typeof text === 'string' ? line.includes(text) : text.test(line);
      return explained(() =>
        until(`the journal of ${name} has ${text}`, () => journal().find(isIt)),
      );
    },
    explained,
    [Symbol.asyncDispose]: async () => {
      command('bash', '-c', `systemctl kill --signal=KILL ${name}; systemctl stop ${name}; true`);
      command('bash', '-c', `systemctl reset-failed ${name}; true`);
      for (const path of [dropIns, config, `/var/lib/${own}`, `/run/${own}`, ...written]) {
        rmSync(path, { recursive: true, force: true });
      }
      systemctl('daemon-reload');
    },
  };
}

const readText = (path: string): string => readFileSync(path, 'utf8');
