// Attacks on the built program within the memory of its manifest: `npm run test:attack`. Alone, since times count.
const build = process.env.BUILD_DIR ?? 'build';

export default {
  files: [`${build}/test/attack/**/*.test.js`],
  timeout: '5m',
  workerThreads: false,
  concurrency: 1,
};
