import * as z from 'zod';
import { statusOf } from './problem.ts';
import type { ApiRoute, QueryParam } from './route.ts';
import { type SchemaName, SCHEMAS } from '../hub-api/schemas.ts';
import type { ProblemReason } from '../hub-api/problem.ts';

type Json = Readonly<Record<string, unknown>>;

const EVENTS =
  'Server-sent events: `token` with a Token as its data, at once for each account and then for each new one; ' +
  '`gone` with {"appid"} for an account that has no token; a comment every 15 s.';

/** The routes as an OpenAPI document. */
export function describeApi(routes: readonly ApiRoute[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'wechat-sidecar hub',
      version,
      description:
        'Serves tokens of the WeChat API to authorized callers. Every response has Cache-Control: no-store.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The key of a client, or the projected token of a Kubernetes service account.',
        },
      },
    },
  };
}

function operation(route: ApiRoute): Json {
  const { summary, path, query = [], body, answer, problems, credential, right } = route;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const ofEveryCall: readonly ProblemReason[] =
    credential === 'bearer'
      ? ['unauthorized', 'too_many_failures', 'review_unavailable', 'internal']
      : ['internal'];
  const ofRight: readonly ProblemReason[] =
    credential === 'bearer' && right !== 'any' ? ['not_permitted'] : [];
  return {
    summary,
    ...(right !== 'any' && { description: `For callers whose "may" has "${right}".` }),
    ...(credential === 'key' && { security: [] }),
    parameters: [...inPath, ...query.map(parameter)],
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: refTo(body) } } },
    }),
    responses: {
      200: goodAnswer(answer),
      // In the platform's own format, as for a wrong key.
      ...(credential === 'key' && { 429: goodAnswer(answer) }),
      ...problemAnswers([...problems, ...ofRight, ...ofEveryCall]),
    },
  };
}

function parameter({ name, summary, required, values, many = false }: QueryParam): Json {
  const one = { type: 'string', ...(values !== undefined && { enum: values }) };
  const schema = many ? { type: 'array', items: one } : one;
  return { name, in: 'query', description: summary, required, schema };
}

function goodAnswer(answer: ApiRoute['answer']): Json {
  if (answer === 'events') {
    return { description: EVENTS, content: { 'text/event-stream': { schema: { type: 'string' } } } };
  }
  if (answer === 'platform') {
    return {
      description:
        "The platform's own response, with its status, Content-Type and body, and the header x-wechat-sidecar-relay.",
      content: { '*/*': {} },
    };
  }
  return { description: answer, content: { 'application/json': { schema: refTo(answer) } } };
}

function problemAnswers(reasons: readonly ProblemReason[]): Readonly<Record<string, Json>> {
  const answers: Record<string, Json> = {};
  for (const status of new Set(reasons.map(statusOf))) {
    const words = [...new Set(reasons.filter((reason) => statusOf(reason) === status))];
    answers[status] = {
      description: words.join(', '),
      content: { 'application/problem+json': { schema: refTo('Problem') } },
    };
  }
  return answers;
}

function refTo(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
}
