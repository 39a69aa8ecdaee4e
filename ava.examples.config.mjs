// The programs of examples/, each in its language: `npm run test:examples`.
const build = process.env.BUILD_DIR ?? 'build-examples';

export default {
  files: [`${build}/test/examples/**/*.test.js`],
  timeout: '3m',
  workerThreads: false,
  concurrency: 1,
};
