/** The series of one metric, without comments. */
export async function seriesOf(metrics: { page(): Promise<string> }, name: string): Promise<string[]> {
  return (await metrics.page())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}
