/**
 * Loaded before everything else (`LANE=general npx ava …`), it leaves every plain request to the general lane, so that
 * the same tests show what each lane does.
 */
import { ExpressLane } from '../../src/server/express-lane.ts';

ExpressLane.prototype.serve = () => false;
