// The long variants of some tests, from a seed that is printed: the ring's, at least ten million
// handoffs; the outbox's, 100 kills and an outage of 60 s; 60 s of lost packets; and the fuzzer's,
// 100,000 payloads to a running device. STRESS_HANDOFFS, OUTBOX_KILLS, OUTBOX_OUTAGE_SECONDS,
// OUTAGE_SECONDS, FUZZ_WIRE_PAYLOADS, STRESS_SEED and FUZZ_SEED in the environment set others.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const env = {
  STRESS_HANDOFFS: '10000000',
  OUTBOX_KILLS: '100',
  OUTBOX_OUTAGE_SECONDS: '60',
  OUTAGE_SECONDS: '60',
  FUZZ_WIRE_PAYLOADS: '100000',
  STRESS_SEED: String(randomInt(2 ** 31)),
  ...process.env,
};
process.stderr.write(
  `${env.STRESS_HANDOFFS} handoffs, ${env.OUTBOX_KILLS} kills, STRESS_SEED=${env.STRESS_SEED}; some fifteen minutes\n`,
);
const tests = [
  'integration/ring-stress.test.ts',
  'system/outbox.test.ts',
  'system/outage.test.ts',
  'fuzz/wire.test.ts',
];
const child = spawn(process.execPath, ['scripts/test.mjs', ...tests], {
  cwd: root,
  env,
  stdio: 'inherit',
});
child.once('exit', (code) => process.exit(code ?? 1));
