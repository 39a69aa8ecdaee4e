import type { Chance } from './chance.ts';
import { serveHubRequest } from './hub-face.ts';
import { CLIENT_KEY, type HubNode } from './hub-node.ts';
import { APPID } from './platform.ts';
import type { SidecarNode } from './sidecar-node.ts';
import type { World } from './world.ts';

/** Half of them stand in the platform's list; the others nobody has heard of. */
export function pathOf(index: number): string {
  const listed = KNOWN[index];
  return listed !== undefined && index % 2 === 0 ? listed : `/business/call-${index}`;
}

const KNOWN: readonly string[] = Array.from({ length: 60 }, (_, index) => index).map(
  (index) =>
    [
      '/cgi-bin/user/info',
      '',
      '/cgi-bin/message/custom/send',
      '',
      '/cgi-bin/menu/get',
      '',
      '/wxa/getwxacode',
      '',
      '/cgi-bin/tags/get',
      '',
    ][index] ?? `/cgi-bin/listed/${index}`,
);

const TICKET_PATH = '/cgi-bin/ticket/getticket?type=jsapi';

/** What business programs call, and when. */
export class Traffic {
  readonly #world: World;

  readonly #again: Chance;

  constructor(world: World) {
    this.#world = world;
    this.#again = world.chance('again');
  }

  /** Calls at moments that have nothing to do with each other. */
  begin(node: SidecarNode): void {
    const { sizes, schedule, script } = this.#world;
    const chance = this.#world.chance(`traffic ${node.name}`);
    const next = (): void => {
      const waitMs = -Math.log(1 - chance.random()) * sizes.callEveryMs;
      if (schedule.nowMs + waitMs > script.endMs) return;
      schedule.in(waitMs, undefined, () => {
        // Some paths are called far more often than others.
        const index = Math.floor(chance.random() ** 2 * sizes.paths);
        this.deliver(node, pathOf(index));
        next();
      });
    };
    next();
  }

  /** A page now and then needs a ticket; programs without a sidecar ask hubs for real tokens. */
  beginWithoutSidecars(): void {
    const { schedule, sidecars, hubs, script } = this.#world;
    const chance = this.#world.chance('others');
    const next = (): void => {
      const waitMs = chance.spread(5_000, 1_200_000);
      if (schedule.nowMs + waitMs > script.endMs) return;
      schedule.in(waitMs, undefined, () => {
        const sidecar = chance.one(sidecars);
        const hub = hubs.length === 0 ? undefined : chance.one(hubs);
        if (chance.happens(0.4) || hub === undefined) this.deliver(sidecar, TICKET_PATH);
        else schedule.in(0, hub.machine(), () => this.#askHub(hub));
        next();
      });
    };
    next();
  }

  #askHub(node: HubNode): void {
    if (node.hub === undefined) return;
    const path = `/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=${CLIENT_KEY}`;
    void serveHubRequest(
      node.hub,
      { method: 'GET', path, headers: [] },
      {
        head() {},
        data: (chunk) => {
          const answer = JSON.parse(chunk.toString()) as { expires_in?: number };
          if (answer.expires_in !== undefined) this.#world.judge.gaveLife(node, answer.expires_in);
        },
        end() {},
        onClosed() {},
      },
    );
  }

  /** Many calls in a short time. */
  rush(node: SidecarNode, calls: number, overMs: number): void {
    const { sizes, schedule } = this.#world;
    const chance = this.#world.chance(`rush ${node.name} ${schedule.nowMs}`);
    for (let index = 0; index < calls; index += 1) {
      const path = pathOf(Math.floor(chance.random() ** 2 * sizes.paths));
      schedule.in(chance.random() * overMs, undefined, () => this.deliver(node, path));
    }
  }

  /** A program whose sidecar stands still waits for it; one that got no token tries again before long. */
  deliver(node: SidecarNode, path: string): void {
    const { machine } = node;
    const { schedule } = this.#world;
    if (machine === undefined) return;
    schedule.in(0, machine, () =>
      node.call(path, ({ reason }) => {
        if (reason !== 'token_unavailable') return;
        schedule.in(this.#again.between(1_000, 8_000), undefined, () => this.deliver(node, path));
      }),
    );
  }
}
