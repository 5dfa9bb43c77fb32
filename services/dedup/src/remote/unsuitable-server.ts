/** The server's version, role or configuration is not suitable. The message says what to do and has no secrets. */
export class UnsuitableServer extends Error {
  override readonly name = 'UnsuitableServer'
}
