import { Attacker, CONNECTION_ATTACKS, HUB_ATTACKS, PROXY_ATTACKS, type AttackPlan } from './attacks.ts';
import { INJECTOR_ATTACKS } from './injector-attacks.ts';

/**
 * A program that attacks one role on this machine, with all that its plan names at once, and ends by itself.
 * Its argument is the plan as JSON: `{ "role": …, … }`.
 */
const { role, ...plan } = JSON.parse(process.argv[2] ?? '') as AttackPlan & { readonly role: string };
const OF_ROLE = { hub: HUB_ATTACKS, proxy: PROXY_ATTACKS, injector: INJECTOR_ATTACKS }[role];
const attacker = new Attacker(plan);
await Promise.all(
  plan.attacks.map((name) => {
    const attack = OF_ROLE?.[name] ?? CONNECTION_ATTACKS[name];
    if (attack === undefined) throw new Error(`There is no attack ${name}`);
    return attack(attacker);
  }),
);
// What it holds open is closed with it.
process.exit(0);
