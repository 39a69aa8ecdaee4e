import { type Answer, jsonAnswer } from './answer.ts';
import { errorText, type RidStyle, withRid } from './errors.ts';
import type { Call, World } from './world.ts';

export interface RefusalShape {
  /** Replaces the usual text of the code. */
  readonly text?: string;
  /** The current form of the rid at this endpoint; the knob `ridStyle` overrides it. */
  readonly ridStyle?: RidStyle;
  /** `text/plain`, as in the sns family and some media endpoints. */
  readonly plain?: boolean;
}

const REMEMBERED_BODY_BYTES = 4_096;

/**
 * An error in the platform's format: HTTP 200, errcode first, and a rid that can be looked up with rid/get.
 */
export function refuse(world: World, call: Call, errcode: number, shape: RefusalShape = {}): Answer {
  const rid = world.nextRid();
  const { knobs } = world;
  const style = knobs.ridStyle === 'auto' ? (shape.ridStyle ?? 'space') : knobs.ridStyle;
  const errmsg = withRid(shape.text ?? errorText(errcode), style, rid);
  const answer = jsonAnswer(
    { errcode, errmsg },
    { plain: shape.plain ?? false, escapeSlashes: knobs.escapeSlashes },
  );
  world.ridRecords.set(rid, {
    appid: call.account?.settings.appid,
    atMs: call.nowMs,
    query: call.rawQuery,
    body: call.body.bytes?.subarray(0, REMEMBERED_BODY_BYTES).toString() ?? '',
    response: JSON.stringify({ errcode, errmsg }),
    ip: call.ip,
  });
  if (!knobs.logicRet) return answer;
  return { ...answer, headers: { ...answer.headers, RetKey: '11', LogicRet: String(errcode) } };
}
