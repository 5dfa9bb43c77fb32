/** An address that no gateway can have. The message goes on after a name for it, and never holds the address itself. */
export class UnusableEndpoint extends Error {
  override readonly name = 'UnusableEndpoint'
}

/**
 * The address of a gateway.
 * @throws UnusableEndpoint when it is no http or https address, or holds a user name or password
 */
export function parseEndpoint(given: string | URL): URL {
  const text = String(given)
  // Not by the error of `new URL`: it holds the text, and with it what may be a password.
  const endpoint = URL.canParse(text) ? new URL(text) : undefined
  if (endpoint === undefined || !['http:', 'https:'].includes(endpoint.protocol)) {
    throw new UnusableEndpoint('must be an address such as https://gateway.example')
  }
  if (endpoint.username !== '' || endpoint.password !== '') {
    throw new UnusableEndpoint('must not hold a user name or password')
  }
  return endpoint
}
