import { mapDevice, openDevice } from '../../src/base/libc.ts';

/* A thread that dies while it holds a device and a part of its memory. */

const device = openDevice('/dev/zero');
if (!device.ok) throw new Error(`errno ${device.errno}`);
const mapped = mapDevice(device.value.number, 0, 3 * 65536);
if (!mapped.ok) throw new Error(`errno ${mapped.errno}`);
mapped.value.bytes[0] = 1;
throw new Error('died on purpose');
