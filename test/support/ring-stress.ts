import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { createRandom, type Random } from '../../src/base/random.ts';
import { imbalanceOf, type Ledger } from '../../src/contract/ledger.ts';
import type { RingHandle, RingOrder } from '../../src/contract/ring.ts';
import { openCustodian, type RingCustodian } from '../../src/ring/custodian.ts';
import { createRing } from '../../src/ring/layout.ts';

/*
 * A stress run of one ring with real threads: one producer, several readers, and a main thread that
 * reads the ledger all the time and, when asked to, kills threads at random moments and starts others
 * in their place. Each frame's bytes are a pattern of its sequence number, so that a torn frame shows;
 * each delivery is marked in a shared bitmap by ordinal, so that a second one shows.
 */

export type StressPlan = {
  readonly seed: number;
  readonly order: RingOrder;
  readonly slots: number;
  readonly readers: number;
  /** Whether the producer waits for a free slot, so that no frame is lost. */
  readonly lossless: boolean;
  /** Frames that the producer publishes (lossless) or deliveries to wait for. */
  readonly handoffs: number;
  /** Threads to kill during the run. */
  readonly kills: number;
};

export type StressOutcome = {
  readonly ledger: Ledger;
  readonly deliveries: number;
  readonly killed: number;
  readonly ledgerReadings: number;
};

/** Words of the control block that the stress threads share. */
export const controlWords = {
  stop: 0,
  torn: 1,
  repeated: 2,
  backwards: 3,
  delivered: 4,
  published: 5,
};
export const slotBytes = 512;

export type StressWorkerInput = {
  readonly role: 'producer' | 'reader';
  readonly ring: RingHandle;
  readonly owner: number;
  readonly reader: number;
  readonly seed: number;
  readonly plan: StressPlan;
  readonly control: SharedArrayBuffer;
  readonly deliveredBits: SharedArrayBuffer;
};

const workerUrl = new URL('./ring-stress-worker.js', import.meta.url);
const deadlineMs = 300_000;

export async function runStress(plan: StressPlan): Promise<StressOutcome> {
  const random = createRandom(plan.seed);
  const run = startRun(plan);
  const deadline = performance.now() + deadlineMs;
  let killed = 0;
  let ledgerReadings = 0;
  while (!isDone(run)) {
    for (let reading = 0; reading < 20; reading += 1) {
      checkLedger(run.custodian.ledger(), plan);
      ledgerReadings += 1;
    }
    if (killed < plan.kills && isTimeToKill(run, killed)) {
      await killOne(run, random);
      killed += 1;
    }
    assert.ok(performance.now() < deadline, `seed ${plan.seed}: the run ends in time`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await finish(run);
  const ledger = run.custodian.ledger();
  checkLedger(ledger, plan);
  assert.equal(ledger.inFlight, 0, `seed ${plan.seed}: nothing is left in flight`);
  assertControl(run, plan);
  return { ledger, deliveries: controlOf(run, 'delivered'), killed, ledgerReadings };
}

type Child = {
  worker: Worker;
  readonly input: StressWorkerInput;
  exited: Promise<void>;
  done: boolean;
};
type Run = {
  readonly plan: StressPlan;
  readonly custodian: RingCustodian;
  readonly control: Int32Array;
  readonly children: Child[];
};

function startRun(plan: StressPlan): Run {
  const ring = createRing({
    slots: plan.slots,
    slotBytes,
    order: plan.order,
    readers: plan.readers,
    workspaceBytes: 64,
  });
  const control = new SharedArrayBuffer(64);
  // Killed threads make a lossless run publish somewhat more ordinals than it delivers.
  const deliveredBits = new SharedArrayBuffer(Math.ceil((plan.handoffs * 64 + 4096) / 32) * 4);
  const common = { ring, plan, control, deliveredBits };
  const children = [
    startChild({ ...common, role: 'producer', owner: 1, reader: 0, seed: plan.seed }),
  ];
  for (let reader = 0; reader < plan.readers; reader += 1) {
    const seed = plan.seed * 31 + reader;
    children.push(startChild({ ...common, role: 'reader', owner: 2 + reader, reader, seed }));
  }
  return { plan, custodian: openCustodian(ring), control: new Int32Array(control), children };
}

function startChild(input: StressWorkerInput): Child {
  const child: Child = { worker: spawn(input), input, exited: Promise.resolve(), done: false };
  watch(child);
  return child;
}

function spawn(input: StressWorkerInput): Worker {
  return new Worker(workerUrl, { workerData: input });
}

function watch(child: Child): void {
  child.worker.on('message', () => {
    child.done = true;
  });
  child.worker.on('error', (error) => {
    throw error;
  });
  child.exited = new Promise((resolve) => child.worker.once('exit', () => resolve()));
}

function isDone(run: Run): boolean {
  return run.children.every((child) => child.done);
}

/** Kills are spread over the run by its progress. */
function isTimeToKill(run: Run, killed: number): boolean {
  return controlOf(run, 'delivered') > (run.plan.handoffs / (run.plan.kills + 1)) * (killed + 1);
}

/** Ends a random thread wherever it is, takes its slots back, and starts another in its place. */
async function killOne(run: Run, random: Random): Promise<void> {
  const alive = run.children.filter((child) => !child.done);
  const child = alive[Math.floor(random() * alive.length)];
  if (child === undefined) return;
  await child.worker.terminate();
  await child.exited;
  run.custodian.reclaim(child.input.owner);
  checkLedger(run.custodian.ledger(), run.plan);
  if (child.done) return;
  child.worker = spawn({ ...child.input, seed: Math.floor(random() * 2 ** 31) });
  watch(child);
}

function checkLedger(ledger: Ledger, plan: StressPlan): void {
  const text = `seed ${plan.seed}: ${JSON.stringify(ledger)}`;
  assert.equal(imbalanceOf(ledger), 0, `${text} balances`);
  assert.ok(
    ledger.inFlight >= 0 && ledger.inFlight <= plan.slots,
    `${text} holds no more than it can`,
  );
}

function controlOf(run: Run, name: keyof typeof controlWords): number {
  return Atomics.load(run.control, controlWords[name]);
}

function assertControl(run: Run, plan: StressPlan): void {
  assert.equal(controlOf(run, 'torn'), 0, `seed ${plan.seed}: no frame is torn`);
  assert.equal(controlOf(run, 'repeated'), 0, `seed ${plan.seed}: no frame is delivered twice`);
  assert.equal(controlOf(run, 'backwards'), 0, `seed ${plan.seed}: no reader goes back in time`);
}

async function finish(run: Run): Promise<void> {
  for (const child of run.children) {
    await child.worker.terminate();
    await child.exited;
    run.custodian.reclaim(child.input.owner);
  }
}
