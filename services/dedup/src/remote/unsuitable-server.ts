/** A server is not what it must be. The sentence says what to do, and may be told to anybody. */
export class Misfit extends Error {
  override readonly name = 'Misfit'
}
