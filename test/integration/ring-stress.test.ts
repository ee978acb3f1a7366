import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStress } from '../support/ring-stress.ts';
import { stressPlans } from '../support/stress-plans.ts';

/** `npm run stress` raises this to ten million. */
const handoffs = Number(process.env['STRESS_HANDOFFS'] ?? 1_000_000);
const seed = Number(process.env['STRESS_SEED'] ?? 1);

for (const plan of stressPlans(handoffs, seed)) {
  const kind = `${plan.order}${plan.lossless ? ', lossless' : ''}, ${plan.slots} slots, ${plan.readers} readers`;
  const name = `no frame is torn, repeated or lost from the ledger: ${kind}, ${plan.kills} threads killed (seed ${plan.seed})`;
  test(name, async () => {
    const outcome = await runStress(plan);
    // Whoever kills is a thread too: on a machine that is out of breath the frames may end before.
    assert.ok(outcome.killed >= plan.kills / 2, `${outcome.killed} threads were killed`);
    assert.ok(
      outcome.deliveries >= plan.handoffs - plan.kills,
      'all but what died in a reader came through',
    );
    if (plan.lossless) {
      assert.equal(outcome.ledger.dropped.superseded + outcome.ledger.dropped.full, 0);
    }
  });
}
