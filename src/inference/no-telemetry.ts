import { setEnvironment } from '../base/libc.ts';

/*
 * onnxruntime 1.30 for Linux reports its use to its maker: it keeps a database of events below the
 * user's cache folder, writes a log to /tmp, and uploads over HTTPS. A camera daemon does none of
 * that: nothing leaves the device but what its config says, and flash storage is spared. This module
 * is imported before the package is, in whatever thread that happens; Node's own `process.env` is a
 * copy in a worker and would not be seen.
 */
setEnvironment('ORT_DISABLE_TELEMETRY', '1');
