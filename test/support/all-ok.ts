import { components } from '../../src/base/fault.ts';
import type { Components } from '../../src/contract/messages.ts';

/** The components of a device without troubles. */
export const allOk = Object.fromEntries(
  components.map((name) => [name, { state: 'ok' }]),
) as Components;
