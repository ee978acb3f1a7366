/** Wakes whoever waits for a condition whenever something has changed. */
export interface Changes {
  announce(): void;
  until(condition: () => boolean): Promise<void>;
}

export function createChanges(): Changes {
  const waiting: (() => void)[] = [];
  return {
    announce: () => {
      for (const resume of waiting.splice(0)) resume();
    },
    until: async (condition) => {
      while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
