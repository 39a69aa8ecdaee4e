import { describeApi } from './openapi.ts';
import {
  answerPlatformStableToken,
  answerPlatformToken,
  answerPostedPlatformToken,
} from './platform-token.ts';
import { answerRelay } from './relay.ts';
import type { ApiRoute, QueryParam } from './route.ts';
import { answerSignature } from './signature-route.ts';
import { answerTicket } from './ticket-route.ts';
import { answerApps, answerRefresh, answerToken, answerWatch } from './token-routes.ts';
import { TICKET_TYPES } from '../token/ticket.ts';

const PLATFORM_QUERY: readonly QueryParam[] = [
  { name: 'grant_type', summary: 'client_credential', required: true },
  { name: 'appid', summary: 'The account.', required: true },
  { name: 'secret', summary: 'The key of a client of the hub.', required: true },
];

/** The whole API: every route that is served, with its description. */
export const API_ROUTES: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/apps',
    summary: 'The accounts that this caller may use, without their tokens.',
    answer: 'Apps',
    problems: [],
    credential: 'bearer',
    right: 'any',
    run: answerApps,
  },
  {
    method: 'GET',
    path: '/v1/apps/:appid/token',
    summary: "The account's token.",
    answer: 'Token',
    problems: ['unknown_app', 'token_unavailable'],
    credential: 'bearer',
    right: 'tokens',
    run: answerToken,
  },
  {
    method: 'POST',
    path: '/v1/apps/:appid/token/refresh',
    summary:
      'Reports a token that the platform refused. A token that is not the current one causes no refresh.',
    body: 'Report',
    answer: 'Refresh',
    problems: ['bad_request', 'body_too_large', 'unknown_app', 'too_many_requests', 'token_unavailable'],
    credential: 'bearer',
    right: 'tokens',
    run: answerRefresh,
  },
  {
    method: 'GET',
    path: '/v1/apps/:appid/ticket',
    summary: 'A ticket for signing JS-SDK calls or cards.',
    query: [{ name: 'type', summary: 'The type of the ticket.', required: true, values: TICKET_TYPES }],
    answer: 'Ticket',
    problems: ['bad_request', 'unknown_app', 'ticket_unavailable'],
    credential: 'bearer',
    right: 'tickets',
    run: answerTicket,
  },
  {
    method: 'POST',
    path: '/v1/apps/:appid/jssdk-signature',
    summary: 'Signs a page for the JS-SDK, in the form that wx.config takes.',
    body: 'Page',
    answer: 'Signature',
    problems: ['bad_request', 'body_too_large', 'unknown_app', 'ticket_unavailable'],
    credential: 'bearer',
    right: 'sign',
    run: answerSignature,
  },
  {
    method: 'POST',
    path: '/v1/apps/:appid/relay',
    summary: 'Makes one call that carries the AppSecret, with the secret filled in.',
    body: 'Relay',
    answer: 'platform',
    problems: [
      'bad_request',
      'body_too_large',
      'unknown_app',
      'upstream_unreachable',
      'upstream_broken',
      'upstream_timeout',
    ],
    credential: 'bearer',
    right: 'relay',
    run: answerRelay,
  },
  {
    method: 'GET',
    path: '/v1/tokens/watch',
    summary: 'Streams the current tokens and each new one.',
    query: [
      {
        name: 'appid',
        summary: 'The accounts to watch; by default all that this caller may use.',
        required: false,
        many: true,
      },
    ],
    answer: 'events',
    problems: ['bad_request', 'unknown_app', 'overloaded'],
    credential: 'bearer',
    right: 'tokens',
    run: answerWatch,
  },
  {
    method: 'GET',
    path: '/cgi-bin/token',
    summary: "The real token in the platform's format, for programs that cannot run a sidecar.",
    query: PLATFORM_QUERY,
    answer: 'PlatformToken',
    problems: [],
    credential: 'key',
    right: 'tokens',
    run: answerPlatformToken,
  },
  {
    method: 'POST',
    path: '/cgi-bin/token',
    summary: 'The same. The parameters may be in a JSON or form body instead of the query.',
    query: PLATFORM_QUERY.map((param) => ({ ...param, required: false })),
    answer: 'PlatformToken',
    problems: ['bad_request', 'body_too_large'],
    credential: 'key',
    right: 'tokens',
    run: answerPostedPlatformToken,
  },
  {
    method: 'POST',
    path: '/cgi-bin/stable_token',
    summary: 'The same for SDKs that ask for a stable token.',
    body: 'PlatformQuestion',
    answer: 'PlatformToken',
    problems: ['bad_request', 'body_too_large'],
    credential: 'key',
    right: 'tokens',
    run: answerPlatformStableToken,
  },
  {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description.',
    answer: 'OpenApi',
    problems: [],
    credential: 'bearer',
    right: 'any',
    run(ctx, hub) {
      ctx.body = describeApi(API_ROUTES, hub.version);
    },
  },
];
