// BUILD_DIR lets several builds of the same tree be tested side by side.
const build = process.env.BUILD_DIR ?? 'build';

export default {
  files: [`${build}/test/**/*.test.js`],
  timeout: '3m',
  workerThreads: false,
  concurrency: 2,
};
