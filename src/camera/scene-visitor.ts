import { unreachable } from '../base/assert.ts';
import { createRandom } from '../base/random.ts';
import { type Micros, micros } from '../base/time.ts';
import { paintBalloon } from './scene-balloon.ts';
import { birdPoses, paintBird } from './scene-bird.ts';
import { paintCar } from './scene-car.ts';
import { roadBottom, roadTop } from './scene-land.ts';
import type { Light } from './scene-light.ts';
import type { Painting } from './scene-paint.ts';
import { createPool, createPoolIn, type Pool } from './scene-pool.ts';
import type { Backdrop } from './scene-rows.ts';
import { type Place, type Sprite, spriteBytesOf, spriteOf } from './scene-sprite.ts';
import {
  birdWidthMax,
  leftEdgeOf,
  progressOf,
  unitOf,
  type Visit,
  visitAt,
} from './scene-visits.ts';

/** Draws whoever visits; paints a visitor once, when it is first seen, and lights it every frame. */
export interface Visitor {
  draw(at: Micros, light: Light): void;
}

/** A pose as it is painted, and as it is drawn from even and from odd columns. */
type Figure = {
  readonly painting: Painting;
  /** From the body's corner to the canvas's, in pixels. */
  readonly left: number;
  readonly top: number;
  readonly sprites: [Sprite | undefined, Sprite | undefined];
};

export function createVisitor(backdrop: Backdrop, seed: number): Visitor {
  const { width, height, kernel } = backdrop;
  const unit = unitOf(width, height);
  const figures: (Figure | undefined)[] = [];
  const pool = createPool();
  const room = createPoolIn(backdrop.sprites);
  const place: Place = { x: 0, y: 0 };
  let visit = visitAt(seed, micros(0));
  /** Does one piece of the painting ahead, so that no single frame waits for all of it. */
  function prepare(pose: number): void {
    const figure = figures[pose] ?? figureFor(visit, pose, unit, pool);
    figures[pose] = figure;
    const step = figure.painting.steps.shift();
    if (step !== undefined) step();
    else spriteIn(figure, visit, figure.sprites[0] === undefined ? 0 : 1, room);
  }

  return {
    draw: (at, light) => {
      if (at < visit.from || at > visit.until) {
        const now = visitAt(seed, at);
        if (now.from !== visit.from) {
          figures.length = 0;
          pool.reset();
          room.reset();
        }
        visit = now;
      }
      const progress = progressOf(visit, at);
      if (progress <= 0) prepare(0);
      if (progress <= 0 || progress >= 1) return;
      const pose = poseOf(visit, at);
      const figure = figures[pose] ?? figureFor(visit, pose, unit, pool);
      figures[pose] = figure;
      const left = Math.round(leftEdgeOf(visit, progress, width, unit) + figure.left);
      place.x = left >> 1;
      place.y = Math.round(topEdgeOf(visit, progress, at, height, unit) + figure.top);
      const level = (light.lamps * burnOf(visit, at)) >> 8;
      kernel.layOver(spriteIn(figure, visit, left & 1 ? 1 : 0, room), place, light, level);
    },
  };
}

/** What the sprites of one visit take at most: a bird's, which has a pose for each part of its beat. */
export function spriteBytesMax(unit: number): number {
  const side = Math.ceil(birdWidthMax * unit) + 4;
  return 2 * birdPoses * spriteBytesOf(side, side);
}

function spriteIn(figure: Figure, visit: Visit, odd: 0 | 1, room: Pool): Sprite {
  const { canvas, steps } = figure.painting;
  for (const step of steps.splice(0)) step();
  const sprite = figure.sprites[odd] ?? spriteOf(canvas, odd, visit.direction === -1, room);
  figure.sprites[odd] = sprite;
  return sprite;
}

function topEdgeOf(
  visit: Visit,
  progress: number,
  at: Micros,
  height: number,
  unit: number,
): number {
  const bob = visit.bob * Math.sin((at / 1e6) * visit.pace * 2 * Math.PI) * unit;
  if (visit.label === 'car') {
    const lane = visit.direction === 1 ? roadBottom - 0.024 : roadTop + 0.042;
    return lane * height + bob;
  }
  const middle = visit.enterAt + (visit.leaveAt - visit.enterAt) * progress;
  return middle * height - (visit.height * unit) / 2 + bob;
}

function poseOf(visit: Visit, at: Micros): number {
  if (visit.label !== 'bird') return 0;
  const beats = ((at - visit.from) / 1e6) * (2.6 - 6 * visit.width);
  return Math.floor((beats - Math.floor(beats)) * birdPoses);
}

/** How bright a visitor's own light is, in 1/256: a balloon's burner comes and goes. */
function burnOf(visit: Visit, at: Micros): number {
  if (visit.label !== 'balloon') return 256;
  const since = ((at - visit.from) / 1e6) % 4;
  const breath = since < 1.6 ? Math.sin((since / 1.6) * Math.PI) : 0;
  return Math.round(150 + 106 * breath);
}

function figureFor(visit: Visit, pose: number, unit: number, pool: Pool): Figure {
  const random = createRandom(visit.seed);
  switch (visit.label) {
    case 'balloon':
      return figureOf(paintBalloon(visit.height * unit, random, pool), visit, {
        left: -0.36,
        width: 0.72,
      });
    case 'bird':
      return figureOf(paintBird(visit.width * unit, pose, random, pool), visit, {
        left: 0,
        width: 1,
      });
    case 'car':
      return figureOf(paintCar(visit.width * unit, random, pool), visit, { left: 0, width: 1 });
    default:
      return unreachable(visit.label);
  }
}

/** Visitors are painted as they go to the right; `body` is where theirs is in units of the canvas. */
function figureOf(
  painting: Painting,
  visit: Visit,
  body: { readonly left: number; readonly width: number },
): Figure {
  const { canvas } = painting;
  const from = (canvas.left - body.left) * canvas.scale;
  const left = visit.direction === 1 ? from : body.width * canvas.scale - from - canvas.width;
  return { painting, left, top: canvas.top * canvas.scale, sprites: [undefined, undefined] };
}
