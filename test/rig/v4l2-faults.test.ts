import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { type CameraDaemon, startCameraDaemon } from './support/camera-daemon.ts';
import { skipOutsideRig } from './support/rig.ts';
import { setControl } from './support/video-node.ts';
import { loadVivid } from './support/vivid.ts';

/*
 * Every error that vivid can make, one after the other, in one run of one daemon: each is named,
 * each is got over, and at the end all frames are accounted for.
 */

const skip = skipOutsideRig();

/** What a fault is tried on. */
type Patient = { readonly daemon: CameraDaemon; readonly node: string };
type Trial = {
  readonly name: string;
  readonly run: (patient: Patient) => Promise<void>;
};

const small = { format: 'YUYV', width: 320, height: 180, fps: 10 };
const large = { ...small, width: 640, height: 360 };
const smallText = 'YUYV 320×180';
const largeText = 'YUYV 640×360';

const trials: readonly Trial[] = [
  {
    name: 'a damaged buffer is one failed frame, and the stream goes on',
    run: async ({ daemon, node }) => {
      const { since, before } = now(daemon);
      const said = daemon.lines.length;
      setControl(node, 'inject_v4l2_buf_flag_error', 1);
      const after = await daemon.untilHealth(
        'a failed frame',
        since,
        ({ ledger }) => ledger.failed > before.ledger.failed,
      );
      assert.equal(after.ledger.failed, before.ledger.failed + 1);
      // The camera thread counts at once, and what it says of it comes later.
      await daemon.untilSaid('"code":"camera.frame-broken"', said);
      await daemon.untilMoreResults(3);
      assertNotReopened(daemon, before.camera.reopens);
    },
  },
  {
    name: 'frames that the driver drops are counted, and the stream goes on',
    run: async ({ daemon, node }) => {
      const { since, before } = now(daemon);
      setControl(node, 'percentage_of_dropped_buffers', 10);
      await daemon.untilHealth(
        'dropped frames',
        since,
        ({ ledger }) => ledger.dropped.driver >= before.ledger.dropped.driver + 2,
      );
      setControl(node, 'percentage_of_dropped_buffers', 0);
      await daemon.untilMoreResults(3);
      assertNotReopened(daemon, before.camera.reopens);
    },
  },
  {
    name: 'a camera that gives nothing more is stalled, and delivers when it can again',
    run: async ({ daemon, node }) => {
      const { since } = now(daemon);
      setControl(node, 'percentage_of_dropped_buffers', 100);
      const { state, camera } = await daemon.untilFault('camera.stalled', since);
      assert.equal(state, 'degraded');
      assert.equal(camera.state, 'stuck');
      setControl(node, 'percentage_of_dropped_buffers', 0);
      await daemon.untilStreaming(smallText, now(daemon).since);
    },
  },
  {
    name: 'a buffer that the driver refuses is offered again: none is lost, however often',
    run: async ({ daemon, node }) => {
      const { before } = now(daemon);
      for (let count = 0; count < 8; count += 1) {
        setControl(node, 'inject_vidioc_qbuf_error', 1);
        await daemon.untilMoreResults(1);
      }
      await daemon.untilMoreResults(3);
      assertNotReopened(daemon, before.camera.reopens);
    },
  },
  {
    name: 'a driver that refuses buffers is asked again',
    run: async ({ daemon, node }) => {
      setControl(node, 'inject_vidioc_reqbufs_error', 1);
      const since = daemon.reconfigure({ device: node, ...large });
      const { camera } = await daemon.untilFault('camera.refused', since);
      assert.match(camera.fault?.message ?? '', /VIDIOC_REQBUFS: EINVAL/);
      await daemon.untilStreaming(largeText, since);
    },
  },
  {
    name: 'a driver that refuses to start is asked again',
    run: async ({ daemon, node }) => {
      setControl(node, 'inject_vidioc_streamon_error', 1);
      const since = daemon.reconfigure({ device: node, ...small });
      const { camera } = await daemon.untilFault('camera.refused', since);
      assert.match(camera.fault?.message ?? '', /VIDIOC_STREAMON: EINVAL/);
      await daemon.untilStreaming(smallText, since);
    },
  },
  {
    name: 'a stream that fails for good is started anew',
    run: async ({ daemon, node }) => {
      const { since } = now(daemon);
      setControl(node, 'inject_fatal_streaming_error', 1);
      const { camera } = await daemon.untilFault('camera.broken', since);
      assert.match(camera.fault?.message ?? '', /VIDIOC_DQBUF: EIO/);
      await daemon.untilStreaming(smallText, now(daemon).since);
    },
  },
  {
    name: 'a camera that disconnects is opened again',
    run: async ({ daemon, node }) => {
      const { since } = now(daemon);
      setControl(node, 'disconnect', 1);
      const { camera } = await daemon.untilFault('camera.unplugged', since);
      assert.match(camera.fault?.message ?? '', /ENODEV/);
      await daemon.untilStreaming(smallText, now(daemon).since);
    },
  },
  {
    name: 'sequence numbers that wrap are no lost frames',
    run: async ({ daemon, node }) => {
      setControl(node, 'wrap_sequence_number', 1);
      const since = daemon.reconfigure({ device: node, ...small, fps: 60 });
      const { ledger } = await daemon.untilStreaming(smallText, since);
      // The driver wraps after 128 frames.
      const after = await daemon.untilHealth(
        '200 frames',
        since,
        (health) => health.ledger.captured >= ledger.captured + 200,
      );
      const lost = after.ledger.dropped.driver - ledger.dropped.driver;
      // Without a care it would be four thousand million; a slow machine loses some.
      assert.ok(lost < 10_000, `${lost} frames lost`);
      setControl(node, 'wrap_sequence_number', 0);
    },
  },
  {
    name: 'timestamps that wrap leave the time of capture as it is',
    run: async ({ daemon, node }) => {
      // Both kinds are far in the future at first; one is far in the past after 16 seconds.
      const kinds = [
        { value: 2, camera: large, text: largeText, seconds: 1 },
        { value: 1, camera: small, text: smallText, seconds: 18 },
      ];
      for (const { value, camera, text, seconds } of kinds) {
        setControl(node, 'wrap_timestamp', value);
        // It is looked at where a stream starts.
        const since = daemon.reconfigure({ device: node, ...camera });
        const open = await daemon.untilStreaming(text, since);
        const last = await daemon.untilHealth(
          `${seconds} s of wrapped timestamps`,
          since,
          ({ uptimeSeconds }) => uptimeSeconds > open.uptimeSeconds + seconds,
        );
        assert.equal(last.camera.reopens, open.camera.reopens);
        const lag = Date.parse(last.at) - Date.parse(daemon.results().at(-1)?.capturedAt ?? '');
        assert.ok(Math.abs(lag) < 5000, `captured ${lag} ms ago`);
      }
      setControl(node, 'wrap_timestamp', 0);
    },
  },
];

test('one daemon gets over every error that a camera can have', { skip }, async (t) => {
  await using broker: Mosquitto & AsyncDisposable = await startMosquitto();
  await using vivid = await loadVivid();
  const node = vivid.nodes[0] ?? '';
  await using daemon = await startCameraDaemon(broker, {
    id: 'faults',
    camera: { device: node, ...small },
    frameDeadlineSeconds: 5,
  });
  await daemon.untilStreaming(smallText, 0);
  for (const { name, run } of trials) await t.test(name, () => run({ daemon, node }));
  const ledger = await daemon.stop();
  t.diagnostic(JSON.stringify(ledger));
});

function now(daemon: CameraDaemon) {
  const healths = daemon.healths();
  const before = healths.at(-1);
  assert.ok(before !== undefined);
  return { since: healths.length, before };
}

function assertNotReopened(daemon: CameraDaemon, reopens: number): void {
  assert.equal(daemon.healths().at(-1)?.camera.reopens, reopens);
}
