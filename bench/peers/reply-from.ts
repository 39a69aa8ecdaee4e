/** @fastify/reply-from: adds the token. */
import replyFrom from '@fastify/reply-from';
import { fastify } from 'fastify';
import { CONNECTIONS_MAX, KEEP_ALIVE_MS, port, target, withToken } from './peer.ts';

const server = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
await server.register(replyFrom, {
  base: target,
  undici: { connections: CONNECTIONS_MAX, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS },
  disableCache: true,
});
// Bodies are streamed.
server.removeAllContentTypeParsers();
server.addContentTypeParser('*', (_request, body, done) => done(null, body));
server.all('/*', (request, reply) => reply.from(withToken(request.raw.url)));
await server.listen({ port, host: '127.0.0.1' });
