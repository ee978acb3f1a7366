import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Fault, type FaultCode, fault } from '../../../src/base/fault.ts';
import { chooseCamera, type FoundCamera, keyOf } from '../../../src/camera/v4l2/find.ts';

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
  known: string | undefined,
): string {
  const chosen = chooseCamera(cameras, device, known);
  return chosen.ok ? chosen.value.path : chosen.fault.code;
}

describe('the key of a camera', () => {
  it('is its by-id link, whichever number and place it has and whether it can be opened', () => {
    const links = [byPath('pci-0-usb-0:1'), byId('usb-Logi_C920_12AB')] as const;
    for (const state of [usable(), usable('Webcam', 'usb-2'), unusable(), closed(busy)]) {
      for (const path of ['/dev/video0', '/dev/video4']) {
        assert.equal(keyOf(cameraOf(path, state, ...links)), links[1]);
      }
    }
  });

  it('is what it is and where it is attached, without a by-id link', () => {
    const key = keyOf(cameraOf('/dev/video0', usable('Cam', 'usb-1'), byPath('a')));
    assert.equal(keyOf(cameraOf('/dev/video7', usable('Cam', 'usb-1'))), key);
    assert.notEqual(keyOf(cameraOf('/dev/video0', usable('Cam', 'usb-2'), byPath('a'))), key);
    assert.notEqual(keyOf(cameraOf('/dev/video0', usable('Other', 'usb-1'), byPath('a'))), key);
  });

  it('is where it is attached, or its number, when it cannot be asked', () => {
    assert.equal(keyOf(cameraOf('/dev/video0', closed(busy), byPath('a'))), byPath('a'));
    assert.equal(keyOf(cameraOf('/dev/video0', closed(busy))), '/dev/video0');
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
    assert.equal(chosenOf([first, second], undefined, byId('second')), '/dev/video2');
    const swapped = [
      { ...second, path: '/dev/video0' },
      { ...first, path: '/dev/video2' },
    ];
    assert.equal(chosenOf(swapped, undefined, byId('first')), '/dev/video2');
  });

  it('is the one that was open before though it cannot be opened now, if its link tells', () => {
    const cameras = [first, cameraOf('/dev/video2', closed(busy), byId('second'))];
    assert.equal(chosenOf(cameras, undefined, byId('second')), '/dev/video2');
  });

  it('is another one when the one before has gone', () => {
    assert.equal(chosenOf([second], undefined, byId('first')), '/dev/video2');
  });

  it('is none where there is none, or none that could ever be used', () => {
    assert.equal(chosenOf([], undefined, undefined), 'camera.none');
    assert.equal(chosenOf([], undefined, byId('first')), 'camera.none');
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
    known: string | undefined,
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
    assert.equal(chosenOf([first, moved], node, byId('named')), '/dev/video9');
    const other = cameraOf(node, usable('Other', 'usb-3'), byId('other'));
    assert.equal(chosenOf([other, moved], node, byId('named')), '/dev/video9');
  });

  it('is not another camera that now has its number', () => {
    const other = cameraOf(node, usable('Other', 'usb-3'), byId('other'));
    assertFault([first, other], node, byId('named'), ['camera.unplugged', /another camera/]);
    assertFault([other], link, byId('named'), ['camera.unplugged', /usb-cam is now another/]);
  });

  it('is not called another one where it only cannot be opened', () => {
    const denied = cameraOf(node, closed(forbidden));
    assertFault([first, denied], node, keyOf(unnamed), ['camera.forbidden', /may not/]);
  });

  it('is missing where there is no such path, whatever else there is', () => {
    const gone = join(folder, 'video5');
    for (const known of [undefined, byId('named')]) {
      assertFault([first], gone, known, ['camera.missing', /no camera at .*video5/]);
    }
  });

  it('is not a camera where the path is something else', () => {
    assertFault([first], node, undefined, ['camera.unsupported', /video4 is not a camera/]);
    assertFault([first], '/dev/null', undefined, ['camera.unsupported', /null is not a camera/]);
  });
});
