import { exitCodes, fault } from '../base/fault.ts';
import { embeddedModels, loadModel } from '../inference/manifest.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { evaluate } from './model-eval.ts';
import { complainOf, type Terminal } from './terminal.ts';

export const model: Command = {
  summary: 'list models, or measure how often one is right',
  help: `Usage: sightd model list [--json]
       sightd model eval FILE --images DIR --labels CSV [--manifest FILE] [--threads N] [--json]

  list    the models that come with sightd
  eval    top-1 and top-5 accuracy of a model on labelled images, prepared as the daemon prepares
          camera frames

  FILE             an .onnx file, a manifest, or the name of a model that comes with sightd
  --images DIR     the folder that the file names in the CSV are relative to
  --labels CSV     columns: file and class_index (or acceptable_class_indices, separated by |)
  --manifest FILE  the manifest, where it does not lie beside the .onnx file; a model with uint8
                   input and no manifest is taken as RGB with a centre crop
  --threads N      threads of the session (default 1)
  --json           one JSON object instead of text
  -h, --help       this text
`,
  run: async (context) => {
    const { args, terminal } = context;
    const parsed = parseArguments(
      'model',
      args,
      {
        images: { type: 'string' },
        labels: { type: 'string' },
        manifest: { type: 'string' },
        threads: { type: 'string' },
        json: { type: 'boolean' },
      },
      2,
    );
    if (!parsed.ok) return complainOf(terminal, parsed.fault);
    const [action] = parsed.value.positionals;
    switch (action) {
      case 'list':
        return list(terminal, parsed.value.isSet('json'));
      case 'eval':
        return runEval(parsed.value, context);
      default:
        return complainOf(
          terminal,
          fault(
            'usage.argument',
            'sightd model needs list or eval',
            '`sightd model --help` says more.',
          ),
        );
    }
  },
};

function list(terminal: Terminal, isJson: boolean) {
  const models = embeddedModels().flatMap((name) => {
    const loaded = loadModel(name);
    return loaded.ok ? [loaded.value] : [];
  });
  if (isJson) {
    terminal.write(`${JSON.stringify(models)}\n`);
    return exitCodes.clean;
  }
  for (const { name, version, input, labels } of models) {
    terminal.write(
      `${name}  ${version}  ${input.width}×${input.height} ${input.type}  ${labels.join(', ')}\n`,
    );
  }
  return exitCodes.clean;
}

async function runEval(given: Arguments, { terminal, stop }: CommandContext) {
  const [, file] = given.positionals;
  const images = given.text('images');
  const labels = given.text('labels');
  const threads = Number(given.text('threads') ?? '1');
  const isComplete = file !== undefined && images !== undefined && labels !== undefined;
  if (!isComplete || !Number.isInteger(threads) || threads < 1) {
    const reason = fault(
      'usage.argument',
      'sightd model eval needs FILE, --images DIR and --labels CSV (and --threads a whole number)',
      '`sightd model --help` says more.',
    );
    return complainOf(terminal, reason);
  }
  const outcome = await evaluate({
    file,
    images,
    labels,
    manifest: given.text('manifest'),
    threads,
    stop,
    onProgress: (done, total) => {
      if (process.stderr.isTTY) terminal.complain(`\r${done} of ${total} images\x1b[K`);
      if (process.stderr.isTTY && done === total) terminal.complain('\r\x1b[K');
    },
  });
  if (stop.aborted) {
    terminal.complain('sightd: interrupted before all images were classified\n');
    return exitCodes.interrupted;
  }
  if (!outcome.ok) return complainOf(terminal, outcome.fault);
  const {
    model: name,
    images: count,
    unreadable,
    top1,
    top5,
    prepareMs,
    inferenceMs,
  } = outcome.value;
  if (given.isSet('json')) terminal.write(`${JSON.stringify(outcome.value)}\n`);
  else {
    terminal.write(
      `${name}: top-1 ${top1.toFixed(1)} %, top-5 ${top5.toFixed(1)} % of ${count} images`,
    );
    terminal.write(unreadable > 0 ? ` (${unreadable} more could not be read)\n` : '\n');
    terminal.write(
      `median per image: ${prepareMs.toFixed(2)} ms preparing the tensor, ${inferenceMs.toFixed(2)} ms inference (${threads} thread${threads === 1 ? '' : 's'})\n`,
    );
  }
  return exitCodes.clean;
}
