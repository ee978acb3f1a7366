/**
 * What systemd says of the end of a run: `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS $INVOCATION_ID`
 * (systemd.exec(5)), as the unit's `ExecStopPost=` writes it; the last may be missing.
 */
export type ExitWord = {
  /** `success`, `exit-code`, `signal`, `core-dump`, `watchdog`, `timeout`, `oom-kill`, … */
  readonly result: string;
  /** Undefined unless the main process exited by itself. */
  readonly status: number | undefined;
  /** Without SIG; undefined unless a signal ended the main process. */
  readonly signal: string | undefined;
  /** Which run it is about. */
  readonly invocation: string | undefined;
};

/** What is no such line, as one that was not written whole, is none. */
export function parseExitWord(text: string): ExitWord | undefined {
  // What did not happen is an empty word: a run that could not be started has no exit code.
  const [result = '', code = '', status = '', invocation = '', ...more] = text.trim().split(' ');
  if (!/^[a-z]+(-[a-z]+)*$/.test(result) || more.length > 0) return undefined;
  if (invocation !== '' && !/^[0-9a-f]{32}$/.test(invocation)) return undefined;
  const word = {
    result,
    status: undefined,
    signal: undefined,
    invocation: invocation || undefined,
  };
  switch (code) {
    case '':
      return status === '' ? word : undefined;
    case 'exited':
      return /^\d{1,3}$/.test(status) ? { ...word, status: Number(status) } : undefined;
    case 'killed':
    case 'dumped':
      return /^[A-Z][A-Z0-9+-]*$/.test(status) ? { ...word, signal: status } : undefined;
    default:
      return undefined;
  }
}
