// The suite for Kubernetes: `npm run test:k8s`.
const build = process.env.BUILD_DIR ?? 'build-k8s';

export default {
  files: [`${build}/test/k8s/**/*.test.js`],
  timeout: '5m',
  workerThreads: false,
  concurrency: 1,
};
