/** What there is to say of a kind of fault, in a sentence or two each, for whoever reads its code. */
export type FaultEntry = {
  /** What it means. */
  readonly meaning: string;
  /** What the daemon does by itself. */
  readonly daemon: string;
  /** What a person should do. */
  readonly person: string;
};
