import type { InferenceInjection } from '../../src/contract/threads.ts';
import { startInferenceThread } from './inference-thread.ts';

/** A process whose inference thread, waiting for frames, is made to do what is named. */
const thread = startInferenceThread();
await thread.untilReport('loaded');
thread.inject(process.argv[2] as InferenceInjection['what']);
await new Promise((resolve) => setTimeout(resolve, 20_000));
