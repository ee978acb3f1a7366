// The order matters: this comes before the library is loaded.
import './no-telemetry.ts';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  bindAt,
  bytesAt,
  type NativeFunction,
  type NativeValue,
  openLibrary,
} from '../base/ffi.ts';

/**
 * onnxruntime's C API: `struct OrtApi`, a table of functions whose order never changes, from
 * include/onnxruntime/core/session/onnxruntime_c_api.h of onnxruntime 1.21. What is used here has been
 * there since version 5 of the API. Each function by its place in the table; those that return `void *`
 * return a status, which is null when all went well.
 */
const functions = {
  getErrorMessage: [2, 'const char *(void *status)'],
  createEnv: [3, 'void *(int severity, const char *logId, void *out)'],
  createSession: [7, 'void *(void *env, const char *path, void *options, void *out)'],
  createSessionOptions: [10, 'void *(void *out)'],
  setSessionExecutionMode: [13, 'void *(void *options, int mode)'],
  setSessionLogSeverityLevel: [22, 'void *(void *options, int severity)'],
  setSessionGraphOptimizationLevel: [23, 'void *(void *options, int level)'],
  setIntraOpNumThreads: [24, 'void *(void *options, int threads)'],
  setInterOpNumThreads: [25, 'void *(void *options, int threads)'],
  sessionGetInputCount: [30, 'void *(void *session, void *out)'],
  sessionGetOutputCount: [31, 'void *(void *session, void *out)'],
  sessionGetInputTypeInfo: [33, 'void *(void *session, size_t index, void *out)'],
  sessionGetOutputTypeInfo: [34, 'void *(void *session, size_t index, void *out)'],
  sessionGetInputName: [36, 'void *(void *session, size_t index, void *allocator, void *out)'],
  sessionGetOutputName: [37, 'void *(void *session, size_t index, void *allocator, void *out)'],
  createRunOptions: [39, 'void *(void *out)'],
  createTensorWithDataAsOrtValue: [
    49,
    'void *(void *memory, void *data, size_t bytes, void *shape, size_t dimensions, int type, void *out)',
  ],
  castTypeInfoToTensorInfo: [55, 'void *(void *typeInfo, void *out)'],
  getTensorElementType: [60, 'void *(void *tensorInfo, void *out)'],
  getDimensionsCount: [61, 'void *(void *tensorInfo, void *out)'],
  getDimensions: [62, 'void *(void *tensorInfo, void *sizes, size_t count)'],
  getSymbolicDimensions: [63, 'void *(void *tensorInfo, void *names, size_t count)'],
  createCpuMemoryInfo: [69, 'void *(int allocatorType, int memoryType, void *out)'],
  allocatorFree: [76, 'void *(void *allocator, void *memory)'],
  getAllocatorWithDefaultOptions: [78, 'void *(void *out)'],
  releaseEnv: [92, 'void (void *env)'],
  releaseStatus: [93, 'void (void *status)'],
  releaseMemoryInfo: [94, 'void (void *memory)'],
  releaseSession: [95, 'void (void *session)'],
  releaseValue: [96, 'void (void *value)'],
  releaseRunOptions: [97, 'void (void *options)'],
  releaseTypeInfo: [98, 'void (void *typeInfo)'],
  releaseSessionOptions: [100, 'void (void *options)'],
  addSessionConfigEntry: [130, 'void *(void *options, const char *key, const char *value)'],
  runWithBinding: [133, 'void *(void *session, void *options, void *binding)'],
  createIoBinding: [134, 'void *(void *session, void *out)'],
  releaseIoBinding: [135, 'void (void *binding)'],
  bindInput: [136, 'void *(void *binding, const char *name, void *value)'],
  bindOutput: [137, 'void *(void *binding, const char *name, void *value)'],
} as const satisfies Record<string, readonly [place: number, declaration: string]>;

/** The version of the API to ask for, and how much of its table is read. */
const apiVersion = 21;
const tableLength = 138;
const pointerBytes = 8;

export type NativeApi = { readonly [Name in keyof typeof functions]: NativeFunction };

let opened: NativeApi | undefined;

/** The C API of the library that the onnxruntime-node package brings, if it is the one expected. */
export function openNativeApi(): NativeApi | undefined {
  opened ??= findApi();
  return opened;
}

function findApi(): NativeApi | undefined {
  try {
    const packageFile = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    const binaries = join(dirname(packageFile), 'bin', 'napi-v6');
    const path = join(binaries, process.platform, process.arch, 'libonnxruntime.so.1');
    if (!existsSync(path)) return undefined;
    const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
    return bindApi(path, version);
  } catch {
    // Another libc, or another package layout: the package's own binding may know its way.
    return undefined;
  }
}

function bindApi(path: string, version: string): NativeApi | undefined {
  const base = openLibrary(path).bind('void *OrtGetApiBase()')() as bigint;
  const [getApi, getVersionString] = pointersAt(base, 2) as [bigint, bigint];
  if (bindAt(getVersionString, 'const char *()')() !== version) return undefined;
  const api = bindAt(getApi, 'void *(uint32_t version)')(apiVersion) as bigint | null;
  if (api === null) return undefined;
  const table = pointersAt(api, tableLength);
  const bound = Object.entries(functions).map(([name, [place, declaration]]) => [
    name,
    bindAt(table[place] as bigint, declaration),
  ]);
  return Object.fromEntries(bound) as NativeApi;
}

const pointersAt = (address: bigint, count: number): readonly bigint[] => [
  ...new BigUint64Array(bytesAt(address, count * pointerBytes).slice().buffer),
];

/** Throws what a status says, if it says anything. */
export function check(api: NativeApi, status: unknown): void {
  if (status !== null) throw new Error(takeMessage(api, status as bigint));
}

/** What went wrong; the status is released. */
export function takeMessage(api: NativeApi, status: bigint): string {
  const message = api.getErrorMessage(status) as string;
  api.releaseStatus(status);
  return message;
}

/** The pointer or size that a function of the API gives by its last argument. */
export function resultOf(
  api: NativeApi,
  call: NativeFunction,
  ...values: readonly NativeValue[]
): bigint {
  const out = new BigUint64Array(1);
  check(api, call(...values, out));
  return out[0] as bigint;
}
