import { compilePathPattern, type PathPattern } from '../wechat/path-pattern.ts';

/** A fault in a response, or a replacement for it. */
export type Fault =
  | { readonly kind: 'errcode'; readonly errcode: number; readonly errmsg?: string | undefined }
  /** Another HTTP status, as from a load balancer, with an HTML page unless `body` is set. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string | undefined }
  /** HTTP 200 without a body. */
  | { readonly kind: 'empty' }
  /** The connection is reset instead of a response. The call was not executed. */
  | { readonly kind: 'reset' }
  /** The call is executed; the connection is reset after the response headers. */
  | { readonly kind: 'resetAfterHeaders' }
  /** The call is executed; the connection is closed in the middle of the body. */
  | { readonly kind: 'truncated' }
  /** The call is executed; the body is sent in pieces of `pieceBytes`, one every `everyMs`. */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly everyMs: number }
  /** No response, and the connection stays open. The call was not executed. */
  | { readonly kind: 'silent' }
  | Custom;

export interface Custom {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly coding?: 'gzip' | 'deflate' | 'br' | undefined;
  /** Sends the body in pieces that begin at these positions (of the encoded bytes), one write each. */
  readonly splitAt: readonly number[];
  readonly pauseMs: number;
  /** Without a Content-Length. */
  readonly chunked: boolean;
  /** Only replaces a response that would have been a success: path, method and token are checked first. */
  readonly afterChecks: boolean;
}

export interface NewRule {
  /** A path in which `*` matches any characters. */
  readonly path: string;
  readonly method?: string | undefined;
  /** How often it applies; if absent, until it is healed. */
  readonly times?: number | undefined;
  /** Applies as soon as the request headers are in, before the body is read. */
  readonly early?: boolean | undefined;
}

export interface Rule extends NewRule {
  readonly id: number;
  readonly fault: Fault;
  readonly matches: PathPattern;
  left: number;
}

export interface RulesInForce {
  readonly rules: readonly RuleView[];
  /** Milliseconds by path pattern. */
  readonly delays: Readonly<Record<string, number>>;
}

/** A rule without its body. */
export interface RuleView extends NewRule {
  readonly rule: number;
  readonly kind: Fault['kind'];
  /** How often it will still apply; absent: until it is healed. */
  readonly left?: number;
}

export const RULES_MAX = 1_000;

/** The active faults and delays. The latest rule that matches wins. */
export class Rules {
  #ids = 0;
  #rules: Rule[] = [];
  #delays = new Map<string, { readonly matches: PathPattern; readonly ms: number }>();

  /** Returns `undefined` if there are too many rules already. */
  add(rule: NewRule, fault: Fault): number | undefined {
    if (this.#rules.length >= RULES_MAX) return undefined;
    this.#ids += 1;
    const matches = compilePathPattern(rule.path);
    const left = rule.times ?? Number.POSITIVE_INFINITY;
    this.#rules.push({ ...rule, fault, matches, id: this.#ids, left });
    return this.#ids;
  }

  /** The rule for this request; uses up one of its times. */
  take(path: string, method: string): Rule | undefined {
    const rule = this.#rules.findLast(
      (it) => it.matches(path) && (it.method === undefined || it.method === method),
    );
    if (rule === undefined) return undefined;
    rule.left -= 1;
    if (rule.left <= 0) this.#rules = this.#rules.filter((it) => it !== rule);
    return rule;
  }

  /** Adds a fixed latency to a path pattern; 0 removes it. */
  delay(path: string, ms: number): void {
    this.#delays.delete(path);
    if (ms > 0 && this.#delays.size < RULES_MAX) {
      this.#delays.set(path, { matches: compilePathPattern(path), ms });
    }
  }

  delayFor(path: string): number {
    let found = 0;
    for (const { matches, ms } of this.#delays.values()) if (matches(path)) found = ms;
    return found;
  }

  list(): RulesInForce {
    const delays = [...this.#delays].map(([path, { ms }]) => [path, ms] as const);
    return { rules: this.#rules.map(viewOf), delays: Object.fromEntries(delays) };
  }

  /** Removes the faults and delays that were set for exactly this pattern, or all of them. */
  heal(path?: string): void {
    if (path === undefined) return this.clear();
    this.#rules = this.#rules.filter((rule) => rule.path !== path);
    this.#delays.delete(path);
  }

  clear(): void {
    this.#rules = [];
    this.#delays.clear();
  }
}

function viewOf({ id, path, method, early, fault, left }: Rule): RuleView {
  return { rule: id, path, method, early, kind: fault.kind, ...(Number.isFinite(left) && { left }) };
}
