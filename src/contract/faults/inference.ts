import type { FaultEntry } from './entry.ts';

const refuses =
  'At the start it ends with exit code 69; a change from afar is refused, or rolled back, and the model before stays.';

/** Faults of the components `inference`, `ring` and `label`. */
export const inferenceEntries = {
  'model.missing': {
    meaning: 'The model that `model.use` names, its file or its manifest is not there.',
    daemon: refuses,
    person: 'Correct `model.use`; `sightd model list` shows the models that come with sightd.',
  },
  'model.manifest-invalid': {
    meaning: "The model's manifest is no JSON, or not as docs/models.md has it.",
    daemon: refuses,
    person: 'Correct the keys that the message names.',
  },
  'model.golden': {
    meaning:
      'The model does not say of its golden picture what its manifest promises, or that picture cannot be read.',
    daemon: refuses,
    person: 'Check that the model file, its labels and its `input` belong together.',
  },
  'model.hash-mismatch': {
    meaning: "The model file is not the one that its manifest's SHA-256 is of.",
    daemon: refuses,
    person: 'Fetch the file again, or correct the manifest.',
  },
  'model.corrupt': {
    meaning: 'The file is no whole ONNX model, or needs operators that this onnxruntime lacks.',
    daemon: refuses,
    person: 'Fetch it again, or convert it with an older operator set.',
  },
  'model.shape-mismatch': {
    meaning: "The model's input or output is not what its manifest says.",
    daemon: refuses,
    person: 'Correct the manifest, or use the file that it was written for.',
  },
  'model.labels-mismatch': {
    meaning: 'The model gives another number of scores than its manifest has labels.',
    daemon: refuses,
    person: 'Correct the labels.',
  },
  'inference.failed': {
    meaning: 'The model reported an error for a frame.',
    daemon: 'It counts the frame as failed and goes on with the next.',
    person: 'If it comes for every frame, check the model with `sightd model eval`.',
  },
  'inference.died': {
    meaning: 'An inference thread ended by an error.',
    daemon:
      'It takes back the frame, starts another thread, at most 5 times in 10 minutes; past that, it ends the process to be started again.',
    person: 'Report it, with the log from before.',
  },
  'inference.hung': {
    meaning: 'The model has not answered for `health.inferenceDeadlineSeconds`.',
    daemon:
      'A thread in a call that does not return cannot be ended: it kills the process, with the reason kept, to be started again.',
    person:
      'If the model is only slow, raise `health.inferenceDeadlineSeconds` or take a smaller one; else report it.',
  },
  'ring.too-large': {
    meaning: 'So many frames of this size would take more than 2 GiB.',
    daemon: refuses,
    person: 'Lower `queue.slots` or the size of the camera.',
  },
  'ring.unbalanced': {
    meaning: 'Frames are unaccounted for: the ledger does not add up.',
    daemon: 'It says so; if it stays so, it ends the process to be started again.',
    person: 'Report it, with the log and a `health` message.',
  },
  'label.silent': {
    meaning: 'Frames come from the camera, but none has been classified for too long.',
    daemon:
      'It puts other inference threads in their places, and last ends the process to be started again.',
    person: 'If it comes again, send SIGUSR2 and report the line `diagnostics` of the log.',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
