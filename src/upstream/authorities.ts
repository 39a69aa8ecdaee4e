import { createSecureContext, type SecureContext } from 'node:tls';

/**
 * Whom TLS connections trust: what Node trusts by itself (the public authorities and those of
 * NODE_EXTRA_CA_CERTS), and further authorities that may change while we run.
 */
export class Authorities {
  #pem: string | undefined;
  #context: SecureContext | undefined;

  constructor(pem: string | undefined) {
    this.use(pem);
  }

  /** One or more certificates. New connections go by them; those that stand are left alone. */
  use(pem: string | undefined): void {
    if (pem === this.#pem) return;
    this.#pem = pem;
    this.#context = pem === undefined ? undefined : trusting(pem);
  }

  /** Another object after each change; undefined where nothing is added. */
  secureContext(): SecureContext | undefined {
    return this.#context;
  }
}

/** The option `ca` would replace what Node trusts by itself, and on older versions nothing tells what that is. */
function trusting(pem: string): SecureContext {
  const made = createSecureContext();
  const { context } = made as { readonly context: { addCACert(pem: string): void } };
  context.addCACert(pem);
  return made;
}
