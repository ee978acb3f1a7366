import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Fault, type FaultCode, fault } from '../../../src/base/fault.ts';
import { chooseCamera, type FoundCamera, findAgain } from '../../../src/camera/v4l2/find.ts';

const identityOf = (card: string, bus: string) => ({ driver: 'uvcvideo', card, bus });
const busy: Fault = fault('camera.busy', '/dev/video0: the camera is in use', 'End it.');
const forbidden: Fault = fault('camera.forbidden', '/dev/video1: may not', 'Join the group.');

type State = FoundCamera['state'];
const usable = (card = 'Webcam', bus = 'usb-1'): State => ({
  kind: 'usable',
  identity: identityOf(card, bus),
});
const unusable = (card = 'Webcam', bus = 'usb-1'): State => ({
  kind: 'unusable',
  identity: identityOf(card, bus),
  why: 'no pixel format that sightd takes (it has H264)',
});
const closed = (reason: Fault): State => ({ kind: 'closed', fault: reason });

const byId = (name: string): string => `/dev/v4l/by-id/${name}`;
const byPath = (name: string): string => `/dev/v4l/by-path/${name}`;
const cameraOf = (path: string, state: State, ...links: string[]): FoundCamera => ({
  path,
  links,
  state,
});

/** The path of the camera chosen, or the code of the fault. */
function chosenOf(
  cameras: readonly FoundCamera[],
  device: string | undefined,
  known: FoundCamera | undefined,
): string {
  const chosen = chooseCamera(cameras, device, known);
  return chosen.ok ? chosen.value.path : chosen.fault.code;
}

describe('a camera that was known', () => {
  const links = [byPath('pci-0-usb-0:1'), byId('usb-Logi_C920_12AB')] as const;
  const known = cameraOf('/dev/video0', usable(), ...links);
  const placeOf = (camera: FoundCamera, ...cameras: FoundCamera[]): string | undefined =>
    findAgain(cameras, camera)?.path;

  it('is known by its by-id link, whichever number and place it has and whether it can be opened', () => {
    for (const state of [usable(), usable('Webcam', 'usb-2'), unusable(), closed(busy)]) {
      for (const path of ['/dev/video0', '/dev/video4']) {
        for (const place of [links[0], byPath('pci-0-usb-0:2')]) {
          assert.equal(placeOf(known, cameraOf(path, state, place, links[1])), path);
        }
      }
    }
  });

  it('is known by what it is and where it is attached, without a by-id link', () => {
    const without = cameraOf('/dev/video0', usable('Cam', 'usb-1'), byPath('a'));
    const isAgain = (state: State, ...paths: string[]): boolean =>
      placeOf(without, cameraOf('/dev/video7', state, ...paths)) !== undefined;
    assert.ok(isAgain(usable('Cam', 'usb-1')));
    assert.ok(isAgain(usable('Cam', 'usb-1'), byPath('a')));
    assert.ok(!isAgain(usable('Cam', 'usb-1'), byPath('b')));
    assert.ok(!isAgain(usable('Cam', 'usb-2'), byPath('a')));
    assert.ok(!isAgain(usable('Other', 'usb-1'), byPath('a')));
    assert.ok(isAgain(closed(busy), byPath('a')));
    assert.ok(!isAgain(closed(busy), byPath('b')));
    assert.ok(!isAgain(closed(busy)));
  });

  it('is another one where its by-id link is another, though it is at the same place', () => {
    const other = cameraOf('/dev/video0', usable(), links[0], byId('usb-Logi_C920_34CD'));
    assert.equal(placeOf(known, other), undefined);
  });

  it('is the one at its place when a twin has got the by-id link that they share', () => {
    const [place, twins] = [byPath('pci-0-usb-0:2'), byId('usb-Cheap_Cam')];
    const first = cameraOf('/dev/video0', usable('Cam', 'usb-1'), links[0], twins);
    const second = cameraOf('/dev/video2', usable('Cam', 'usb-2'), place);
    // They leave and come back, the second one first.
    const cameras = [
      cameraOf('/dev/video0', usable('Cam', 'usb-2'), place, twins),
      cameraOf('/dev/video2', usable('Cam', 'usb-1'), links[0]),
    ];
    assert.equal(placeOf(first, ...cameras), '/dev/video2');
    assert.equal(placeOf(second, ...cameras), '/dev/video0');
  });
});

describe('the camera chosen where the config names none', () => {
  const first = cameraOf('/dev/video0', usable('First', 'usb-1'), byId('first'));
  const second = cameraOf('/dev/video2', usable('Second', 'usb-2'), byId('second'));

  it('is the first', () => {
    assert.equal(chosenOf([first, second], undefined, undefined), '/dev/video0');
  });

  it('is the first that can be used: neither in use by another nor without a format', () => {
    const others = [
      cameraOf('/dev/video0', closed(busy)),
      cameraOf('/dev/video1', unusable()),
      cameraOf('/dev/video3', usable()),
    ];
    assert.equal(chosenOf(others, undefined, undefined), '/dev/video3');
  });

  it('is the one that was open before, under whatever number it is now', () => {
    assert.equal(chosenOf([first, second], undefined, second), '/dev/video2');
    const swapped = [
      { ...second, path: '/dev/video0' },
      { ...first, path: '/dev/video2' },
    ];
    assert.equal(chosenOf(swapped, undefined, first), '/dev/video2');
  });

  it('is the one that was open before though it cannot be opened now, if its link tells', () => {
    const cameras = [first, cameraOf('/dev/video2', closed(busy), byId('second'))];
    assert.equal(chosenOf(cameras, undefined, second), '/dev/video2');
  });

  it('is another one when the one before has gone', () => {
    assert.equal(chosenOf([second], undefined, first), '/dev/video2');
  });

  it('is none where there is none, or none that could ever be used', () => {
    assert.equal(chosenOf([], undefined, undefined), 'camera.none');
    assert.equal(chosenOf([], undefined, first), 'camera.none');
    assert.equal(
      chosenOf([cameraOf('/dev/video0', unusable())], undefined, undefined),
      'camera.none',
    );
  });

  it('is none where none can be opened, for the reason that the first one has', () => {
    const cameras = [
      cameraOf('/dev/video0', unusable()),
      cameraOf('/dev/video1', closed(forbidden)),
      cameraOf('/dev/video2', closed(busy)),
    ];
    const chosen = chooseCamera(cameras, undefined, undefined);
    assert.ok(!chosen.ok);
    assert.equal(chosen.fault, forbidden);
  });
});

describe('the camera that the config names', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sightd-find-')));
  after(() => rmSync(folder, { recursive: true }));
  const node = join(folder, 'video4');
  const link = join(folder, 'by-id', 'usb-cam');
  writeFileSync(node, '');
  mkdirSync(join(folder, 'by-id'));
  symlinkSync('../video4', link);
  const first = cameraOf('/dev/video0', usable('First', 'usb-1'), byId('first'));
  const named = cameraOf(node, usable('Named', 'usb-2'), byId('named'));
  const unnamed = cameraOf(node, usable('Named', 'usb-2'));

  function assertFault(
    cameras: readonly FoundCamera[],
    device: string,
    known: FoundCamera | undefined,
    [code, message]: readonly [FaultCode, RegExp],
  ): void {
    const chosen = chooseCamera(cameras, device, known);
    assert.ok(!chosen.ok);
    assert.equal(chosen.fault.code, code);
    assert.match(chosen.fault.message, message);
  }

  it('is found by its path and by a link to it', () => {
    assert.equal(chosenOf([first, named], node, undefined), node);
    assert.equal(chosenOf([first, named], link, undefined), node);
    assert.equal(chosenOf([first, named], '/dev/video0', undefined), '/dev/video0');
  });

  it('is taken though it cannot be opened or used: opening it tells why', () => {
    for (const state of [closed(busy), unusable()]) {
      assert.equal(chosenOf([first, cameraOf(node, state)], node, undefined), node);
    }
  });

  it('is still that camera when it came back under another number', () => {
    const moved = { ...named, path: '/dev/video9' };
    assert.equal(chosenOf([first, moved], node, named), '/dev/video9');
    const other = cameraOf(node, usable('Other', 'usb-3'), byId('other'));
    assert.equal(chosenOf([other, moved], node, named), '/dev/video9');
  });

  it('is not another camera that now has its number', () => {
    const other = cameraOf(node, usable('Other', 'usb-3'), byId('other'));
    assertFault([first, other], node, named, ['camera.unplugged', /another camera/]);
    assertFault([other], link, named, ['camera.unplugged', /usb-cam is now another/]);
  });

  it('is not its twin, which has got its by-id link, where the config names the place', () => {
    const place = byPath('sightd-test-no-such-place');
    const known = cameraOf(node, usable('Cam', 'usb-1'), place, byId('twins'));
    const twin = cameraOf('/dev/video0', usable('Cam', 'usb-2'), byPath('b'), byId('twins'));
    assert.equal(chosenOf([twin], place, known), 'camera.missing');
    assert.equal(chosenOf([twin], node, known), '/dev/video0');
    assert.equal(chosenOf([twin, { ...known, path: '/dev/video9' }], place, known), '/dev/video9');
  });

  it('is not called another one where it only cannot be opened', () => {
    const denied = cameraOf(node, closed(forbidden));
    assertFault([first, denied], node, unnamed, ['camera.forbidden', /may not/]);
  });

  it('is missing where there is no such path, whatever else there is', () => {
    const gone = join(folder, 'video5');
    for (const known of [undefined, named]) {
      assertFault([first], gone, known, ['camera.missing', /no camera at .*video5/]);
    }
  });

  it('is not a camera where the path is something else', () => {
    assertFault([first], node, undefined, ['camera.unsupported', /video4 is not a camera/]);
    assertFault([first], '/dev/null', undefined, ['camera.unsupported', /null is not a camera/]);
  });
});
