import { DOCUMENTED_ENDPOINTS } from './documented/table.ts';
import { COMPONENT_ENDPOINTS } from './endpoints/component.ts';
import { MEDIA_ENDPOINTS } from './endpoints/media.ts';
import { OPENAPI_ENDPOINTS } from './endpoints/openapi.ts';
import { SHAPE_ENDPOINTS } from './endpoints/shapes.ts';
import { SIGNED_ENDPOINTS } from './endpoints/signed.ts';
import { SNS_ENDPOINTS } from './endpoints/sns.ts';
import { TICKET_ENDPOINTS } from './endpoints/ticket.ts';
import { TOKEN_ENDPOINTS } from './endpoints/token.ts';
import type { Endpoint } from './world.ts';

/** Every path of the simulated platform; all others are 40066. Later tables override earlier ones. */
export const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map(
  Object.entries({
    ...DOCUMENTED_ENDPOINTS,
    ...SHAPE_ENDPOINTS,
    ...MEDIA_ENDPOINTS,
    ...SIGNED_ENDPOINTS,
    ...TICKET_ENDPOINTS,
    ...SNS_ENDPOINTS,
    ...COMPONENT_ENDPOINTS,
    ...OPENAPI_ENDPOINTS,
    ...TOKEN_ENDPOINTS,
  }),
);
