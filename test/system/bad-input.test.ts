import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { modelsFolder } from '../../src/base/paths.ts';
import { temporaryFolder } from '../support/data.ts';
import { finalLedger, runSightd, startDaemon } from '../support/sightd.ts';

/** Nobody listens there: what is refused is refused before a broker matters. */
const mqtt = { url: 'mqtt://127.0.0.1:9' };

async function runWith(config: object | string) {
  const path = join(temporaryFolder(), 'config.yaml');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return { path, ...(await runSightd(['run', '--config', path])) };
}

/** The embedded model and its manifest, to be damaged. */
function copyModel(change: (manifest: Record<string, unknown>) => void): string {
  const folder = temporaryFolder();
  copyFileSync(join(modelsFolder, 'scene-visitors.onnx'), join(folder, 'scene-visitors.onnx'));
  const manifest = JSON.parse(readFileSync(join(modelsFolder, 'scene-visitors.json'), 'utf8'));
  change(manifest);
  const path = join(folder, 'scene-visitors.json');
  writeFileSync(path, JSON.stringify(manifest));
  return path;
}

describe('a wrong config ends with 78 and says where', () => {
  test('unknown keys, wrong values and wrong types, all at once, with their lines', async () => {
    const { code, errors, path } = await runWith(
      'camera:\n  widht: 320\n  fps: fast\nqueue:\n  order: newest\nnonsense: 1\n',
    );
    assert.equal(code, 78);
    assert.match(
      errors,
      new RegExp(`${path}:2: camera.widht: unknown key; did you mean camera.width\\?`),
    );
    assert.match(errors, new RegExp(`${path}:3: camera.fps: got "fast"; expected a number`));
    assert.match(
      errors,
      new RegExp(`${path}:5: queue.order: got "newest"; expected one of latest, fifo, priority`),
    );
    assert.match(errors, new RegExp(`${path}:6: nonsense: unknown key`));
    assert.doesNotMatch(errors, /\n\s+at /, 'no stack trace');
  });

  test('text that is not YAML', async () => {
    const { code, errors } = await runWith('camera: {width: 320\nqueue: [\n');
    assert.equal(code, 78);
    assert.match(errors, /config\.yaml:\d+: not YAML/);
  });

  test('a file that is not there', async () => {
    const { code, errors } = await runSightd(['run', '--config', '/nowhere/config.yaml']);
    assert.equal(code, 78);
    assert.match(errors, /\/nowhere\/config\.yaml/);
  });

  test('an environment variable with a wrong value or name', async () => {
    const wrong = { SIGHTD_CAMERA_FPS: 'often', SIGHTD_CAMERA_WITH: '3' };
    const { code, errors } = await runSightd(['config', 'print'], wrong);
    assert.equal(code, 78);
    assert.match(errors, /SIGHTD_CAMERA_FPS: camera\.fps: got "often"; expected a number/);
    assert.match(errors, /SIGHTD_CAMERA_WITH: .*did you mean SIGHTD_CAMERA_WIDTH\?/);
  });

  test('a threshold for a label that the model does not have', async () => {
    const { code, errors } = await runWith({ mqtt, label: { thresholds: { dragon: 0.5 } } });
    assert.equal(code, 78);
    assert.match(errors, /label\.thresholds\.dragon/);
  });
});

describe('a model that cannot be used ends with 69 and says why', () => {
  const cases: readonly [string, () => string, RegExp][] = [
    ['a name that no model has', () => 'nothing-like-it', /no model is named nothing-like-it/],
    ['a missing file', () => '/nowhere/model.onnx', /\/nowhere\/model\.onnx/],
    [
      'a truncated file',
      () => {
        const path = copyModel(() => {});
        truncateSync(path.replace('.json', '.onnx'), 4000);
        return path;
      },
      /is not the file its manifest names/,
    ],
    [
      'another hash',
      () => copyModel((m) => Object.assign(m, { sha256: '0'.repeat(64) })),
      /expected 0{64}/,
    ],
    [
      'labels of the wrong length',
      () => copyModel((m) => Object.assign(m, { labels: ['empty', 'balloon'] })),
      /gives 4 scores, but its manifest has 2 labels/,
    ],
    [
      'another shape',
      () => copyModel((m) => Object.assign(m['input'] as object, { width: 64 })),
      /takes \[1, 96, 96, 3\], but its manifest says \[1, 96, 64, 3\]/,
    ],
    [
      'another type',
      () => copyModel((m) => Object.assign(m['input'] as object, { type: 'float32' })),
      /takes uint8, but its manifest says float32/,
    ],
    ['a manifest that is none', () => copyModel((m) => delete m['file']), /file:/],
  ];
  for (const [name, make, expected] of cases) {
    test(name, async () => {
      const { code, errors } = await runWith({
        mqtt,
        camera: { source: 'scene' },
        model: { use: make() },
      });
      assert.equal(code, 69, errors);
      assert.match(errors, expected);
    });
  }

  test('a truncated file with a hash that fits', async () => {
    const path = copyModel(() => {});
    const onnx = path.replace('.json', '.onnx');
    truncateSync(onnx, 4000);
    const { createHash } = await import('node:crypto');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.sha256 = createHash('sha256').update(readFileSync(onnx)).digest('hex');
    writeFileSync(path, JSON.stringify(manifest));
    const { code, errors } = await runWith({
      mqtt,
      camera: { source: 'scene' },
      model: { use: path },
    });
    assert.equal(code, 69, errors);
    assert.match(errors, /cannot load .*scene-visitors\.onnx/);
  });
});

describe('a replay', () => {
  test('of an empty folder ends with 69', async () => {
    const path = temporaryFolder();
    const { code, errors } = await runWith({ mqtt, camera: { source: 'replay', path } });
    assert.equal(code, 69);
    assert.match(errors, /there is no image in/);
  });

  test('of a path that is not there ends with 69', async () => {
    const { code, errors } = await runWith({
      mqtt,
      camera: { source: 'replay', path: '/nowhere' },
    });
    assert.equal(code, 69);
    assert.match(errors, /there is nothing at \/nowhere/);
  });

  test('without a path ends with 78', async () => {
    const { code, errors } = await runWith({ mqtt, camera: { source: 'replay' } });
    assert.equal(code, 78);
    assert.match(errors, /camera\.path: expected a folder of images or a video file/);
  });

  test('counts a corrupt image as failed and goes on', async () => {
    const path = join(temporaryFolder(), 'images');
    mkdirSync(path);
    const picture = { width: 32, height: 24, channels: 3 as const, background: '#888' };
    for (const name of ['a.png', 'c.png'])
      await sharp({ create: picture }).png().toFile(join(path, name));
    writeFileSync(join(path, 'b.png'), 'this is not a picture');
    const sightd = startDaemon({ mqtt, camera: { source: 'replay', path, pace: 'fast' } });
    assert.deepEqual(await sightd.exited, { code: 0, signal: null });
    const { captured, classified, failed, inFlight } = finalLedger(sightd);
    assert.deepEqual([captured, classified, failed, inFlight], [3, 2, 1, 0]);
    assert.match(sightd.lines.join('\n'), /cannot decode .*b\.png/);
  });
});

describe('wrong usage ends with 64', () => {
  const cases: readonly [string[], RegExp][] = [
    [['run', '--confg', 'x'], /unknown option --confg; did you mean --config\?/],
    [['run', 'extra'], /unexpected argument "extra"/],
    [['rnu'], /unknown command "rnu"; did you mean run\?/],
    [['config'], /needs check, print or schema/],
    [['model', 'eval'], /needs FILE/],
    [['demo', '--port', 'x'], /take a number/],
  ];
  for (const [args, expected] of cases) {
    test(`sightd ${args.join(' ')}`, async () => {
      const { code, errors } = await runSightd(args);
      assert.equal(code, 64);
      assert.match(errors, expected);
    });
  }
});
