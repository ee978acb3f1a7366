import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Control, numberOf, rangeText } from '../../../src/camera/v4l2/controls.ts';

const controlOf = (part: Partial<Control>): Control => ({
  id: 0x0098_0900,
  name: 'brightness',
  title: 'Brightness',
  kind: 'integer',
  minimum: 0,
  maximum: 255,
  step: 1,
  defaultValue: 128,
  value: 128,
  isReadOnly: false,
  isInactive: false,
  items: new Map(),
  ...part,
});

const itemsOf = (items: Readonly<Record<number, string>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(items).map(([value, name]) => [Number(value), name]));

/** A menu with a hole at 2, as UVC's automatic exposure has. */
const menu = controlOf({
  kind: 'menu',
  maximum: 3,
  items: itemsOf({ 0: 'Auto Mode', 1: 'Manual Mode', 3: 'Aperture Priority Mode' }),
});
/** The second and the fourth bit from the right. */
const bits = controlOf({ kind: 'bitmask', maximum: 0b1010 });

type Wanted = Parameters<typeof numberOf>[1];

/** Fails unless each wanted value becomes the number beside it; undefined where it is refused. */
function assertNumbers(
  control: Control,
  cases: readonly (readonly [wanted: Wanted, number: number | undefined])[],
): void {
  for (const [wanted, number] of cases) {
    assert.equal(numberOf(control, wanted), number, JSON.stringify(wanted));
  }
}

describe("the number of a control's value", () => {
  it('is the value itself, within its range', () => {
    assertNumbers(controlOf({ minimum: -64, maximum: 64 }), [
      [-65, undefined],
      [-64, -64],
      [0, 0],
      [64, 64],
      [65, undefined],
    ]);
  });

  it('may be written as text', () => {
    assertNumbers(controlOf({}), [
      ['100', 100],
      [' 0x40 ', 64],
      ['256', undefined],
      ['', undefined],
      [' ', undefined],
      ['bright', undefined],
      ['12 %', undefined],
    ]);
  });

  it('is whole', () => {
    assertNumbers(controlOf({}), [
      [1.5, undefined],
      ['1.5', undefined],
      [Number.NaN, undefined],
      [Number.POSITIVE_INFINITY, undefined],
    ]);
  });

  it('is so many steps above the least', () => {
    assertNumbers(controlOf({ minimum: 2, maximum: 22, step: 10 }), [
      [2, 2],
      [10, undefined],
      [12, 12],
      [22, 22],
      [32, undefined],
    ]);
    assertNumbers(controlOf({ minimum: -5, maximum: 5, step: 5 }), [
      [-5, -5],
      [-4, undefined],
      [0, 0],
    ]);
  });

  it('has steps of one where the driver says none', () => {
    assertNumbers(controlOf({ step: 0 }), [[7, 7]]);
  });

  it('is 0 or 1 for a boolean', () => {
    assertNumbers(controlOf({ kind: 'boolean', maximum: 1 }), [
      [true, 1],
      [false, 0],
      [1, 1],
      [0, 0],
      ['1', 1],
      [2, undefined],
      [-1, undefined],
    ]);
  });

  it("is a menu item's by its name, in any case", () => {
    assertNumbers(menu, [
      ['Manual Mode', 1],
      ['auto mode', 0],
      [' APERTURE PRIORITY MODE ', 3],
      ['Aperture', undefined],
    ]);
  });

  it('is a menu item by its number, if there is such an item', () => {
    assertNumbers(menu, [
      [3, 3],
      ['0', 0],
      [2, undefined],
      [4, undefined],
      [-1, undefined],
    ]);
  });

  it('is that of the item, where items are named by numbers', () => {
    const frequencies = controlOf({
      kind: 'menu',
      maximum: 2,
      items: itemsOf({ 1: '50', 2: '60' }),
    });
    assertNumbers(frequencies, [
      ['50', 1],
      ['60', 2],
      [2, 2],
      [50, undefined],
    ]);
  });

  it('has bits within the mask, and no others', () => {
    assertNumbers(bits, [
      [0, 0],
      [0b1010, 0b1010],
      ['0x8', 8],
      [1, undefined],
      [0b1011, undefined],
      [0b10000, undefined],
      [-2, undefined],
      [2 ** 32 + 2, undefined],
    ]);
  });

  it('may have the highest of 32 bits, though the driver tells the mask as a negative number', () => {
    for (const maximum of [-1, 2 ** 32 - 1]) {
      assertNumbers(controlOf({ kind: 'bitmask', minimum: 0, maximum }), [
        [0x8000_0001, 0x8000_0001],
        [2 ** 32 - 1, 2 ** 32 - 1],
        [2 ** 32, undefined],
        [-1, undefined],
      ]);
    }
  });

  it('presses a button, whatever it is', () => {
    const button = controlOf({ kind: 'button', maximum: 0, step: 0 });
    assertNumbers(button, [
      [true, 1],
      [17, 1],
      ['1', 1],
      ['press', 1],
    ]);
  });
});

describe('the values of a control, for people', () => {
  const cases: readonly [control: Control, text: string][] = [
    [controlOf({ minimum: -64, maximum: 64 }), 'It takes -64 to 64.'],
    [controlOf({ maximum: 30, step: 5 }), 'It takes 0 to 30 in steps of 5.'],
    [controlOf({ kind: 'boolean' }), 'It takes true or false.'],
    [menu, 'It takes 0 (Auto Mode), 1 (Manual Mode), 3 (Aperture Priority Mode).'],
    [bits, 'It takes bits within 0xa.'],
    [controlOf({ kind: 'bitmask', maximum: -1 }), 'It takes bits within 0xffffffff.'],
    [controlOf({ kind: 'button' }), 'Any value presses it.'],
  ];
  for (const [control, text] of cases) {
    it(`of kind ${control.kind}: ${text}`, () => assert.equal(rangeText(control), text));
  }
});
