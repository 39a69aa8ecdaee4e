/** A server could not be opened. The message is for people and names the setting to change. */
export class ListenError extends Error {
  readonly kind = 'listen';
  /** The system's code, such as EADDRINUSE. */
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ListenError';
    this.code = code;
  }
}

export function listenErrorOf(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  setting: string,
): ListenError {
  const code = error.code ?? 'unknown';
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new ListenError(code, `Cannot listen on ${where}: ${adviceFor(code, host, setting)}`, error);
}

function adviceFor(code: string, host: string, setting: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program already uses this port. Stop it, or choose another port in ${setting}.`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not open it. Choose a port from 1024 up in ${setting}.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `this machine does not have the address ${host}. Choose one that it has in ${setting}.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not lead to an address. Choose an address in ${setting}.`;
    default:
      return `${code}. Look at ${setting}.`;
  }
}
