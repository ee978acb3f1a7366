/** The MQTT versions by their number in CONNECT: 3.1.1 and 5. */
export type Protocol = 4 | 5;

/** Which version the next connection speaks, and whether that is for good. */
export type ProtocolChoice = { readonly protocol: Protocol; readonly isSettled: boolean };

/**
 * How a connection ended: the broker refused the version; it closed before it answered the CONNECT,
 * as a broker does that cannot read it; anything else.
 */
export type ConnectionEnd = 'version refused' | 'no answer' | 'other';

export function firstChoice(wanted: 'auto' | 5 | '3.1.1'): ProtocolChoice {
  return { protocol: wanted === '3.1.1' ? 4 : 5, isSettled: wanted !== 'auto' };
}

/**
 * A refusal is remembered for as long as the process runs. Silence proves nothing, a broker that is
 * just starting does the same: the other version has the next try, and after any other end, also that of
 * a connection that worked, 5 is first again. So no broker is spoken to in 3.1.1 for good by mistake.
 */
export function nextChoice(choice: ProtocolChoice, end: ConnectionEnd): ProtocolChoice {
  if (choice.isSettled) return choice;
  if (end === 'version refused') return { protocol: 4, isSettled: true };
  const isSilent = end === 'no answer' && choice.protocol === 5;
  return { protocol: isSilent ? 4 : 5, isSettled: false };
}
