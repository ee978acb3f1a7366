import type { FaultCode } from '../base/fault.ts';

type CameraCode = Extract<FaultCode, `camera.${string}`>;

/**
 * What a live camera's fault asks for. `absent`: there is none that could be used, and nothing of ours
 * changes that: it is waited for. `stuck`: one is there and does not do; to begin its stream or the
 * device anew may help.
 */
const kinds: Readonly<Record<CameraCode, 'absent' | 'stuck'>> = {
  'camera.none': 'absent',
  'camera.missing': 'absent',
  'camera.unplugged': 'absent',
  'camera.busy': 'absent',
  'camera.forbidden': 'absent',
  'camera.unsupported': 'absent',
  'camera.format-unavailable': 'absent',
  'camera.control': 'absent',
  'camera.tool-missing': 'absent',
  'camera.replay-missing': 'absent',
  'camera.replay-empty': 'absent',
  'camera.replay-unreadable': 'absent',
  'camera.stalled': 'stuck',
  'camera.frozen': 'stuck',
  'camera.broken': 'stuck',
  // Also a USB bus without bandwidth: another client of it may have gone meanwhile.
  'camera.refused': 'stuck',
  'camera.memory': 'stuck',
  // These end no stream by themselves.
  'camera.frame-broken': 'stuck',
  'camera.frame-unreadable': 'stuck',
  'camera.picture': 'stuck',
  'camera.died': 'stuck',
  'camera.hung': 'stuck',
};

/** Whether a camera with this fault is there but does not do; else it is waited for. */
export function isStuck(code: FaultCode): boolean {
  return Object.hasOwn(kinds, code) ? kinds[code as CameraCode] === 'stuck' : true;
}
