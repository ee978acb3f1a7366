import { createRequire } from 'node:module';

/*
 * Keeps down what mqtt-packet, with which the mqtt package writes, holds of numbers. It is to be imported
 * before the mqtt package is loaded.
 */

type PacketPackage = { readonly writeToStream: { cacheNumbers: boolean } };
type NumbersOfPackets = { genBufVariableByteInt(number: number): Buffer };

// The very copy that mqtt uses, wherever it was installed.
const require = createRequire(import.meta.resolve('mqtt'));

const numbers = require('mqtt-packet/numbers') as NumbersOfPackets;
const { genBufVariableByteInt } = numbers;
/**
 * It keeps a buffer of a few bytes for each length that a packet ever had, up to 16384 of them. As Node.js cuts
 * small buffers out of larger ones, each would keep 8 kB from being collected.
 */
numbers.genBufVariableByteInt = (number) => {
  const bytes = genBufVariableByteInt(number);
  const own = Buffer.alloc(bytes.length); // Not cut out of anything, unlike Buffer.from.
  own.set(bytes);
  return own;
};

/**
 * With its first packet it would make a buffer of every number from 0 to 65535: 8 MB for the sake of the few
 * packets that it writes for us.
 */
(require('mqtt-packet') as PacketPackage).writeToStream.cacheNumbers = false;
