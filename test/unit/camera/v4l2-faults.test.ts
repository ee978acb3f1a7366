import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { FaultCode } from '../../../src/base/fault.ts';
import { faultOf } from '../../../src/camera/v4l2/faults.ts';

const { errno } = constants;
const folder = mkdtempSync(join(tmpdir(), 'sightd-faults-'));
after(() => rmSync(folder, { recursive: true }));

const missing = join(folder, 'video9');

/** A file that stands for a device node, with these permissions. */
function nodeOf(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

describe('the fault of an errno', () => {
  const codes: Readonly<Record<string, FaultCode>> = {
    ENOENT: 'camera.missing',
    ENODEV: 'camera.unplugged',
    ENXIO: 'camera.unplugged',
    EBUSY: 'camera.busy',
    EACCES: 'camera.forbidden',
    EPERM: 'camera.forbidden',
    ENOMEM: 'camera.memory',
    ENOSPC: 'camera.refused',
    EIO: 'camera.broken',
    EPIPE: 'camera.refused',
    EINVAL: 'camera.refused',
    ENOTTY: 'camera.refused',
    ERANGE: 'camera.refused',
  };
  for (const [name, code] of Object.entries(codes)) {
    it(`is ${code} for ${name}, and says what was requested of which camera`, () => {
      const number = errno[name as keyof typeof errno];
      const reason = faultOf(number, missing, 'VIDIOC_STREAMON');
      assert.equal(reason.code, code);
      assert.ok(reason.message.startsWith(`${missing}: `), reason.message);
      assert.ok(reason.message.endsWith(`(VIDIOC_STREAMON: ${name})`), reason.message);
      assert.notEqual(reason.mend, '');
    });
  }

  it('names a number that has no name', () => {
    assert.match(faultOf(4000, missing, 'open').message, /\(open: .*4000\)$/);
  });

  it('is one after which the camera is tried again', () => {
    for (const number of [errno.ENODEV, errno.EBUSY, errno.EACCES, errno.EIO, errno.EINVAL, 4000]) {
      assert.equal(faultOf(number, missing, 'open').retryable, true);
    }
  });

  it('tells a USB bus that is full apart from a driver that refuses', () => {
    assert.match(faultOf(errno.ENOSPC, missing, 'VIDIOC_STREAMON').message, /bandwidth/);
    assert.match(faultOf(errno.ENOSPC, missing, 'VIDIOC_STREAMON').mend, /MJPG/);
    assert.doesNotMatch(faultOf(errno.EINVAL, missing, 'VIDIOC_STREAMON').message, /bandwidth/);
  });
});

describe('the mend of a camera that may not be opened', () => {
  const mendOf = (path: string): string => faultOf(errno.EACCES, path, 'open').mend;

  it('names the group that may open it', () => {
    const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
    const mend = mendOf(nodeOf('video0', 0o660));
    // Where the group has no name, as in some containers, there is none to join.
    const isNamed = !/^\d+$/.test(group);
    assert.match(mend, isNamed ? new RegExp(`usermod -aG ${group} USER`) : /Run sightd as a user/);
  });

  it('names no group where joining it would not help', () => {
    for (const mode of [0o600, 0o640, 0o620]) {
      assert.match(mendOf(nodeOf('video1', mode)), /^Run sightd as a user/, mode.toString(8));
    }
  });

  it('names no group where the camera has gone meanwhile', () => {
    assert.match(mendOf(missing), /^Run sightd as a user/);
  });
});

describe('the fault of a camera in use', () => {
  const busy = (path: string): string => faultOf(errno.EBUSY, path, 'VIDIOC_REQBUFS').message;

  it('names nobody where nobody can be seen', () => {
    assert.match(busy(missing), /the camera is in use \(VIDIOC_REQBUFS/);
  });

  it('names who has it open', () => {
    // Any device will do; few programs have this one open.
    const device = '/dev/full';
    const descriptor = openSync(device, 'r');
    const holder = spawn('sleep', ['60'], { stdio: [descriptor, 'ignore', 'ignore'] });
    try {
      assert.match(busy(device), new RegExp(`in use, by .*sleep \\(pid ${holder.pid}\\)`));
      assert.doesNotMatch(busy(device), new RegExp(`\\(pid ${process.pid}\\)`));
    } finally {
      holder.kill('SIGKILL');
      closeSync(descriptor);
    }
  });
});
