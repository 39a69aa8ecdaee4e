import { isIP } from 'node:net';
import { readIpRange } from '../base/ip-range.ts';

/** Whether a host is reached directly, without the proxy. `hostname` has no brackets. */
export type IsDirect = (hostname: string, port: number) => boolean;

type Entry = (hostname: string, family: number) => boolean;

/**
 * Parses `NO_PROXY` as curl does. Entries are separated by commas or blanks. Each is a name, which includes its
 * subdomains (with or without a leading dot), an address, or a range such as `10.0.0.0/8`, which is compared with
 * addresses only, because the proxy looks names up; `*` alone means every host. As in Go and Python, and unlike in
 * curl, an entry may end with a port.
 */
export function readNoProxy(list: string): IsDirect {
  if (list === '*') return () => true;
  const entries = list
    .split(/[,\s]+/)
    .filter((text) => text !== '')
    .map((text) => readEntry(text));
  return (hostname, port) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    const family = isIP(name);
    return entries.some((entry) => (entry.port ?? port) === port && entry.matches(name, family));
  };
}

const WITH_PORT = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/;

function readEntry(text: string): { readonly port: number | undefined; readonly matches: Entry } {
  const [, host = text, port] = WITH_PORT.exec(text) ?? [];
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '');
  return {
    port: port === undefined ? undefined : Number(port),
    matches: addressEntry(bare) ?? nameEntry(bare),
  };
}

/** Undefined if it is neither an address nor a range. */
function addressEntry(text: string): Entry | undefined {
  const range = readIpRange(text);
  return range && ((hostname) => range(hostname));
}

function nameEntry(text: string): Entry {
  const domain = text.replace(/^\./, '').replace(/\.$/, '');
  return (hostname, family) =>
    family === 0 && domain !== '' && (hostname === domain || hostname.endsWith(`.${domain}`));
}
