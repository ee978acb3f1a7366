// A device and its broker, and a fault every few seconds from a seed that is printed: each must be named
// and recovered from in time, nothing may be lost, and memory must not grow. SOAK_MINUTES, SOAK_FAULTS and
// SOAK_SEED in the environment set others; SOAK_ONLY takes the faults whose names match. --each says each
// fault, --json prints the figures for a script.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/test/soak/soak.js', import.meta.url));
const child = spawn(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
// It ends its daemon and its broker before it goes itself.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));
