import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Loaded into each thread of the device before its own program: garbage is collected twice a minute, so that
 * memory that grows is memory that is kept. V8 by itself lets megabytes of garbage lie for many minutes.
 */

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(collect, 30_000).unref();
