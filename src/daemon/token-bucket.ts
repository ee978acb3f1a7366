import type { Micros } from '../base/time.ts';

/** So many at once, and a steady rate in the long run. */
export type BucketPolicy = { readonly burst: number; readonly perSecond: number };

export type Bucket = { readonly tokens: number; readonly at: Micros };

export const fullBucket = (policy: BucketPolicy, at: Micros): Bucket => ({
  tokens: policy.burst,
  at,
});

/** The bucket as it is now; never fuller than a policy that has become smaller allows. */
export function refilled(bucket: Bucket, now: Micros, policy: BucketPolicy): Bucket {
  const gained = (Math.max(0, now - bucket.at) / 1_000_000) * policy.perSecond;
  return { tokens: Math.min(policy.burst, bucket.tokens + gained), at: now };
}

/** Seconds until there is a token. */
export function secondsUntilToken({ tokens }: Bucket, { perSecond }: BucketPolicy): number {
  return tokens >= 1 ? 0 : (1 - tokens) / perSecond;
}

export const spent = ({ tokens, at }: Bucket): Bucket => ({ tokens: tokens - 1, at });
