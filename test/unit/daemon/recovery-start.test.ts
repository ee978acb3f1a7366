import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, configSchema } from '../../../src/contract/config.ts';
import type { BudgetStore } from '../../../src/daemon/life/budget-store.ts';
import { silentLife } from '../../../src/daemon/life/life-record.ts';
import { startRecovery } from '../../../src/daemon/recovery-start.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const configWith = (restartsPerHourMax: number): Config =>
  configSchema.parse({ health: { restartsPerHourMax } });

/** Budgets of a daemon whose boots were spent in vain, until it has been well for long. */
function createBudgets(): BudgetStore {
  let isSettled = false;
  return {
    read: () => ({}),
    write: () => {},
    processMax: (asked) => (isSettled ? asked : 1),
    settle: () => {
      isSettled = true;
    },
  };
}

test('how often the process may be restarted is what the config says at that moment', () => {
  const budgets = createBudgets();
  const config = configWith(5);
  const { policyOf } = startRecovery(config, silentLife('a'), budgets, createManualClock());
  const maxOf = (asked: Config): number | undefined => policyOf(asked).ladders.daemon?.at(-1)?.max;
  assert.equal(maxOf(config), 1);
  budgets.settle();
  assert.equal(maxOf(config), 5);
  assert.equal(maxOf(configWith(7)), 7);
  assert.equal(maxOf(configWith(0)), Number.POSITIVE_INFINITY);
});
