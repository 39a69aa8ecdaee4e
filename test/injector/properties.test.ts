import test from 'ava';
import fc from 'fast-check';
import { injected, TEST_INJECTION } from '../support/injection.ts';

const label = { 'wechat-sidecar.io/inject': 'true' };
const key = fc.stringMatching(/^[a-z][a-zA-Z0-9./~_-]{0,12}$/);
/** Fields that do not exist yet. */
const unknown = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const container = fc
  .record({
    name: fc.stringMatching(/^[a-v][a-z0-9-]{0,10}$/),
    env: maybe(
      fc.array(fc.record({ name: fc.constantFrom('A', 'B', 'WECHAT_SIDECAR_URL'), value: fc.string() }), {
        maxLength: 3,
      }),
    ),
    restartPolicy: maybe(fc.constant('Always')),
    ports: maybe(
      fc.array(fc.record({ containerPort: fc.integer({ min: 3881, max: 3884 }) }), { maxLength: 2 }),
    ),
    more: unknown,
  })
  .map(({ more, ...known }) => ({ ...more, ...known }));

const pod = fc
  .record({
    annotations: maybe(fc.dictionary(key, fc.string(), { maxKeys: 3 })),
    labels: fc.dictionary(key, fc.string(), { maxKeys: 3 }).map((labels) => ({ ...labels, ...label })),
    volumes: maybe(fc.array(fc.record({ name: key, more: unknown }), { maxLength: 3 })),
    initContainers: maybe(fc.array(container, { maxLength: 3 })),
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    grace: maybe(fc.integer({ min: 0, max: 4_000 })),
    more: fc.tuple(unknown, unknown, unknown),
  })
  .map(
    ({ annotations, labels, volumes, initContainers, containers, grace, more: [top, meta, spec] }) =>
      // Through JSON, as on the wire: undefined fields are absent.
      JSON.parse(
        JSON.stringify({
          ...top,
          metadata: { ...meta, labels, annotations },
          spec: {
            ...spec,
            hostNetwork: undefined,
            os: undefined,
            nodeSelector: undefined,
            volumes,
            initContainers,
            containers,
            terminationGracePeriodSeconds: grace,
          },
        }),
      ) as Record<string, unknown>,
  );

const settings = fc.record({ mode: fc.constantFrom('native' as const, 'container' as const) });

/** Whether `after` contains `before`: every field, and every item of a list in its order. */
function extend(after: unknown, before: unknown): boolean {
  if (Array.isArray(before)) {
    if (!Array.isArray(after)) return false;
    let index = 0;
    for (const item of before as unknown[]) {
      while (index < after.length && !extend(after[index], item)) index += 1;
      if (index === after.length) return false;
      index += 1;
    }
    return true;
  }
  if (typeof before !== 'object' || before === null) return Object.is(after, before);
  if (typeof after !== 'object' || after === null || Array.isArray(after)) return false;
  return Object.entries(before).every(
    ([name, value]) => Object.hasOwn(after, name) && extend((after as Record<string, unknown>)[name], value),
  );
}

test('every other field of a pod survives, and the patch only adds', (t) => {
  fc.assert(
    fc.property(pod, settings, (before, chosen) => {
      const { result, pod: after } = injected(before, chosen);
      if (result.kind !== 'inject') throw new Error(JSON.stringify(result));
      if (!result.operations.every(({ op }) => op === 'add'))
        throw new Error('something else than an addition');
      return extend(after, before);
    }),
    { numRuns: 500 },
  );
  t.false(extend({ a: [1, 3] }, { a: [1, 2] }));
  t.false(extend({ b: 1 }, { a: 1 }));
});

test('an injected pod gets nothing more, and a container added later gets the address', (t) => {
  fc.assert(
    fc.property(pod, settings, (before, chosen) => {
      const once = injected(before, chosen).pod as { spec: { containers: unknown[] } };
      const again = injected(once, chosen).result;
      if (again.kind !== 'skip' || again.reason !== 'already_injected') return false;
      once.spec.containers.push({ name: 'zz-late' });
      const late = injected(once, chosen).result;
      return (
        late.kind === 'inject' &&
        late.operations.length === 1 &&
        late.operations[0]?.path === `/spec/containers/${once.spec.containers.length - 1}/env`
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('the sidecar starts before every container that can call it, and each of those gets its address', (t) => {
  interface Named {
    name: string;
    restartPolicy?: string;
    env?: { name: string; value: string }[];
    ports?: { containerPort: number }[];
  }
  fc.assert(
    fc.property(pod, settings, (before, chosen) => {
      const { spec } = injected(before, chosen).pod as {
        spec: { containers: Named[]; initContainers?: Named[]; volumes: { name: string }[] };
      };
      const inits = spec.initContainers ?? [];
      const [first, ...rest] = chosen.mode === 'native' ? inits : spec.containers;
      if (first?.name !== 'wechat-sidecar') return false;
      const callers = chosen.mode === 'native' ? [...rest, ...spec.containers] : rest;
      const admin = first.ports?.[0]?.containerPort ?? 0;
      const others = [...inits, ...spec.containers].filter((other) => other !== first);
      const declared = others.flatMap((other) => other.ports?.map((port) => port.containerPort) ?? []);
      return (
        callers.every((caller) => caller.env?.some((entry) => entry.name === 'WECHAT_SIDECAR_URL')) &&
        !declared.includes(admin) &&
        admin !== TEST_INJECTION.port &&
        spec.volumes.filter(({ name }) => name === 'wechat-sidecar-hub').length === 1
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});
