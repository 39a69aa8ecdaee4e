import type { HubHttp, HubRequest } from '../../src/hub-client/http.ts';
import type { ResponseSink, Exchange } from '../../src/upstream/request.ts';
import type { Origin } from '../../src/upstream/origins.ts';
import { serveHubRequest } from './hub-face.ts';
import type { HubNode } from './hub-node.ts';
import type { Machine } from './machine.ts';
import type { WayBack } from './network.ts';
import type { World } from './world.ts';

/** What stands between sidecars and a hub. */
export type Gateway = 'none' | 'blocks streams' | 'buffers streams' | 'repeats posts' | 'errors';

/** More than this a gateway that buffers does not keep to itself. */
const BUFFER_BYTES_MAX = 4_096;

/** A sidecar's requests to its hubs, over the network. */
export function simulatedHubHttp(world: World, machine: Machine): HubHttp {
  return {
    send(origin: Origin, request: HubRequest, sink: ResponseSink): Exchange {
      const node = world.hubs.find(({ name }) => origin.host.startsWith(name));
      if (node === undefined) throw new Error(`There is no hub ${origin.host}`);
      const host = origin.host;
      const sending = world.network.request(
        machine,
        node.name,
        node,
        (back) => arrive(world, node, request, sink, origin, back),
        ({ kind, reason }) => sink.failed({ kind, reason, host }),
      );
      return { resume() {}, abort: () => sending.abort() };
    },
    close: () => Promise.resolve(),
  };
}

function arrive(
  world: World,
  node: HubNode,
  request: HubRequest,
  sink: ResponseSink,
  origin: Origin,
  back: WayBack,
): void {
  const gateway = world.gatewayOf(node);
  const isStream = request.path.startsWith('/v1/tokens/watch');
  if (gateway === 'errors' || (isStream && gateway === 'blocks streams')) {
    return answerAs(back, sink, origin, 502, '<html>Bad Gateway</html>');
  }
  const { hub } = node;
  // It takes no calls any more, and is about to end.
  if (hub === undefined) return answerAs(back, sink, origin, 503, '');
  if (gateway === 'repeats posts' && request.method === 'POST') {
    void serveHubRequest(hub, request, { head() {}, data() {}, end() {}, onClosed() {} });
  }
  let heldBytes = 0;
  let held: (() => void)[] = [];
  const isBuffered = isStream && gateway === 'buffers streams';
  const pass = (deliver: () => void, last = false): void => {
    if (!isBuffered) return back.piece(deliver, { last });
    held.push(deliver);
    if (heldBytes <= BUFFER_BYTES_MAX && !last) return;
    for (const [index, each] of held.entries()) back.piece(each, { last: last && index === held.length - 1 });
    held = [];
    heldBytes = 0;
  };
  const startedMs = world.schedule.nowMs;
  void serveHubRequest(hub, request, {
    head(status, headers) {
      if (!isStream) world.judge.hubAnswered(node, request, status, world.schedule.nowMs - startedMs);
      pass(() => sink.head(status, '', [...headers], origin));
    },
    data(chunk) {
      heldBytes += chunk.length;
      pass(() => void sink.data(chunk));
    },
    end: () => pass(() => sink.end([]), true),
    onClosed: (run) => back.onClosed(run),
  });
}

function answerAs(back: WayBack, sink: ResponseSink, origin: Origin, status: number, body: string): void {
  back.piece(() => sink.head(status, '', ['content-type', 'text/html'], origin));
  back.piece(() => void sink.data(Buffer.from(body)));
  back.piece(() => sink.end([]), { last: true });
}
