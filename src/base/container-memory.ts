/** A share of what a container may take, in bytes; Infinity if there is no limit. */
export function shareOfMemory(share: number, limitBytes: number): number {
  // Node tells 0 if it does not know, and cgroups have limits of exabytes where there is none.
  return limitBytes > 0 && limitBytes <= BYTES_MAX ? Math.floor(limitBytes * share) : Infinity;
}

const BYTES_MAX = 2 ** 50;
