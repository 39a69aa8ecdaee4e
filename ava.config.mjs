// BUILD_DIR lets several builds of the same tree be tested side by side.
const build = process.env.BUILD_DIR ?? 'build';

// `LANE=general` shows what the tests find where no call takes the express lane.
const isGeneral = process.env.LANE === 'general';

export default {
  // These suites need tools of their own, or a machine to themselves: `npm run test:k8s`, `test:examples`, `test:attack`.
  files: [
    `${build}/test/**/*.test.js`,
    ...['k8s', 'examples', 'attack'].map((suite) => `!${build}/test/${suite}/**`),
  ],
  timeout: '3m',
  workerThreads: false,
  // Most tests wait for something to happen, and not for a processor.
  concurrency: 3,
  nodeArguments: isGeneral ? [`--import=./${build}/test/support/general-lane.js`] : [],
};
