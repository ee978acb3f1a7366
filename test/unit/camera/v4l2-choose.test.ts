import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { chooseMode, type Wish } from '../../../src/camera/v4l2/choose.ts';
import { type CaptureFormat, captureFormatOf } from '../../../src/camera/v4l2/formats.ts';
import type { Mode } from '../../../src/camera/v4l2/modes.ts';

type Text = `${string} ${number}x${number}`;

/** A mode from what a person would write: `YUYV 640x480` with its rates, the highest first. */
function modeOf(text: Text, ...fps: number[]): Mode {
  const [fourcc = '', size = ''] = text.split(' ');
  const [width = 0, height = 0] = size.split('x').map(Number);
  const format = captureFormatOf(fourcc) ?? assert.fail(`${fourcc} is no format`);
  return { fourcc, format, width, height, rates: { fps, isRange: false } };
}

const textOf = ({ fourcc, width, height }: Mode): string => `${fourcc} ${width}x${height}`;

const wishOf = (need: number, fps: number, part: Partial<Wish> = {}): Wish => ({
  fps,
  need: { width: need, height: need },
  size: undefined,
  format: undefined,
  ...part,
});

function chosenOf(modes: readonly Mode[], wish: Wish): string {
  const choice = chooseMode(modes, wish);
  return choice === undefined ? 'nothing' : textOf(choice.mode);
}

/** USB 2.0 has no room for large raw frames at a high rate. */
const webcam: readonly Mode[] = [
  modeOf('MJPG 1920x1080', 30, 15),
  modeOf('MJPG 1280x720', 30, 15),
  modeOf('MJPG 640x480', 30, 15),
  modeOf('YUYV 640x480', 30, 15),
  modeOf('YUYV 1280x720', 10, 5),
  modeOf('YUYV 1920x1080', 5),
];

const small = modeOf('YUYV 320x240', 30);
const middle = modeOf('YUYV 352x288', 30);

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}

describe('the mode chosen of a USB webcam', () => {
  const cases: readonly [what: string, modes: readonly Mode[], wish: Wish, chosen: string][] = [
    ['a small model', webcam, wishOf(256, 30), 'YUYV 640x480'],
    [
      'a smaller size that still has all',
      [...webcam, small, middle],
      wishOf(256, 30),
      'YUYV 352x288',
    ],
    ['exactly a size that there is', [...webcam, small], wishOf(240, 30), 'YUYV 320x240'],
    ['a row more than a size has', [...webcam, small], wishOf(241, 30), 'YUYV 640x480'],
    ['a large model', webcam, wishOf(700, 30), 'MJPG 1280x720'],
    ['a large model that has time', webcam, wishOf(700, 10), 'YUYV 1280x720'],
    ['a large model that has more time', webcam, wishOf(1000, 5), 'YUYV 1920x1080'],
    ['a rate that JPEGs alone have', webcam, wishOf(1000, 6), 'MJPG 1920x1080'],
    ['a rate that nothing has', webcam, wishOf(256, 60), 'YUYV 640x480'],
    ['a rate that nothing has, at a large size', webcam, wishOf(700, 60), 'MJPG 1280x720'],
    ['more than the camera has', webcam, wishOf(2000, 5), 'YUYV 1920x1080'],
    ['more and faster than the camera has', webcam, wishOf(2000, 30), 'MJPG 1920x1080'],
  ];
  for (const [what, modes, wish, chosen] of cases) {
    it(`is right for ${what}`, () => {
      assert.equal(chosenOf(modes, wish), chosen);
    });
  }

  it('has both the width and the height that are needed', () => {
    const modes = [modeOf('YUYV 640x360', 30), modeOf('YUYV 480x480', 30), ...webcam];
    const need = { width: 500, height: 400 };
    assert.equal(chosenOf(modes, wishOf(0, 30, { need })), 'YUYV 640x480');
  });
});

describe('the size that the config names', () => {
  const at = (width: number, height: number, fps = 30): Wish =>
    wishOf(256, fps, { size: { width, height } });

  it('is taken where there is one, whatever it costs', () => {
    assert.equal(chosenOf(webcam, at(1920, 1080)), 'MJPG 1920x1080');
    assert.equal(chosenOf(webcam, at(1280, 720)), 'MJPG 1280x720');
    assert.equal(chosenOf(webcam, at(1280, 720, 10)), 'YUYV 1280x720');
  });

  it('may be smaller than the model needs', () => {
    assert.equal(chosenOf([...webcam, small], at(320, 240)), 'YUYV 320x240');
  });

  it('is otherwise the next larger one', () => {
    assert.equal(chosenOf(webcam, at(800, 600)), 'MJPG 1280x720');
    assert.equal(chosenOf(webcam, at(641, 480, 5)), 'YUYV 1280x720');
  });

  it('is the largest where none is large enough', () => {
    assert.equal(chosenOf(webcam, at(4096, 2160)), 'MJPG 1920x1080');
  });
});

describe('the format that the config names', () => {
  const as = (format: CaptureFormat, need: number): Wish => wishOf(need, 30, { format });

  it('is taken, though another would cost less', () => {
    assert.equal(chosenOf(webcam, as('MJPG', 256)), 'MJPG 640x480');
  });

  it('is taken, though it does not reach the rate', () => {
    assert.equal(chosenOf(webcam, as('YUYV', 700)), 'YUYV 1280x720');
  });

  it('may have its planes apart', () => {
    const modes = [...webcam, modeOf('NM12 640x480', 30)];
    assert.equal(chosenOf(modes, as('NV12', 256)), 'NM12 640x480');
  });

  it('has no mode where the camera does not have it', () => {
    assert.equal(chosenOf(webcam, as('NV12', 256)), 'nothing');
    assert.equal(chosenOf([], wishOf(256, 30)), 'nothing');
    assert.equal(chosenOf([], wishOf(256, 30, { size: { width: 640, height: 480 } })), 'nothing');
  });
});

describe('a rate', () => {
  it('is reached when it is a hundredth short, and not when it is more', () => {
    const jpeg = modeOf('MJPG 640x480', 30);
    for (const [fps, format] of [
      [30_000 / 1001, 'YUYV'],
      [29.71, 'YUYV'],
      [29.69, 'MJPG'],
    ] as const) {
      assert.equal(
        chosenOf([jpeg, modeOf('YUYV 640x480', fps)], wishOf(256, 30)).slice(0, 4),
        format,
      );
    }
  });

  it('is taken to be reached by a driver that tells none', () => {
    const modes = [modeOf('NV12 640x480'), modeOf('MJPG 640x480', 30)];
    assert.equal(chosenOf(modes, wishOf(256, 60)), 'NV12 640x480');
    const why = chooseMode(modes, wishOf(256, 60))?.why ?? '';
    assert.match(why, /, at a rate that the driver does not tell$/);
  });

  it('is no merit beyond what is asked', () => {
    const modes = [modeOf('YUYV 640x480', 120, 60, 30), modeOf('YUYV 320x240', 30)];
    assert.equal(chosenOf(modes, wishOf(200, 30)), 'YUYV 320x240');
  });

  it('is as high as can be where it is not reached', () => {
    const modes = [
      modeOf('YUYV 640x480', 10),
      modeOf('NV12 640x480', 5),
      modeOf('MJPG 640x480', 15),
    ];
    assert.equal(chosenOf(modes, wishOf(256, 30)), 'MJPG 640x480');
    assert.equal(chosenOf(modes.slice(0, 2), wishOf(256, 30)), 'YUYV 640x480');
  });
});

describe('the format chosen', () => {
  const alike = (...formats: string[]): Mode[] =>
    formats.map((format) => modeOf(`${format} 640x480`, 30));

  it('is the one whose frames are the smallest', () => {
    assert.equal(chosenOf(alike('RGB3', 'YUYV', 'NV12'), wishOf(256, 30)), 'NV12 640x480');
    assert.equal(chosenOf(alike('RGB3', 'UYVY'), wishOf(256, 30)), 'UYVY 640x480');
    assert.equal(chosenOf(alike('YU12', 'NV21'), wishOf(256, 30)), 'NV21 640x480');
  });

  it('is a raw one before a JPEG, even a much larger raw one', () => {
    const modes = [modeOf('MJPG 320x240', 30), modeOf('RGB3 1920x1080', 30)];
    assert.equal(chosenOf(modes, wishOf(200, 30)), 'RGB3 1920x1080');
  });

  it('has no colour only where nothing else does as well', () => {
    assert.equal(chosenOf(alike('GREY', 'RGB3'), wishOf(256, 30)), 'RGB3 640x480');
    assert.equal(chosenOf(alike('GREY', 'MJPG'), wishOf(256, 30)), 'MJPG 640x480');
    assert.equal(chosenOf(alike('GREY'), wishOf(256, 30)), 'GREY 640x480');
  });
});

describe('the order in which a driver lists its modes', () => {
  it('makes no difference', () => {
    const modes = [
      ...webcam,
      small,
      ...['UYVY', 'YVYU', 'NV12', 'NM12', 'NV21', 'YU12', 'YV12', 'YM12', 'RGB3', 'BGR3'].flatMap(
        (fourcc) => [
          modeOf(`${fourcc} 640x480`, 30),
          modeOf(`${fourcc} 480x640`, 30),
          modeOf(`${fourcc} 1280x720`),
        ],
      ),
      modeOf('GREY 640x480', 60),
    ];
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = createRandom(seed);
      const some = modes.filter(() => random() < 0.5);
      const wish = wishOf([100, 256, 480, 700][Math.floor(random() * 4)] as number, 30, {
        size: random() < 0.3 ? { width: 640, height: 480 } : undefined,
      });
      assert.equal(
        chosenOf(shuffled(some, random), wish),
        chosenOf(shuffled(some, random), wish),
        `seed ${seed}`,
      );
    }
  });

  it('does not bring planes in buffers of their own before those in one', () => {
    const modes = ['NM12', 'NV12', 'NV21'].map((fourcc) => modeOf(`${fourcc} 640x480`, 30));
    assert.equal(chosenOf(modes, wishOf(256, 30)), 'NV12 640x480');
  });
});

describe('the reason for a choice', () => {
  const whyOf = (wish: Wish): string => chooseMode(webcam, wish)?.why ?? '';

  it('names what the model needs, what was asked, or that there is nothing larger', () => {
    assert.match(
      whyOf(wishOf(256, 30)),
      /^just above the 256×256 that the model looks at, reaches 30/,
    );
    const asked = wishOf(256, 30, { size: { width: 800, height: 600 } });
    assert.match(whyOf(asked), /^nearest to 800×600/);
    assert.match(whyOf(wishOf(4000, 30)), /^the largest there is/);
  });

  it('says what rate there is when it is not the one asked', () => {
    assert.match(whyOf(wishOf(256, 60)), /at most 30 frames per second/);
    const odd = chooseMode([modeOf('YUYV 640x480', 7.4999)], wishOf(256, 30));
    assert.match(odd?.why ?? '', /at most 7\.5 frames per second/);
  });

  it('excuses a JPEG, unless it was asked for', () => {
    assert.match(whyOf(wishOf(700, 30)), /no raw format does as well/);
    assert.doesNotMatch(whyOf(wishOf(700, 30, { format: 'MJPG' })), /raw/);
    assert.doesNotMatch(whyOf(wishOf(256, 30)), /raw/);
  });
});
