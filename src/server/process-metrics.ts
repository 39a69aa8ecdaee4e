import { Gauge, type Registry } from 'prom-client';
import processHeap from 'prom-client/lib/metrics/heapSizeAndUsed.js';
import processMemory from 'prom-client/lib/metrics/osMemoryHeap.js';
import processCpu from 'prom-client/lib/metrics/processCpuTotal.js';
import processDescriptorsMax from 'prom-client/lib/metrics/processMaxFileDescriptors.js';
import processDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js';
import processStart from 'prom-client/lib/metrics/processStartTime.js';
import { eventLoopUtilization } from './event-loop.ts';

/** Metrics that cost nothing between scrapes: they are read on demand. */
const FROM_THE_LIBRARY = [
  processStart,
  processCpu,
  processMemory,
  processHeap,
  processDescriptors,
  processDescriptorsMax,
];

export function registerProcessMetrics(registry: Registry): void {
  for (const register of FROM_THE_LIBRARY) register(registry);
  const utilization = eventLoopUtilization();
  // oxlint-disable-next-line no-new -- it registers itself, and reads what it shows
  new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'The part of the time since the last scrape in which the event loop was busy, from 0 to 1.',
    registers: [registry],
    collect() {
      this.set(utilization());
    },
  });
}
