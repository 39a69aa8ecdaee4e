// BUILD_DIR lets several builds of the same tree be tested side by side.
const build = process.env.BUILD_DIR ?? 'build';

export default {
  // The suite for Kubernetes needs tools of its own: `npm run test:k8s`.
  files: [`${build}/test/**/*.test.js`, `!${build}/test/k8s/**`],
  timeout: '3m',
  workerThreads: false,
  concurrency: 2,
};
