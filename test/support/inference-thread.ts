import assert from 'node:assert/strict';
import { compiled } from '../../src/base/compiled.ts';
import { systemClock } from '../../src/base/time.ts';
import { frameBytesOf } from '../../src/contract/frame.ts';
import type { Ledger } from '../../src/contract/ledger.ts';
import type { InferenceInjection, InferenceReport } from '../../src/contract/threads.ts';
import { type Child, startChild } from '../../src/daemon/child.ts';
import { tensorCode, workspaceBytesOf } from '../../src/inference/kernel.ts';
import { loadModel } from '../../src/inference/manifest.ts';
import { ledgerOf } from '../../src/ring/custodian.ts';
import { createRing } from '../../src/ring/layout.ts';
import { openProducer } from '../../src/ring/producer.ts';
import { type SignsOfLife, signsOf } from '../../src/ring/pulse.ts';

/** A real inference thread with the embedded model, and a ring through which it is given frames. */
export interface InferenceThread {
  readonly reports: readonly InferenceReport[];
  /** Resolves once it reports this, counted from the start. */
  untilReport(kind: InferenceReport['kind']): Promise<void>;
  /** Gives it a frame whenever it has none, until something is so. */
  giveFrames(condition: () => boolean): Promise<void>;
  inject(what: InferenceInjection['what'], seconds?: number): void;
  signs(): SignsOfLife;
  ledger(): Ledger;
  readonly ended: Child<never>['ended'];
  stop(): Promise<void>;
}

const geometry = { format: 'RGB3', width: 96, height: 96, stride: 288, color: 'bt601' } as const;

export function startInferenceThread(): InferenceThread {
  const model = loadModel('scene-visitors');
  assert.ok(model.ok);
  const slotBytes = frameBytesOf(geometry);
  const ring = createRing({
    ...{ slots: 4, slotBytes, order: 'fifo', readers: 1 },
    workspaceBytes: workspaceBytesOf(model.value.input, geometry.width, geometry.height),
  });
  const producer = openProducer(ring, 1);
  const reports: InferenceReport[] = [];
  compiled(tensorCode);
  const url = new URL('../../src/inference/worker.js', import.meta.url);
  const child = startChild<unknown, InferenceReport>('inference', url, (one) => reports.push(one));
  child.send({
    ...{ kind: 'start', model: model.value, golden: undefined, threads: 1 },
    ...{ wanted: { topK: 1, watched: [] }, ring, owner: 2, reader: 0, reportTogether: 1 },
    view: { region: { x: 0, y: 0, width: 1, height: 1 }, rotate: 0 },
  });
  let driverSequence = 0;
  const giveFrame = (): void => {
    const slot = producer.claim();
    assert.ok(slot !== undefined);
    slot.pixels.fill(128);
    const capturedAt = systemClock.now();
    driverSequence += 1;
    producer.publish(slot, {
      ...{ capturedAt, driverSequence, changeScore: 0, geometry, bytesUsed: slotBytes },
    });
  };
  return {
    reports,
    untilReport: (kind) => until(() => reports.some((one) => one.kind === kind)),
    giveFrames: (condition) =>
      until(() => {
        if (condition()) return true;
        if (ledgerOf(ring).inFlight === 0) giveFrame();
        return false;
      }),
    inject: (what, seconds = 0) => child.send({ kind: 'inject', injection: { what, seconds } }),
    signs: () => signsOf(child.pulse, systemClock.now()),
    ledger: () => ledgerOf(ring),
    ended: child.ended,
    stop: async () => {
      child.send({ kind: 'stop' });
      assert.equal(await child.ended, undefined);
    },
  };
}

/** Resolves once something is so; fails when it takes too long. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
