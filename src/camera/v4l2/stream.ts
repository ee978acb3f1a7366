import { constants } from 'node:os';
import { type Fault, failure, fault, type Outcome, success } from '../../base/fault.ts';
import { addressOf } from '../../base/ffi.ts';
import { type MappedMemory, mapDevice } from '../../base/libc.ts';
import { type Micros, micros } from '../../base/time.ts';
import type { CaptureDevice } from './device.ts';
import { faultOf } from './faults.ts';
import type { Granted } from './negotiate.ts';
import { createRecord, type StructRecord } from './record.ts';
import * as v4l2 from './structs.ts';

const { EAGAIN, ENODEV } = constants.errno;

/** What the driver had when it was asked for a frame. */
export type Dequeued =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'frame'; readonly frame: DriverFrame }
  /** The stream is at its end; only starting anew can help. */
  | { readonly kind: 'broken'; readonly fault: Fault };

/** A frame in the driver's memory, which is ours until it is given back. */
export type DriverFrame = {
  readonly buffer: number;
  /** The used bytes of each plane. */
  readonly planes: readonly Uint8Array[];
  /** The driver says that its pixels are damaged. */
  readonly isDamaged: boolean;
  readonly sequence: number;
  /** CLOCK_MONOTONIC when the frame was complete; undefined when the driver uses another clock. */
  readonly stampedAt: Micros | undefined;
};

/** Buffers mapped and queued, and the camera running. Disposal stops it and gives the memory back. */
export interface CaptureStream extends Disposable {
  dequeue(): Dequeued;
  /** Gives a frame's buffer back to the driver. One that is refused is offered again later. */
  giveBack(frame: DriverFrame): void;
  /** Stops the camera, queues all its buffers, whoever had them, and starts it again. */
  restart(): Outcome<void>;
}

/** Enough for the driver to fill one while one is read, with one to spare for each of them. */
const buffersWanted = 4;
/** Drivers may make more than was asked for (VIDEO_MAX_FRAME). */
export const buffersMax = 32;
const buffersLeast = 2;

export function startStream(device: CaptureDevice, granted: Granted): Outcome<CaptureStream> {
  const requested = requestBuffers(device, buffersWanted);
  if (!requested.ok) return requested;
  const mapped: MappedMemory[][] = [];
  const release = (): void => {
    device.request('VIDIOC_STREAMOFF', typeWord(device));
    for (const memory of mapped.flat()) memory[Symbol.dispose]();
    requestBuffers(device, 0);
  };
  const abandon = (reason: Fault): Outcome<CaptureStream> => {
    release();
    return failure(reason);
  };
  if (requested.value < buffersLeast) {
    return abandon(
      fault(
        'camera.memory',
        `${device.path}: the driver has memory for ${requested.value} frame only`,
        'Ask for a smaller size.',
      ),
    );
  }
  const buffer = createBuffer(device, granted.planes.length);
  for (let index = 0; index < requested.value; index += 1) {
    const memories = mapBuffer(device, buffer, index);
    if (!memories.ok) return abandon(memories.fault);
    mapped.push(memories.value);
  }
  // Refused buffers, to be offered again: one error of the driver must not cost a buffer for good.
  const refused = new Set<number>();
  const queue = (index: number): number => {
    buffer.prepare(index);
    const errno = device.request('VIDIOC_QBUF', buffer.record);
    if (errno === 0) refused.delete(index);
    else refused.add(index);
    return errno;
  };
  const queueRefused = (): number => {
    let errno = 0;
    for (const index of refused) errno = queue(index) || errno;
    return errno;
  };
  const begin = (): Outcome<void> => {
    for (let index = 0; index < mapped.length; index += 1) queue(index);
    const errno = refused.size < mapped.length ? 0 : queueRefused();
    if (errno !== 0) return failure(device.faultOf(errno, 'VIDIOC_QBUF'));
    const started = device.request('VIDIOC_STREAMON', typeWord(device));
    return started === 0 ? success(undefined) : failure(device.faultOf(started, 'VIDIOC_STREAMON'));
  };
  const begun = begin();
  if (!begun.ok) return abandon(begun.fault);

  return success({
    dequeue: () => {
      if (refused.size > 0) {
        const reason = queueRefused();
        // Nothing would ever come any more.
        if (refused.size === mapped.length) {
          return { kind: 'broken', fault: device.faultOf(reason, 'VIDIOC_QBUF') };
        }
      }
      buffer.prepare(0);
      const code = device.request('VIDIOC_DQBUF', buffer.record);
      if (code === EAGAIN) return { kind: 'nothing' };
      if (code !== 0) return { kind: 'broken', fault: endOf(device, code) };
      const index = buffer.record.get('index');
      return { kind: 'frame', frame: frameOf(buffer, mapped[index] ?? []) };
    },
    giveBack: (frame) => void queue(frame.buffer),
    restart: () => {
      // The driver has no buffer any more after this; those that it gave out are in its hands again.
      const stopped = device.request('VIDIOC_STREAMOFF', typeWord(device));
      if (stopped !== 0) return failure(device.faultOf(stopped, 'VIDIOC_STREAMOFF'));
      refused.clear();
      return begin();
    },
    [Symbol.dispose]: release,
  });
}

/** A camera whose cable is pulled may say anything but that: who asks it for its name hears it. */
function endOf(device: CaptureDevice, errno: number): Fault {
  const capability = createRecord(v4l2.v4l2Capability);
  const isGone = device.request('VIDIOC_QUERYCAP', capability) === ENODEV;
  return faultOf(isGone ? ENODEV : errno, device.path, 'VIDIOC_DQBUF');
}

function typeWord(device: CaptureDevice): Uint8Array {
  return new Uint8Array(new Uint32Array([device.bufferType]).buffer);
}

/** Asks for so many buffers (0 gives them back); returns how many the driver made. */
function requestBuffers(device: CaptureDevice, count: number): Outcome<number> {
  const record = createRecord(v4l2.v4l2Requestbuffers);
  record.set('count', count);
  record.set('type', device.bufferType);
  record.set('memory', v4l2.V4L2_MEMORY_MMAP);
  const errno = device.request('VIDIOC_REQBUFS', record);
  return errno === 0
    ? success(record.get('count'))
    : failure(device.faultOf(errno, 'VIDIOC_REQBUFS'));
}

/** The one structure that all buffers are asked about with, and the planes it points to. */
type BufferRecord = {
  readonly record: StructRecord<keyof typeof v4l2.v4l2Buffer.fields>;
  /** Empty in the single-planar interface. */
  readonly planes: readonly StructRecord<keyof typeof v4l2.v4l2Plane.fields>[];
  prepare(index: number): void;
};

function createBuffer(device: CaptureDevice, planeCount: number): BufferRecord {
  const record = createRecord(v4l2.v4l2Buffer);
  const bytes = new Uint8Array(planeCount * v4l2.v4l2Plane.bytes);
  const planes = device.isMultiplanar
    ? Array.from({ length: planeCount }, (_, index) =>
        createRecord(v4l2.v4l2Plane, bytes.subarray(index * v4l2.v4l2Plane.bytes)),
      )
    : [];
  return {
    record,
    planes,
    prepare: (index) => {
      record.bytes.fill(0);
      record.set('index', index);
      record.set('type', device.bufferType);
      record.set('memory', v4l2.V4L2_MEMORY_MMAP);
      if (!device.isMultiplanar) return;
      bytes.fill(0);
      record.set('m', addressOf(bytes));
      record.set('length', planeCount);
    },
  };
}

function mapBuffer(
  device: CaptureDevice,
  buffer: BufferRecord,
  index: number,
): Outcome<MappedMemory[]> {
  buffer.prepare(index);
  const errno = device.request('VIDIOC_QUERYBUF', buffer.record);
  if (errno !== 0) return failure(device.faultOf(errno, 'VIDIOC_QUERYBUF'));
  const areas = device.isMultiplanar ? buffer.planes : [buffer.record];
  const memories: MappedMemory[] = [];
  for (const area of areas) {
    const mapped = mapDevice(device.descriptor, area.get('m'), area.get('length'));
    if (!mapped.ok) {
      for (const memory of memories) memory[Symbol.dispose]();
      return failure(faultOf(mapped.errno, device.path, 'mmap'));
    }
    memories.push(mapped.value);
  }
  return success(memories);
}

function frameOf(buffer: BufferRecord, memories: readonly MappedMemory[]): DriverFrame {
  const { record, planes } = buffer;
  const flags = record.get('flags');
  const isMonotonic =
    (flags & v4l2.V4L2_BUF_FLAG_TIMESTAMP_MASK) === v4l2.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  return {
    buffer: record.get('index'),
    planes: memories.map(({ bytes }, index) => {
      const plane = planes[index];
      return plane === undefined
        ? bytes.subarray(0, record.get('bytesused'))
        : bytes.subarray(plane.get('data_offset'), plane.get('bytesused'));
    }),
    isDamaged: (flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0,
    sequence: record.get('sequence'),
    stampedAt: isMonotonic
      ? micros(record.get('tv_sec') * 1_000_000 + record.get('tv_usec'))
      : undefined,
  };
}
