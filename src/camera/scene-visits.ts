import { createRandom, type Random } from '../base/random.ts';
import { type Micros, micros } from '../base/time.ts';

export const sceneLabels = ['empty', 'balloon', 'bird', 'car'] as const;
export type SceneLabel = (typeof sceneLabels)[number];
export type VisitorLabel = Exclude<SceneLabel, 'empty'>;

/** One visitor's crossing of the picture. Lengths are in units, see `unitOf`. */
export type Visit = {
  readonly label: VisitorLabel;
  readonly from: Micros;
  readonly until: Micros;
  /** 1 goes right, -1 left. */
  readonly direction: 1 | -1;
  /** The body: width and height; glows and beams reach past it. */
  readonly width: number;
  readonly height: number;
  /** Where the middle of the body is, in frame heights, when it enters and when it leaves. */
  readonly enterAt: number;
  readonly leaveAt: number;
  /** How far it bobs in units, and how often per second. */
  readonly bob: number;
  readonly pace: number;
  /** What shape and colours are drawn from. */
  readonly seed: number;
};

/** Each visitor comes once in a round, in an order by chance, and has its part of it. */
const parts: Readonly<
  Record<VisitorLabel, { readonly span: number; readonly stay: [number, number] }>
> = {
  balloon: { span: 22e6, stay: [13e6, 19e6] },
  bird: { span: 12e6, stay: [5.5e6, 9e6] },
  car: { span: 12e6, stay: [5e6, 9e6] },
};
const roundLength = parts.balloon.span + parts.bird.span + parts.car.span;

const orders: readonly (readonly VisitorLabel[])[] = [
  ['car', 'balloon', 'bird'],
  ['car', 'bird', 'balloon'],
  ['balloon', 'car', 'bird'],
  ['balloon', 'bird', 'car'],
  ['bird', 'car', 'balloon'],
  ['bird', 'balloon', 'car'],
];

/** A unit is a frame height, or less in a frame that is narrow, where visitors must still fit. */
export function unitOf(width: number, height: number): number {
  return Math.min(height, 0.75 * width);
}

/** The visit in whose part of the round `at` lies; it may not have begun, or be over. */
export function visitAt(seed: number, at: Micros): Visit {
  const round = Math.floor(at / roundLength);
  const random = createRandom(seed ^ Math.imul(round + 1, 0x632be5ab));
  const order = orders[Math.floor(random() * orders.length)] as readonly VisitorLabel[];
  let start = round * roundLength;
  let label = order[0] as VisitorLabel;
  for (label of order) {
    if (at < start + parts[label].span) break;
    start += parts[label].span;
  }
  return planVisit(
    label,
    start,
    createRandom(seed ^ Math.imul(Math.round(start / 1e6) + 7, 0x45d9f3b)),
  );
}

function planVisit(label: VisitorLabel, start: number, random: Random): Visit {
  const { span, stay } = parts[label];
  const long = stay[0] + (stay[1] - stay[0]) * random();
  const from = Math.round(start + 0.3e6 + (span - long - 0.6e6) * random());
  return {
    label,
    from: micros(from),
    until: micros(Math.round(from + long)),
    direction: random() < 0.5 ? 1 : -1,
    ...pathOf(label, random),
    seed: Math.floor(random() * 0x7fffffff),
  };
}

export const birdWidthMax = 0.26;

type Path = Pick<Visit, 'width' | 'height' | 'enterAt' | 'leaveAt' | 'bob' | 'pace'>;

function pathOf(label: VisitorLabel, random: Random): Path {
  const size = random();
  switch (label) {
    case 'balloon': {
      const height = 0.26 + 0.16 * size;
      const enterAt = 0.05 + height / 2 + 0.22 * random();
      const leaveAt = 0.05 + height / 2 + 0.22 * random();
      return { width: height * 0.72, height, enterAt, leaveAt, bob: 0.006, pace: 0.13 };
    }
    case 'bird': {
      const width = birdWidthMax - 0.1 + 0.1 * size;
      const enterAt = 0.15 + 0.34 * random();
      const leaveAt = 0.15 + 0.34 * random();
      return { width, height: width * 0.9, enterAt, leaveAt, bob: 0.018, pace: 0.35 };
    }
    case 'car': {
      // Going right is the near lane; what is nearer is larger.
      const width = 0.29 + 0.1 * size;
      return { width, height: width * 0.36, enterAt: 0, leaveAt: 0, bob: 0.0012, pace: 1.7 };
    }
  }
}

/** How far through its crossing a visit is, outside of [0, 1] before and after. */
export function progressOf(visit: Visit, at: Micros): number {
  return (at - visit.from) / (visit.until - visit.from);
}

/** The left edge of the body in pixels, entering from outside and leaving to outside. */
export function leftEdgeOf(visit: Visit, progress: number, width: number, unit: number): number {
  const body = visit.width * unit;
  const across = visit.direction === 1 ? progress : 1 - progress;
  return (width + body) * across - body;
}

/** The part of a visitor's body, by width, that is inside the picture. */
export function visiblePartOf(visit: Visit, at: Micros, width: number, height: number): number {
  const progress = progressOf(visit, at);
  if (progress <= 0 || progress >= 1) return 0;
  const unit = unitOf(width, height);
  const left = leftEdgeOf(visit, progress, width, unit);
  const body = visit.width * unit;
  const inside = Math.min(width, left + body) - Math.max(0, left);
  return Math.min(1, Math.max(0, inside / body));
}
