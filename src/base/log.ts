import { type Logger, pino } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Constant sentences plus fields. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  setLevel(level: LogLevel): void;
}

/**
 * The door to pino. Lines go to standard error, synchronously, so that the last ones before an exit
 * are not lost; JSON for a pipe or the journal, readable text on a terminal.
 */
export async function openLog(level: LogLevel, terminal: boolean, colour: boolean): Promise<Log> {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!terminal) {
    return logOf(pino(options, pino.destination({ dest: 2, sync: true })));
  }
  const { default: pretty } = await import('pino-pretty');
  const translateTime = 'SYS:HH:MM:ss.l';
  return logOf(
    pino(options, pretty({ destination: 2, sync: true, colorize: colour, translateTime })),
  );
}

/** pino's methods change with its level, so that each call looks them up. */
const logOf = (logger: Logger): Log => ({
  debug: (fields, sentence) => logger.debug(fields, sentence),
  info: (fields, sentence) => logger.info(fields, sentence),
  warn: (fields, sentence) => logger.warn(fields, sentence),
  error: (fields, sentence) => logger.error(fields, sentence),
  setLevel: (level) => {
    logger.level = level;
  },
});
