import { createSecureContext, type SecureContext } from 'node:tls';

/**
 * The authorities for TLS connections: what Node trusts by default (the public ones and NODE_EXTRA_CA_CERTS), and
 * additional ones that may change at runtime.
 */
export class Authorities {
  #pem: string | undefined;
  #context: SecureContext | undefined;

  constructor(pem: string | undefined) {
    this.use(pem);
  }

  /** One or more certificates, used by new connections; existing ones are not affected. */
  use(pem: string | undefined): void {
    if (pem === this.#pem) return;
    this.#pem = pem;
    this.#context = pem === undefined ? undefined : trusting(pem);
  }

  /** A new object after each change; undefined if there are no additional authorities. */
  secureContext(): SecureContext | undefined {
    return this.#context;
  }
}

/** The option `ca` would replace Node's defaults, which older versions do not expose. */
function trusting(pem: string): SecureContext {
  const made = createSecureContext();
  const { context } = made as { readonly context: { addCACert(pem: string): void } };
  context.addCACert(pem);
  return made;
}
