// The long variant of the ring's stress test: at least ten million handoffs, from a seed that is
// printed. STRESS_HANDOFFS and STRESS_SEED in the environment set others.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const env = {
  STRESS_HANDOFFS: '10000000',
  STRESS_SEED: String(randomInt(2 ** 31)),
  ...process.env,
};
process.stderr.write(
  `${env.STRESS_HANDOFFS} handoffs, STRESS_SEED=${env.STRESS_SEED}; some five minutes\n`,
);
const child = spawn(process.execPath, ['scripts/test.mjs', 'integration/ring-stress.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
});
child.once('exit', (code) => process.exit(code ?? 1));
