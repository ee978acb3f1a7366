import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';
import { failure, fault, messageOf, type Outcome, success } from '../base/fault.ts';
import { systemClock } from '../base/time.ts';
import { decodeImage, type Picture } from '../camera/image.ts';
import { wholeFrame } from '../contract/frame.ts';
import { modelInputSchema } from '../contract/manifest.ts';
import type { ModelFile } from '../contract/threads.ts';
import { createFrameRoom, type FrameRoom } from '../inference/frame-room.ts';
import { openTensorKernel, type TensorKernel } from '../inference/kernel.ts';
import { hasManifest, loadManifest, loadModel } from '../inference/manifest.ts';
import { openSession, readModelFacts } from '../inference/open.ts';
import { softmax, topK } from '../inference/scores.ts';
import type { ModelSession } from '../inference/session.ts';

export type Evaluation = {
  readonly model: string;
  readonly images: number;
  readonly unreadable: number;
  /** Percent of the images whose class is the best, or among the five best. */
  readonly top1: number;
  readonly top5: number;
  /** Medians, in milliseconds. */
  readonly prepareMs: number;
  readonly inferenceMs: number;
};

export type EvaluationOptions = {
  readonly file: string;
  readonly images: string;
  readonly labels: string;
  readonly manifest: string | undefined;
  readonly threads: number;
  readonly stop: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
};

/** Pictures are decoded as a replay would: shrunk to fit the default camera's size. */
const largest = { width: 640, height: 480 };

const rowSchema = z.union([
  z
    .object({ file: z.string().min(1), class_index: z.coerce.number().int().min(0) })
    .transform(({ file, class_index }) => ({ file, classes: [class_index] })),
  z
    .object({
      file: z.string().min(1),
      acceptable_class_indices: z.string().regex(/^\d+(\|\d+)*$/),
    })
    .transform(({ file, acceptable_class_indices }) => ({
      file,
      classes: acceptable_class_indices.split('|').map(Number),
    })),
]);
type Row = z.infer<typeof rowSchema>;

/** Classifies labelled images exactly as the daemon would and counts how often the model is right. */
export async function evaluate(options: EvaluationOptions): Promise<Outcome<Evaluation>> {
  const rows = readRows(options.labels);
  if (!rows.ok) return rows;
  const model = await findModel(options);
  if (!model.ok) return model;
  const bench = await openBench(model.value, options.threads);
  if (!bench.ok) return bench;
  const tally = await classifyAll(rows.value, bench.value, model.value, options);
  await bench.value.session.close();
  if (tally.images === 0) {
    const sentence = `none of the ${rows.value.length} images of ${options.labels} could be read in ${options.images}`;
    return failure(
      fault(
        'dataset.unreadable',
        sentence,
        'Name the folder that the file column is relative to with --images.',
      ),
    );
  }
  return success({
    model: model.value.name,
    images: tally.images,
    unreadable: tally.unreadable,
    top1: (100 * tally.first) / tally.images,
    top5: (100 * tally.amongFive) / tally.images,
    prepareMs: median(tally.prepare),
    inferenceMs: median(tally.inference),
  });
}

function readRows(path: string): Outcome<readonly Row[]> {
  try {
    const records: unknown = parseCsv(readFileSync(path), {
      columns: true,
      bom: true,
      skip_empty_lines: true,
    });
    return success(z.array(rowSchema).min(1).parse(records));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? (error.issues[0]?.message ?? 'wrong columns')
        : messageOf(error);
    return failure(
      fault(
        'dataset.unreadable',
        `cannot read the labels ${path}: ${reason}`,
        'It needs the columns file and class_index (or acceptable_class_indices).',
      ),
    );
  }
}

async function findModel({ file, manifest }: EvaluationOptions): Promise<Outcome<ModelFile>> {
  if (manifest !== undefined) {
    return loadManifest(resolve(manifest), file.endsWith('.onnx') ? resolve(file) : undefined);
  }
  const isBare = file.endsWith('.onnx') && existsSync(file) && !hasManifest(resolve(file));
  return isBare ? inferModel(resolve(file)) : loadModel(file);
}

/** A uint8 input says nearly all there is to say; float32 leaves its scaling open. */
async function inferModel(path: string): Promise<Outcome<ModelFile>> {
  const facts = await readModelFacts(path);
  if (!facts.ok) return facts;
  const [input] = facts.value.inputs;
  const [output] = facts.value.outputs;
  const [batch, height, width, channels] = input?.shape ?? [];
  const classes = output?.shape[output.shape.length - 1];
  if (input?.type !== 'uint8' || batch !== 1 || channels !== 3 || typeof classes !== 'number') {
    const sentence = `${path} has no manifest beside it, and its input (${input?.type} [${input?.shape.join(', ')}]) does not say how its pixels are scaled`;
    return failure(
      fault(
        'model.missing',
        sentence,
        'Write a manifest (docs/models.md) and name it with --manifest.',
      ),
    );
  }
  return success({
    name: basename(path, '.onnx'),
    version: 'no manifest',
    path,
    labels: Array.from({ length: classes }, (_, index) => `class ${index}`),
    input: modelInputSchema.parse({ layout: 'nhwc', type: 'uint8', color: 'rgb', width, height }),
    outputKind: 'probabilities',
  });
}

/** Room for a frame, and one session: the inference worker's parts without its thread. */
type Bench = {
  readonly room: FrameRoom;
  readonly kernel: TensorKernel;
  readonly session: ModelSession;
};

async function openBench(model: ModelFile, threads: number): Promise<Outcome<Bench>> {
  const room = createFrameRoom(model.input, largest, largest.width * largest.height * 3);
  const kernel = openTensorKernel(room.workspace, model.input, wholeFrame);
  const session = await openSession(model, kernel.tensor, threads);
  if (!session.ok) return session;
  return success({ room, kernel, session: session.value });
}

type Tally = {
  images: number;
  unreadable: number;
  first: number;
  amongFive: number;
  readonly prepare: number[];
  readonly inference: number[];
};

async function classifyAll(
  rows: readonly Row[],
  bench: Bench,
  model: ModelFile,
  options: EvaluationOptions,
): Promise<Tally> {
  const tally: Tally = {
    images: 0,
    unreadable: 0,
    first: 0,
    amongFive: 0,
    prepare: [],
    inference: [],
  };
  const { width, height } = largest;
  for (const [at, row] of rows.entries()) {
    if (options.stop.aborted) break;
    const picture = await decodeImage(findImage(options.images, row.file), width, height);
    const scores = picture.ok ? await classify(picture.value, bench, tally) : undefined;
    if (scores === undefined) tally.unreadable += 1;
    else count(scores, row, model, tally);
    options.onProgress(at + 1, rows.length);
  }
  return tally;
}

async function classify(
  picture: Picture,
  bench: Bench,
  tally: Tally,
): Promise<Float32Array | undefined> {
  bench.room.pixels.set(picture.pixels);
  const begun = systemClock.now();
  bench.kernel.prepare(picture.geometry, bench.room.offset);
  const prepared = systemClock.now();
  const outcome = await bench.session.run();
  tally.prepare.push((prepared - begun) / 1000);
  tally.inference.push((systemClock.now() - prepared) / 1000);
  return outcome.ok ? outcome.value : undefined;
}

function count(scores: Float32Array, row: Row, model: ModelFile, tally: Tally): void {
  if (model.outputKind === 'logits') softmax(scores);
  const best = topK(scores, model.labels, 5).map((entry) => entry.index);
  tally.images += 1;
  if (row.classes.includes(best[0] ?? -1)) tally.first += 1;
  if (best.some((index) => row.classes.includes(index))) tally.amongFive += 1;
}

/** The path below the folder, or only its last part when the folder is the one it names. */
function findImage(folder: string, file: string): string {
  const whole = join(folder, file);
  return existsSync(whole) ? whole : join(folder, basename(file));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
