import { rmSync } from 'node:fs';
import { micros, millis, systemClock } from '../../src/base/time.ts';
import { systemLifeFiles } from '../../src/daemon/life/life-files.ts';
import { openLife } from '../../src/daemon/life/life-record.ts';

/*
 * A process that leaves a record in the state folder named first, says how the one before it ended, beats
 * once, and ends as the second word says.
 */

const [stateDir = '', end = ''] = process.argv.slice(2);
const life = openLife({
  stateDir,
  environment: process.env,
  clock: systemClock,
  wallNow: Date.now,
  isClockSynced: () => false,
  session: `session ${process.pid}`,
  pid: process.pid,
  files: systemLifeFiles,
  onTrouble: ({ message }) => process.stderr.write(`${message}\n`),
});
const classifiedAt = systemClock.now();
process.stdout.write(`${JSON.stringify(life.previous ?? null)}\n`);
await systemClock.sleep(millis(950), undefined);
life.beat({ classifiedAt });
switch (end) {
  case 'kill':
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'abort':
    process.abort();
    break;
  case 'planned':
    life.ending({ how: 'planned', fault: { code: 'inference.hung', message: 'it hangs' } });
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'gone':
    // What the record was to lie in is gone when it is to be written.
    rmSync(stateDir, { recursive: true });
    life.ending({ how: 'asked', fault: undefined });
    break;
  case 'wait':
    process.stdout.write('waiting\n');
    setInterval(() => life.beat({ classifiedAt: micros(0) }), 100);
    break;
  default:
    life.ending({ how: 'asked', fault: undefined });
}
