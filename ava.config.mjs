// BUILD_DIR lets several builds of the same tree be tested side by side.
const build = process.env.BUILD_DIR ?? 'build';

export default {
  // These suites need tools of their own: `npm run test:k8s` and `npm run test:examples`.
  files: [`${build}/test/**/*.test.js`, `!${build}/test/k8s/**`, `!${build}/test/examples/**`],
  timeout: '3m',
  workerThreads: false,
  concurrency: 2,
};
