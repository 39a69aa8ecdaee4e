/** Whether a socket's peer address is this machine's own: 127/8, ::1, and IPv4 written as IPv6. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address) || address === '::1';
}
