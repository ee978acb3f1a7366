/**
 * How readers choose among waiting frames. `latest`: the newest; older ones are let go. `fifo`: the
 * oldest; a full ring refuses new ones. `priority`: the most changed; older ones are let go.
 */
export const ringOrders = ['latest', 'fifo', 'priority'] as const;
export type RingOrder = (typeof ringOrders)[number];

export type RingShape = {
  readonly slots: number;
  readonly slotBytes: number;
  readonly order: RingOrder;
  readonly readers: number;
  readonly workspaceBytes: number;
};

/** What is handed to another thread: shared memory and how it is laid out. */
export type RingHandle = { readonly memory: WebAssembly.Memory; readonly shape: RingShape };
