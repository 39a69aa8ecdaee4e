/** http-proxy alone: adds the token. */
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import httpProxy from 'http-proxy';
import { CONNECTIONS_MAX, KEEP_ALIVE_MS, port, target, withToken } from './peer.ts';

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
const proxy = httpProxy.createProxyServer({ target, agent });
proxy.on('error', (_error, _request, response) => response.destroy());
createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  request.url = withToken(request.url);
  proxy.web(request, response);
}).listen(port, '127.0.0.1');
