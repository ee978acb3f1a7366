import { randomBytes, randomInt } from 'node:crypto';
import { fault } from '../base/fault.ts';
import { openLog } from '../base/log.ts';
import { createRandom } from '../base/random.ts';
import { systemClock } from '../base/time.ts';
import { isCameraThere } from '../camera/find.ts';
import type { Config } from '../contract/config.ts';
import { runDaemon } from '../daemon/daemon.ts';
import { memoryBudgets } from '../daemon/life/budget-store.ts';
import { silentLife } from '../daemon/life/life-record.ts';
import { openBroker } from '../mqtt/broker.ts';
import { openNotifier } from '../systemd/notifier.ts';
import { parseArguments, wholeNumberOf } from './arguments.ts';
import type { Command } from './command.ts';
import { loadConfig } from './config-source.ts';
import { createLiveView } from './live-view.ts';
import { exitOf } from './run.ts';
import { stopWithin } from './stop-within.ts';
import { complainOf } from './terminal.ts';

/** The ports most people expect of a broker; where they are taken, free ones. */
const defaultPort = 1883;
const defaultWebSocketPort = 9001;
/** Health drives the figures in the view. */
const healthSeconds = 1;

export const demo: Command = {
  summary: 'see it work: embedded broker, live results in the terminal',
  help: `Usage: sightd demo [--config FILE] [--port N] [--seconds N] [--json]

Runs the daemon with an MQTT broker of its own on 127.0.0.1 and shows the results as they come.
Without a camera it looks at a built-in moving scene.

  -c, --config FILE   start from this config (default: as \`sightd run\`)
      --port N        the broker's TCP port (default ${defaultPort}, or a free one where that is taken)
      --seconds N     stop by itself after so long
      --json          one line of JSON per second instead of the live view
  -h, --help          this text
`,
  run: async ({ args, terminal, environment, stop }) => {
    const options = {
      config: { type: 'string', short: 'c' },
      port: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    const parsed = parseArguments('demo', args, options, 0);
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const port = wholeNumberOf(parsed.value.text('port'), defaultPort);
    const secondsMax = wholeNumberOf(parsed.value.text('seconds'), 0);
    if (port === undefined || secondsMax === undefined || port > 65535) {
      const reason = fault(
        'usage.argument',
        'sightd demo: --port and --seconds take a number',
        'For example --port 1884.',
      );
      return complainOf(terminal, reason);
    }
    const loaded = loadConfig(parsed.value.text('config'), environment, terminal);
    if (!loaded.ok) return loaded.exit;
    const opened = await openBroker({ port, webSocketPort: defaultWebSocketPort });
    if (!opened.ok) return complainOf(terminal, opened.fault);
    await using broker = opened.value;
    const config = await demoConfig(loaded.config, broker.port);
    const view = createLiveView({
      terminal,
      clock: systemClock,
      broker,
      isJson: parsed.value.isSet('json'),
    });
    using notifier = openNotifier(process.env, systemClock);
    const end = await runDaemon({
      notifier,
      config,
      log: await openLog('warn', process.stderr.isTTY === true, terminal.hasColour),
      clock: systemClock,
      random: createRandom(randomInt(2 ** 31)),
      // A demo leaves nothing behind.
      stateDir: undefined,
      budgets: memoryBudgets(),
      life: silentLife(randomBytes(8).toString('hex')),
      stop: secondsMax > 0 ? stopWithin(stop, secondsMax) : stop,
      onReload: undefined,
      onDiagnose: undefined,
      inject: undefined,
      readConfig: undefined,
      onRunning: view.onRunning,
      onPublished: view.onPublished,
      onHealth: view.onHealth,
    });
    view.close('ledger' in end ? end.ledger : undefined);
    return exitOf(end, terminal);
  },
};

async function demoConfig(config: Config, port: number): Promise<Config> {
  const isSeeing = config.camera.source !== 'auto' || (await isCameraThere());
  return {
    ...config,
    camera: isSeeing ? config.camera : { ...config.camera, source: 'scene' },
    device: { id: config.device.id ?? 'demo' },
    mqtt: { ...config.mqtt, url: `mqtt://127.0.0.1:${port}` },
    // Its broker forgets, and its state folder is another daemon's.
    remoteConfig: { ...config.remoteConfig, enabled: false },
    health: { ...config.health, intervalSeconds: healthSeconds },
  };
}
