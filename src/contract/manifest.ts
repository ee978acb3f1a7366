import { z } from 'zod';

/**
 * How a frame becomes the model's picture. `center-crop`: the short side is scaled to
 * `input / fraction`, then the middle is taken (fraction 0.875 is the usual 224 of 256). `squash`: the
 * whole frame, without keeping its proportions. `letterbox`: the whole frame with its proportions,
 * grey bars around it.
 */
export const resizeRuleSchema = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('center-crop'), fraction: z.number().gt(0).max(1) }),
  z.strictObject({ rule: z.literal('squash') }),
  z.strictObject({ rule: z.literal('letterbox') }),
]);

const perChannel = z.union([z.number(), z.tuple([z.number(), z.number(), z.number()])]);

export const modelInputSchema = z.strictObject({
  layout: z.enum(['nhwc', 'nchw']),
  type: z.enum(['uint8', 'float32']),
  color: z.enum(['rgb', 'bgr', 'gray']),
  width: z.int().min(8).max(1024),
  height: z.int().min(8).max(1024),
  /** A float32 element is `(byte · scale − mean) / std`; one number for all channels or one each, in the order of `color`. */
  scale: z.number().positive().default(1),
  mean: perChannel.default(0),
  std: perChannel.refine((std) => [std].flat().every((value) => value !== 0), 'not 0').default(1),
  resize: resizeRuleSchema.default({ rule: 'center-crop', fraction: 0.875 }),
});

export const modelManifestSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'letters, digits, dot, dash and underscore'),
  version: z.string().min(1),
  description: z.string().optional(),
  /** The `.onnx` file, relative to the manifest. */
  file: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
  /** The names of the outputs in order, or a text file with one name a line, relative to the manifest. */
  labels: z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]),
  input: modelInputSchema,
  output: z.strictObject({ kind: z.enum(['probabilities', 'logits']) }),
  /**
   * A picture and what the model says of it: `image` relative to the manifest, the label that must be
   * the best, and the least score it must have. The device asks the model each time it loads it.
   */
  golden: z
    .strictObject({
      image: z.string().min(1),
      label: z.string().min(1),
      scoreMin: z.number().gt(0).max(1).default(0.5),
    })
    .optional(),
  source: z.string().min(1),
  license: z.string().min(1),
});

export type ResizeRule = z.infer<typeof resizeRuleSchema>;
export type ModelInput = z.infer<typeof modelInputSchema>;
export type ModelManifest = z.infer<typeof modelManifestSchema>;
