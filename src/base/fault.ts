/**
 * Expected failures, as data. Each code is `area.problem`, listed here once with what it means for
 * the process: whether another try can help, and the exit code when it ends the run.
 */
export const exitCodes = {
  clean: 0,
  /** The stop deadline passed. */
  hung: 1,
  usage: 64,
  unavailable: 69,
  internal: 70,
  /** Asked to be started again: EX_TEMPFAIL, so that a supervisor that restarts on failure does it too. */
  restart: 75,
  config: 78,
  /** A second interrupt ended the process at once. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const faultKinds = {
  'usage.argument': { retryable: false, exit: exitCodes.usage },
  'config.unreadable': { retryable: false, exit: exitCodes.config },
  'config.invalid': { retryable: false, exit: exitCodes.config },
  'state.broken': { retryable: false, exit: exitCodes.config },
  'state.unwritable': { retryable: true, exit: exitCodes.config },
  'camera.replay-missing': { retryable: false, exit: exitCodes.unavailable },
  'camera.replay-empty': { retryable: false, exit: exitCodes.unavailable },
  'camera.replay-unreadable': { retryable: false, exit: exitCodes.unavailable },
  'camera.frame-unreadable': { retryable: true, exit: exitCodes.unavailable },
  'camera.none': { retryable: true, exit: exitCodes.unavailable },
  'camera.missing': { retryable: true, exit: exitCodes.unavailable },
  'camera.busy': { retryable: true, exit: exitCodes.unavailable },
  'camera.forbidden': { retryable: true, exit: exitCodes.unavailable },
  'camera.unsupported': { retryable: true, exit: exitCodes.unavailable },
  'camera.format-unavailable': { retryable: true, exit: exitCodes.unavailable },
  'camera.refused': { retryable: true, exit: exitCodes.unavailable },
  'camera.unplugged': { retryable: true, exit: exitCodes.unavailable },
  'camera.broken': { retryable: true, exit: exitCodes.unavailable },
  'camera.stalled': { retryable: true, exit: exitCodes.unavailable },
  'camera.memory': { retryable: true, exit: exitCodes.unavailable },
  'camera.frame-broken': { retryable: true, exit: exitCodes.unavailable },
  'camera.picture': { retryable: true, exit: exitCodes.unavailable },
  'camera.control': { retryable: true, exit: exitCodes.config },
  'camera.tool-missing': { retryable: false, exit: exitCodes.unavailable },
  'camera.died': { retryable: true, exit: exitCodes.internal },
  'model.missing': { retryable: false, exit: exitCodes.unavailable },
  'model.manifest-invalid': { retryable: false, exit: exitCodes.unavailable },
  'model.golden': { retryable: false, exit: exitCodes.unavailable },
  'model.hash-mismatch': { retryable: false, exit: exitCodes.unavailable },
  'model.corrupt': { retryable: false, exit: exitCodes.unavailable },
  'model.shape-mismatch': { retryable: false, exit: exitCodes.unavailable },
  'model.labels-mismatch': { retryable: false, exit: exitCodes.unavailable },
  'inference.failed': { retryable: true, exit: exitCodes.internal },
  'inference.died': { retryable: true, exit: exitCodes.internal },
  'ring.too-large': { retryable: false, exit: exitCodes.config },
  'mqtt.unreachable': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.refused': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.credentials': { retryable: false, exit: exitCodes.config },
  'mqtt.tls-untrusted': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-expired': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-name': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-client': { retryable: true, exit: exitCodes.unavailable },
  'mqtt.message-refused': { retryable: false, exit: exitCodes.unavailable },
  'mqtt.message-too-large': { retryable: false, exit: exitCodes.unavailable },
  'mqtt.subscription-refused': { retryable: true, exit: exitCodes.unavailable },
  'command.malformed': { retryable: false, exit: exitCodes.usage },
  'command.too-large': { retryable: false, exit: exitCodes.usage },
  'command.retained': { retryable: false, exit: exitCodes.usage },
  'command.expired': { retryable: false, exit: exitCodes.usage },
  'command.expires-late': { retryable: false, exit: exitCodes.usage },
  'command.repeated': { retryable: false, exit: exitCodes.usage },
  'command.response-topic': { retryable: false, exit: exitCodes.usage },
  'command.busy': { retryable: true, exit: exitCodes.unavailable },
  'command.stopping': { retryable: true, exit: exitCodes.unavailable },
  'command.impossible': { retryable: false, exit: exitCodes.unavailable },
  'command.interrupted': { retryable: true, exit: exitCodes.unavailable },
  'snapshot.no-frame': { retryable: true, exit: exitCodes.unavailable },
  'snapshot.unsent': { retryable: true, exit: exitCodes.unavailable },
  'outbox.corrupt': { retryable: false, exit: exitCodes.unavailable },
  'outbox.disk-full': { retryable: true, exit: exitCodes.unavailable },
  'outbox.unwritable': { retryable: true, exit: exitCodes.unavailable },
  'broker.port': { retryable: false, exit: exitCodes.unavailable },
  'dataset.unreadable': { retryable: false, exit: exitCodes.unavailable },
} as const satisfies Record<string, { retryable: boolean; exit: ExitCode }>;

export type FaultCode = keyof typeof faultKinds;

export type Fault = {
  readonly code: FaultCode;
  /** One sentence: what is wrong, with the path or value it is about. */
  readonly message: string;
  /** One sentence: what the person can do about it. */
  readonly mend: string;
  readonly retryable: boolean;
};

export function fault(code: FaultCode, message: string, mend: string): Fault {
  return { code, message, mend, retryable: faultKinds[code].retryable };
}

export const exitCodeOf = (code: FaultCode): ExitCode => faultKinds[code].exit;

/** A value, or why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

export const success = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failure = (reason: Fault): { readonly ok: false; readonly fault: Fault } => ({
  ok: false,
  fault: reason,
});

/** The message of anything thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
