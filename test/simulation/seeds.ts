/** Seeds that once broke a promise, each with what was wrong. A change of the script's lot takes their meaning away. */
export const SEEDS_THAT_FAILED: readonly { readonly seed: number; readonly story: string }[] = [
  { seed: 299, story: 'a sidecar went back to a dead token because an endpoint refused its successor too' },
  {
    seed: 773,
    story: 'a platform that was busy for seconds kept a refused classic token dead for five minutes',
  },
];
