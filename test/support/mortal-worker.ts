import { parentPort } from 'node:worker_threads';

/* A thread that does what it is told: says it is there, dies, or ends. */

parentPort?.on('message', (command: 'hello' | 'die' | 'end') => {
  if (command === 'die') throw new Error('told to die');
  if (command === 'end') parentPort?.close();
  else parentPort?.postMessage('here');
});
