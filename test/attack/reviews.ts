import { genuine, startReviewServer } from '../support/review-server.ts';

/**
 * A program that stands in for the API server while a hub is under attack. Arguments: the service account that it
 * knows, and the audience. Tokens whose salt begins with `honest` are genuine, all others are junk.
 */
const [account = '', audience = ''] = process.argv.slice(2);
/** What it takes for a question. */
const REVIEW_MS = 10;

const teardowns: (() => unknown)[] = [];
const server = await startReviewServer({ teardown: (run) => void teardowns.push(run) });
server.decide = async ({ token }) => {
  // Nobody looks at them, and there are many.
  server.reviews.length = 0;
  await new Promise((resolve) => setTimeout(resolve, REVIEW_MS));
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    salt: string;
  };
  return claims.salt.startsWith('honest')
    ? genuine(account, [audience])
    : { review: { authenticated: false } };
};
const end = (): void => {
  for (const run of teardowns) run();
  process.exit(0);
};
process.once('SIGTERM', end);
process.once('disconnect', end);
process.send?.(server.access);
