/**
 * Expected failures, as data. Each code is `area.problem`, listed here once with the component it is
 * about and what it means for the process: whether another try can help, and the exit code when it ends
 * the run.
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

/** The parts of the daemon that health is told of; each fault is about one of them. */
export const components = [
  'camera',
  'ring',
  'inference',
  'label',
  'link',
  'outbox',
  'config',
  'disk',
  'power',
  /** The process itself: its event loop, its memory, its restarts. */
  'daemon',
] as const;
export type Component = (typeof components)[number];

const faultKinds = {
  'usage.argument': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'config.unreadable': { component: 'config', retryable: false, exit: exitCodes.config },
  'config.invalid': { component: 'config', retryable: false, exit: exitCodes.config },
  'state.broken': { component: 'disk', retryable: false, exit: exitCodes.config },
  'state.unwritable': { component: 'disk', retryable: true, exit: exitCodes.config },
  'camera.replay-missing': { component: 'camera', retryable: false, exit: exitCodes.unavailable },
  'camera.replay-empty': { component: 'camera', retryable: false, exit: exitCodes.unavailable },
  'camera.replay-unreadable': {
    component: 'camera',
    retryable: false,
    exit: exitCodes.unavailable,
  },
  'camera.frame-unreadable': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.none': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.missing': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.busy': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.forbidden': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.unsupported': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.format-unavailable': {
    component: 'camera',
    retryable: true,
    exit: exitCodes.unavailable,
  },
  'camera.refused': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.unplugged': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.broken': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.stalled': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.memory': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.frame-broken': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.picture': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.control': { component: 'camera', retryable: true, exit: exitCodes.config },
  'camera.tool-missing': { component: 'camera', retryable: false, exit: exitCodes.unavailable },
  'camera.died': { component: 'camera', retryable: true, exit: exitCodes.internal },
  'camera.frozen': { component: 'camera', retryable: true, exit: exitCodes.unavailable },
  'camera.hung': { component: 'camera', retryable: true, exit: exitCodes.internal },
  'model.missing': { component: 'inference', retryable: false, exit: exitCodes.unavailable },
  'model.manifest-invalid': {
    component: 'inference',
    retryable: false,
    exit: exitCodes.unavailable,
  },
  'model.golden': { component: 'inference', retryable: false, exit: exitCodes.unavailable },
  'model.hash-mismatch': { component: 'inference', retryable: false, exit: exitCodes.unavailable },
  'model.corrupt': { component: 'inference', retryable: false, exit: exitCodes.unavailable },
  'model.shape-mismatch': { component: 'inference', retryable: false, exit: exitCodes.unavailable },
  'model.labels-mismatch': {
    component: 'inference',
    retryable: false,
    exit: exitCodes.unavailable,
  },
  'inference.failed': { component: 'inference', retryable: true, exit: exitCodes.internal },
  'inference.died': { component: 'inference', retryable: true, exit: exitCodes.internal },
  'inference.hung': { component: 'inference', retryable: true, exit: exitCodes.internal },
  'ring.too-large': { component: 'ring', retryable: false, exit: exitCodes.config },
  'ring.unbalanced': { component: 'ring', retryable: true, exit: exitCodes.internal },
  'label.silent': { component: 'label', retryable: true, exit: exitCodes.internal },
  'mqtt.unreachable': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.refused': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.credentials': { component: 'link', retryable: false, exit: exitCodes.config },
  'mqtt.tls-untrusted': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-expired': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-name': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.tls-client': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.message-refused': { component: 'link', retryable: false, exit: exitCodes.unavailable },
  'mqtt.message-too-large': { component: 'link', retryable: false, exit: exitCodes.unavailable },
  'mqtt.subscription-refused': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'mqtt.silent': { component: 'link', retryable: true, exit: exitCodes.unavailable },
  'command.malformed': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.too-large': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.retained': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.expired': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.expires-late': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.repeated': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.response-topic': { component: 'daemon', retryable: false, exit: exitCodes.usage },
  'command.busy': { component: 'daemon', retryable: true, exit: exitCodes.unavailable },
  'command.stopping': { component: 'daemon', retryable: true, exit: exitCodes.unavailable },
  'command.impossible': { component: 'daemon', retryable: false, exit: exitCodes.unavailable },
  'command.interrupted': { component: 'daemon', retryable: true, exit: exitCodes.unavailable },
  'snapshot.no-frame': { component: 'daemon', retryable: true, exit: exitCodes.unavailable },
  'snapshot.unsent': { component: 'daemon', retryable: true, exit: exitCodes.unavailable },
  'outbox.corrupt': { component: 'outbox', retryable: false, exit: exitCodes.unavailable },
  'outbox.full': { component: 'outbox', retryable: true, exit: exitCodes.unavailable },
  'outbox.disk-full': { component: 'outbox', retryable: true, exit: exitCodes.unavailable },
  'outbox.unwritable': { component: 'outbox', retryable: true, exit: exitCodes.unavailable },
  'disk.full': { component: 'disk', retryable: true, exit: exitCodes.unavailable },
  'disk.failing': { component: 'disk', retryable: true, exit: exitCodes.unavailable },
  'power.hot': { component: 'power', retryable: true, exit: exitCodes.unavailable },
  'power.under-voltage': { component: 'power', retryable: true, exit: exitCodes.unavailable },
  'power.throttled': { component: 'power', retryable: true, exit: exitCodes.unavailable },
  'daemon.blocked': { component: 'daemon', retryable: true, exit: exitCodes.internal },
  'daemon.memory': { component: 'daemon', retryable: true, exit: exitCodes.restart },
  'daemon.crash-loop': { component: 'daemon', retryable: true, exit: exitCodes.internal },
  /** A bug, which ended the process. */
  'daemon.internal': { component: 'daemon', retryable: true, exit: exitCodes.internal },
  'broker.port': { component: 'link', retryable: false, exit: exitCodes.unavailable },
  'dataset.unreadable': { component: 'daemon', retryable: false, exit: exitCodes.unavailable },
} as const satisfies Record<string, { component: Component; retryable: boolean; exit: ExitCode }>;

export type FaultCode = keyof typeof faultKinds;

export type Fault = {
  readonly code: FaultCode;
  readonly component: Component;
  /** One sentence: what is wrong, with the path or value it is about. */
  readonly message: string;
  /** One sentence: what the person can do about it. */
  readonly mend: string;
  readonly retryable: boolean;
};

export function fault(code: FaultCode, message: string, mend: string): Fault {
  const { component, retryable } = faultKinds[code];
  return { code, component, message, mend, retryable };
}

export const faultCodes = Object.keys(faultKinds) as readonly FaultCode[];

/** What the table says of a code. */
export const kindOf = (
  code: FaultCode,
): { readonly component: Component; readonly retryable: boolean; readonly exit: ExitCode } =>
  faultKinds[code];

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
